/// Pricing: the pairs of two clouds with the largest products.
#pragma once

#include "spectralot/core/types.hpp"

#include <vector>

namespace spectralot::sphere {

/// Pairs (row, col), row by row, columns ascending.
struct PairList {
    std::vector<int> row;
    std::vector<int> col;
    [[nodiscard]] std::size_t size() const { return row.size(); }
};

/// For every row of `x` the (at most) `cap` largest products x_i·z_j above `floor`, pairs in `known` (sorted) left out.
/// O(nm·d) time, O(m) memory.
PairList largest_products(const Points& x, const Points& z, int cap, double floor, const PairList& known);

/// max_j x_i·z_j for every row, and at least 0.
Vector row_maxima(const Points& x, const Points& z);

}  // namespace spectralot::sphere
