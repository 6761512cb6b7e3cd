#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "discrete/kd_envelope.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "discrete/kd_envelope.hpp"
#include "discrete/kd_tree.hpp"

#include <hwy/highway.h>

#include <array>
#include <cmath>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace spectralot::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Looks at the pieces of a leaf, a vector at a time. Returns the new floor.
template <int D>
double search_leaf(const KdTree<D>& tree, const KdNode<D>& leaf, const double* q, double floor, Index query,
                   BestPieces& best) {
    const hn::CappedTag<double, KdTree<D>::leaf_size> tag;
    const auto lanes = static_cast<int>(hn::Lanes(tag));
    alignas(64) double values[KdTree<D>::leaf_size];
    for (int t = leaf.begin; t < leaf.end; t += lanes) {
        auto value = hn::Neg(hn::LoadU(tag, tree.offset.data() + t));
        for (int r = 0; r < D; ++r) {
            value = hn::MulAdd(hn::Set(tag, q[r]), hn::LoadU(tag, tree.coordinate[r].data() + t), value);
        }
        if (hn::AllFalse(tag, hn::Gt(value, hn::Set(tag, floor)))) continue;
        hn::Store(value, tag, values);
        for (int lane = 0; lane < lanes && t + lane < leaf.end; ++lane) {
            if (!(values[lane] > floor)) continue;
            best.insert(query, t + lane, values[lane]);
            if (best.is_full(query) && best.worst(query) > floor) floor = best.worst(query);
        }
    }
    return floor;
}

template <int D>
void search_one(const KdTree<D>& tree, const double* q, double floor, Index query, BestPieces& best) {
    struct Pending {
        int node;
        double bound;
    };
    std::array<Pending, 64> stack;
    int depth = 0;
    stack[depth++] = {0, tree.nodes[0].bound(q)};
    while (depth > 0) {
        auto [k, bound] = stack[--depth];
        while (bound > floor && tree.nodes[k].right >= 0) {
            Pending near{k + 1, tree.nodes[k + 1].bound(q)};
            Pending far{tree.nodes[k].right, tree.nodes[tree.nodes[k].right].bound(q)};
            if (near.bound < far.bound) std::swap(near, far);
            if (far.bound > floor) stack[depth++] = far;
            k = near.node;
            bound = near.bound;
        }
        if (bound > floor) floor = search_leaf(tree, tree.nodes[k], q, floor, query, best);
    }
}

/// A value that k pieces exceed at q: the k best ones of a neighbouring query, evaluated and rounded down.
template <int D>
double floor_from(const KdTree<D>& tree, const double* q, Index neighbour, const BestPieces& best) {
    double floor = infinity;
    for (int slot = 0; slot < best.k; ++slot) {
        const int t = best.index[neighbour * best.k + slot];
        double value = -tree.offset[t];
        double size = std::abs(tree.offset[t]);
        for (int r = 0; r < D; ++r) {
            value += q[r] * tree.coordinate[r][t];
            size += std::abs(q[r] * tree.coordinate[r][t]);
        }
        floor = std::min(floor, value - 16.0 * epsilon * size);
    }
    return floor;
}

template <int D>
void search_range(const KdTree<D>& tree, const Points& queries, const Vector& floor, Index begin, Index end,
                  BestPieces& best) {
    for (Index i = begin; i < end; ++i) {
        const double* const q = &queries(i, 0);
        if (floor.size() > 0) {
            search_one(tree, q, floor[i], i, best);
            continue;
        }
        const bool has_neighbour = i > begin && best.is_full(i - 1);
        search_one(tree, q, has_neighbour ? floor_from(tree, q, i - 1, best) : -infinity, i, best);
        if (has_neighbour && !best.is_full(i)) {  // the bound of a node, rounded, fell below the floor
            best.count[i] = 0;
            search_one(tree, q, -infinity, i, best);
        }
    }
}

// The dispatch table takes plain functions.
void search_range_1(const KdTree<1>& t, const Points& q, const Vector& f, Index begin, Index end, BestPieces& best) {
    search_range(t, q, f, begin, end, best);
}
void search_range_2(const KdTree<2>& t, const Points& q, const Vector& f, Index begin, Index end, BestPieces& best) {
    search_range(t, q, f, begin, end, best);
}
void search_range_3(const KdTree<3>& t, const Points& q, const Vector& f, Index begin, Index end, BestPieces& best) {
    search_range(t, q, f, begin, end, best);
}

}  // namespace spectralot::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace spectralot {

namespace {

HWY_EXPORT(search_range_1);
HWY_EXPORT(search_range_2);
HWY_EXPORT(search_range_3);

constexpr Index queries_per_block = 256;

template <int D>
class KdEnvelope final : public Envelope {
public:
    KdEnvelope(const Points& points, const Vector& offset, const Points& hint) : tree_(points, offset, hint) {}

    void search(const Points& queries, const Vector& floor, BestPieces& best,
                const SolveContext& context) const override {
        const int n_blocks = static_cast<int>((queries.rows() + queries_per_block - 1) / queries_per_block);
        for_each_block(n_blocks, context.n_threads, [&](int block) {
            if (context.cancelled()) return;
            const Index begin = block * queries_per_block;
            const Index end = std::min(queries.rows(), begin + queries_per_block);
            if constexpr (D == 1) HWY_DYNAMIC_DISPATCH(search_range_1)(tree_, queries, floor, begin, end, best);
            if constexpr (D == 2) HWY_DYNAMIC_DISPATCH(search_range_2)(tree_, queries, floor, begin, end, best);
            if constexpr (D == 3) HWY_DYNAMIC_DISPATCH(search_range_3)(tree_, queries, floor, begin, end, best);
        });
    }

private:
    KdTree<D> tree_;
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

#endif  // HWY_ONCE
