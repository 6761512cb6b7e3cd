/// A k-d tree over the pieces of an envelope, with bounds that are sharp around the expected queries.
#pragma once

#include "spectralot/core/types.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace spectralot {

/// A node covers a contiguous range of pieces. For any query q and any piece of the node, with s the mean hint,
///   <q, p> - offset = <s, p> - offset + <q - s, p> ≤ peak + Σ_r max((q_r - s_r)·high_r, (q_r - s_r)·low_r).
template <int D>
struct KdNode {
    std::array<double, D> low;
    std::array<double, D> high;
    std::array<double, D> slope;
    double peak;
    int begin;
    int end;
    int right;  ///< the left child follows its parent; -1 at a leaf

    [[nodiscard]] double bound(const double* q) const {
        double sum = peak;
        for (int r = 0; r < D; ++r) {
            const double t = q[r] - slope[r];
            sum += std::max(t * low[r], t * high[r]);
        }
        return sum;
    }
};

template <int D>
struct KdTree {
    static constexpr int leaf_size = 32;

    std::array<std::vector<double>, D> coordinate;  ///< padded by a leaf: a whole one may be read from any piece
    std::vector<double> offset;
    std::vector<KdNode<D>> nodes;

    KdTree(const Points& points, const Vector& offsets, const Points& hint);

private:
    int build(int begin, int end, const Points& hint);
};

extern template struct KdTree<1>;
extern template struct KdTree<2>;
extern template struct KdTree<3>;

}  // namespace spectralot
