#include "discrete/kd_tree.hpp"

namespace spectralot {

template <int D>
KdTree<D>::KdTree(const Points& points, const Vector& offsets, const Points& hint) {
    const auto n = static_cast<std::size_t>(points.rows());
    for (int r = 0; r < D; ++r) {
        coordinate[r].assign(points.col(r).begin(), points.col(r).end());
        coordinate[r].resize(n + leaf_size, 0.0);
    }
    offset.assign(offsets.begin(), offsets.end());
    offset.resize(n + leaf_size, infinity);
    nodes.reserve(n / 2 + 2);
    build(0, static_cast<int>(n), hint);
}

template <int D>
int KdTree<D>::build(int begin, int end, const Points& hint) {
    const int k = static_cast<int>(nodes.size());
    nodes.emplace_back();
    KdNode<D> node{};
    node.begin = begin;
    node.end = end;
    node.right = -1;
    if (end - begin > leaf_size) {
        const int middle = begin + (end - begin) / 2;
        const int left = build(begin, middle, hint);
        node.right = build(middle, end, hint);
        const KdNode<D>& a = nodes[left];
        const KdNode<D>& b = nodes[node.right];
        const double weight = static_cast<double>(middle - begin) / static_cast<double>(end - begin);
        for (int r = 0; r < D; ++r) {
            node.low[r] = std::min(a.low[r], b.low[r]);
            node.high[r] = std::max(a.high[r], b.high[r]);
            node.slope[r] = weight * a.slope[r] + (1.0 - weight) * b.slope[r];
        }
    } else {
        for (int r = 0; r < D; ++r) {
            const auto [low, high] = std::minmax_element(coordinate[r].begin() + begin, coordinate[r].begin() + end);
            node.low[r] = *low;
            node.high[r] = *high;
            double sum = 0.0;
            for (int t = begin; t < end; ++t) sum += hint(t, r);
            node.slope[r] = sum / (end - begin);
        }
    }
    node.peak = -infinity;
    for (int t = begin; t < end; ++t) {
        double value = -offset[t];
        for (int r = 0; r < D; ++r) value += node.slope[r] * coordinate[r][t];
        node.peak = std::max(node.peak, value);
    }
    nodes[k] = node;
    return k;
}

template struct KdTree<1>;
template struct KdTree<2>;
template struct KdTree<3>;

}  // namespace spectralot
