/// Weights of atoms, components or rows as shares of one.
#pragma once

#include "spectralot/core/types.hpp"

#include <string>

namespace spectralot {

/// weights / Σ weights, or 1/n where empty. Throws InvalidArgument naming `argument` unless there is one per `item` (n
/// of them), each finite and at least 0, some positive. The sum cannot overflow.
Vector normalised_weights(const Vector& weights, Index n, const std::string& argument, const std::string& item);

}  // namespace spectralot
