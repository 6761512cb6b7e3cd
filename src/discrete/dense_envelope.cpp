#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "discrete/dense_envelope.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "discrete/dense_envelope.hpp"
#include "discrete/dense_pieces.hpp"

#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace spectralot::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<double, PackedPieces::panel>;
using Lane = hn::Vec<Tag>;
constexpr int lanes = static_cast<int>(hn::MaxLanes(Tag()));
constexpr int vectors = PackedPieces::panel / lanes;
/// Queries handled at once: as many as their sums fit into the registers.
constexpr int group = lanes >= 8 ? 8 : lanes >= 4 ? 3 : 1;

/// `rows` (≤ group) queries against one panel of pieces.
template <int rows>
HWY_INLINE void search_panel(const PackedPieces& pieces, Index panel, const Points& queries, Index query, double* floor,
                             BestPieces& best) {
    const Tag tag;
    const Index d = pieces.dimension;
    const double* const packed = pieces.values.data() + panel * PackedPieces::panel * (d + 1);
    Lane sum[rows][vectors];
    for (Index v = 0; v < vectors; ++v) {
        const Lane start = hn::Neg(hn::LoadU(tag, packed + v * lanes));
        for (int r = 0; r < rows; ++r) sum[r][v] = start;
    }
    const double* const q = &queries(query, 0);
    for (Index k = 0; k < d; ++k) {
        const double* const row = packed + (k + 1) * PackedPieces::panel;
        for (Index v = 0; v < vectors; ++v) {
            const Lane p = hn::LoadU(tag, row + v * lanes);
            for (int r = 0; r < rows; ++r) sum[r][v] = hn::MulAdd(hn::Set(tag, q[r * d + k]), p, sum[r][v]);
        }
    }
    for (int r = 0; r < rows; ++r) {
        Lane highest = sum[r][0];
        for (int v = 1; v < vectors; ++v) highest = hn::Max(highest, sum[r][v]);
        if (hn::AllFalse(tag, hn::Gt(highest, hn::Set(tag, floor[r])))) continue;
        alignas(64) double values[PackedPieces::panel];
        for (Index v = 0; v < vectors; ++v) hn::Store(sum[r][v], tag, values + v * lanes);
        for (int c = 0; c < PackedPieces::panel; ++c) {
            if (!(values[c] > floor[r])) continue;
            best.insert(query + r, static_cast<int>(panel) * PackedPieces::panel + c, values[c]);
            if (best.is_full(query + r)) floor[r] = std::max(floor[r], best.worst(query + r));
        }
    }
}

/// Queries [begin, end) against panels [first, last).
void search_tile(const PackedPieces& pieces, Index first, Index last, const Points& queries, Index begin, Index end,
                 double* floor, BestPieces& best) {
    Index i = begin;
    for (; i + group <= end; i += group) {
        for (Index p = first; p < last; ++p) search_panel<group>(pieces, p, queries, i, floor + (i - begin), best);
    }
    for (; i < end; ++i) {
        for (Index p = first; p < last; ++p) search_panel<1>(pieces, p, queries, i, floor + (i - begin), best);
    }
}

}  // namespace spectralot::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace spectralot {

namespace {

HWY_EXPORT(search_tile);

constexpr Index queries_per_block = 48;
constexpr Index tile_bytes = 1 << 18;  ///< of packed pieces: stays in the second-level cache

class DenseEnvelope final : public Envelope {
public:
    DenseEnvelope(const Points& points, const Vector& offset) : pieces_(points, offset) {}

    void search(const Points& queries, const Vector& floor, BestPieces& best,
                const SolveContext& context) const override {
        const Index panel_bytes = PackedPieces::panel * (pieces_.dimension + 1) * static_cast<Index>(sizeof(double));
        const Index panels_per_tile = std::max<Index>(1, tile_bytes / panel_bytes);
        const int n_blocks = static_cast<int>((queries.rows() + queries_per_block - 1) / queries_per_block);
        for_each_block(n_blocks, context.n_threads, [&](int block) {
            const Index begin = block * queries_per_block;
            const Index end = std::min(queries.rows(), begin + queries_per_block);
            Vector least = Vector::Constant(end - begin, -infinity);
            if (floor.size() > 0) least = floor.segment(begin, end - begin);
            for (Index p = 0; p < pieces_.n_panels && !context.cancelled(); p += panels_per_tile) {
                HWY_DYNAMIC_DISPATCH(search_tile)
                (pieces_, p, std::min(pieces_.n_panels, p + panels_per_tile), queries, begin, end, least.data(), best);
            }
        });
    }

private:
    PackedPieces pieces_;
};

}  // namespace

std::unique_ptr<Envelope> make_dense_envelope(const Points& points, const Vector& offset) {
    return std::make_unique<DenseEnvelope>(points, offset);
}

}  // namespace spectralot

#endif  // HWY_ONCE
