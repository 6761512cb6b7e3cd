/// Turns nearly feasible arc masses into a sparse coupling.
#pragma once

#include "spectralot/core/types.hpp"

#include <optional>
#include <vector>

namespace spectralot {

/// Drops the arcs of mass below floor·(mean mass of an atom) and routes what is then missing along the heaviest
/// spanning forest of the others. Masses (zero = dropped) that meet the marginals to rounding, or nothing if that
/// would need a negative mass or if a tree of the forest is out of balance. O(K log K).
std::optional<Vector> restore_marginals(const std::vector<int>& row, const std::vector<int>& col, const Vector& mass,
                                        const Vector& row_mass, const Vector& col_mass, double floor);

}  // namespace spectralot
