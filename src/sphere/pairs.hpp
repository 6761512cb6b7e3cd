/// Pricing: the pairs of two clouds with the largest products.
#pragma once

#include "spectralot/core/types.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace spectralot::sphere {

/// Pairs (row, col), row by row, columns ascending.
struct PairList {
    std::vector<int> row;
    std::vector<int> col;
    static constexpr std::pair<int, int> end{std::numeric_limits<int>::max(), 0};  ///< after any pair
    [[nodiscard]] std::size_t size() const { return row.size(); }
};

/// body(i, products of row i with every row of z, which it may change), in blocks that stay in the cache.
template <class Body>
void for_products(const Points& x, const Points& z, const Body& body) {
    if (z.rows() == 0) return;
    constexpr Index entries = 1 << 15;
    const Index block = std::clamp<Index>(entries / z.rows(), 1, 64);
    const Matrix columns = z;  // the products run along the columns of zᵀ
    Matrix products;
    for (Index first = 0; first < x.rows(); first += block) {
        const Index count = std::min(block, x.rows() - first);
        products.noalias() = columns * x.middleRows(first, count).transpose();
        for (Index i = 0; i < count; ++i) body(first + i, products.col(i));
    }
}

/// For every row of `x` the (at most) `cap` largest products x_i·z_j above `floor`, pairs in `known` (sorted) left out.
/// O(nm·d) time, O(m) memory.
PairList largest_products(const Points& x, const Points& z, int cap, double floor, const PairList& known);

/// max_j x_i·z_j for every row, and at least 0.
Vector row_maxima(const Points& x, const Points& z);

/// The pairs of either, sorted.
PairList united(const PairList& one, const PairList& other);

/// With rows and columns exchanged, sorted again.
PairList transposed(const PairList& pairs);

/// Rows divided by e^{ℓ/2}; rows with ℓ = -infinity, which have no partner, become zero.
Points divided(const Points& points, const Vector& logarithm);

}  // namespace spectralot::sphere
