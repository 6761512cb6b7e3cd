/// The order of numbers on a line.
#pragma once

#include "spectralot/core/types.hpp"

#include <vector>

namespace spectralot {

/// Indices of the values from the smallest to the largest, ties by index.
std::vector<int> ascending_order(const Eigen::Ref<const Vector>& values);

}  // namespace spectralot
