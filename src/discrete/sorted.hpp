/// Transport on the line: sort, merge, and potentials along the staircase. O((n+m) log(n+m)).
#pragma once

#include "discrete/basis.hpp"
#include "discrete/supplies.hpp"

namespace spectralot {

/// Optimal basis for the cost (x_i - y_j)²; x is n×1, y is m×1.
template <class Flow>
Basis sorted_transport(const Points& x, const Points& y, const Supplies<Flow>& supplies);

}  // namespace spectralot
