#include "discrete/kd_envelope.hpp"

#include <algorithm>
#include <array>

namespace spectralot {

namespace {

constexpr int leaf_size = 8;
constexpr int queries_per_block = 256;

/// A node covers a contiguous range of pieces. For any query q and any piece of the node, with s the mean hint,
///   <q, p> - offset = <s, p> - offset + <q - s, p> ≤ peak + Σ_r max((q_r - s_r)·high_r, (q_r - s_r)·low_r).
template <int D>
struct Node {
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
class KdEnvelope final : public Envelope {
public:
    KdEnvelope(const Points& points, const Vector& offset, const Points& hint) : n_(static_cast<int>(points.rows())) {
        for (int r = 0; r < D; ++r) coordinate_[r].assign(points.col(r).begin(), points.col(r).end());
        offset_.assign(offset.begin(), offset.end());
        nodes_.reserve(static_cast<std::size_t>(n_ / 2 + 2));
        build(0, n_, hint);
    }

    void search(const Points& queries, const Vector& floor, BestPieces& best, const SolveContext& context) const override {
        const auto n_queries = static_cast<int>(queries.rows());
        const int n_blocks = (n_queries + queries_per_block - 1) / queries_per_block;
        for_each_block(n_blocks, context.n_threads, [&](int block) {
            if (context.cancelled()) return;
            const int end = std::min(n_queries, (block + 1) * queries_per_block);
            for (int i = block * queries_per_block; i < end; ++i) {
                search_one(&queries(i, 0), floor.size() > 0 ? floor[i] : -infinity, i, best);
            }
        });
    }

private:
    int build(int begin, int end, const Points& hint) {
        const int k = static_cast<int>(nodes_.size());
        nodes_.push_back({});
        Node<D> node{};
        node.begin = begin;
        node.end = end;
        node.right = -1;
        if (end - begin > leaf_size) {
            const int middle = begin + (end - begin) / 2;
            const int left = build(begin, middle, hint);
            node.right = build(middle, end, hint);
            const Node<D>& a = nodes_[left];
            const Node<D>& b = nodes_[node.right];
            const double weight = static_cast<double>(middle - begin) / static_cast<double>(end - begin);
            for (int r = 0; r < D; ++r) {
                node.low[r] = std::min(a.low[r], b.low[r]);
                node.high[r] = std::max(a.high[r], b.high[r]);
                node.slope[r] = weight * a.slope[r] + (1.0 - weight) * b.slope[r];
            }
        } else {
            for (int r = 0; r < D; ++r) {
                const auto [low, high] = std::minmax_element(coordinate_[r].begin() + begin, coordinate_[r].begin() + end);
                node.low[r] = *low;
                node.high[r] = *high;
                double sum = 0.0;
                for (int t = begin; t < end; ++t) sum += hint(t, r);
                node.slope[r] = sum / (end - begin);
            }
        }
        node.peak = -infinity;
        for (int t = begin; t < end; ++t) node.peak = std::max(node.peak, value(node.slope.data(), t));
        nodes_[k] = node;
        return k;
    }

    [[nodiscard]] double value(const double* q, int t) const {
        double sum = -offset_[t];
        for (int r = 0; r < D; ++r) sum += q[r] * coordinate_[r][t];
        return sum;
    }

    void search_one(const double* q, double floor, int query, BestPieces& best) const {
        struct Pending {
            int node;
            double bound;
        };
        std::array<Pending, 64> stack;
        int depth = 0;
        stack[depth++] = {0, nodes_[0].bound(q)};
        while (depth > 0) {
            auto [k, bound] = stack[--depth];
            while (bound > floor && nodes_[k].right >= 0) {
                Pending near{k + 1, nodes_[k + 1].bound(q)};
                Pending far{nodes_[k].right, nodes_[nodes_[k].right].bound(q)};
                if (near.bound < far.bound) std::swap(near, far);
                if (far.bound > floor) stack[depth++] = far;
                k = near.node;
                bound = near.bound;
            }
            if (!(bound > floor)) continue;
            for (int t = nodes_[k].begin; t < nodes_[k].end; ++t) {
                const double v = value(q, t);
                if (!(v > floor)) continue;
                best.insert(query, t, v);
                if (best.is_full(query)) floor = std::max(floor, best.worst(query));
            }
        }
    }

    int n_;
    std::array<std::vector<double>, D> coordinate_;
    std::vector<double> offset_;
    std::vector<Node<D>> nodes_;
};

}  // namespace

std::unique_ptr<Envelope> make_kd_envelope(const Points& points, const Vector& offset, const Points& hint) {
    switch (points.cols()) {
        case 1: return std::make_unique<KdEnvelope<1>>(points, offset, hint);
        case 2: return std::make_unique<KdEnvelope<2>>(points, offset, hint);
        default: return std::make_unique<KdEnvelope<3>>(points, offset, hint);
    }
}

}  // namespace spectralot
