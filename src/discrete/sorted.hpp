/// Transport on the line: sort, merge, and potentials along the staircase. O((n+m) log(n+m)).
#pragma once

#include "spectralot/core/types.hpp"

#include <vector>

namespace spectralot {

struct SortedTransport {
    std::vector<int> row;       ///< the plan: row[t] sends mass[t] to col[t]
    std::vector<int> col;
    std::vector<double> mass;
    Vector col_potential;       ///< g_j, best up to rounding, for the cost (x_i - y_j)²
};

}  // namespace spectralot
