/// The header that stands before the numbers of a float64 array in C order, shared by `.npy` and `.npz`.
#pragma once

#include "spectralot/core/types.hpp"

#include <string>
#include <vector>

namespace spectralot::io {

std::string npy_header(const std::vector<Index>& shape);

}  // namespace spectralot::io
