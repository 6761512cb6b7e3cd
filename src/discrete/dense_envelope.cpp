#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "discrete/dense_envelope.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include "discrete/dense_envelope.hpp"
#include "discrete/dense_pieces.hpp"

#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace spectralot::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, PackedPieces::panel>;
using Lane = hn::Vec<Tag>;
constexpr int lanes = static_cast<int>(hn::MaxLanes(Tag()));
constexpr int vectors = PackedPieces::panel / lanes;
/// Queries handled at once: as many as their sums fit into the registers.
constexpr int group = lanes >= 16 ? 8 : lanes >= 8 ? 3 : 1;

HWY_INLINE double inner_product(const double* a, const double* b, Index d) {
    const hn::ScalableTag<double> tag;
    const auto step = static_cast<Index>(hn::Lanes(tag));
    auto sum = hn::Zero(tag);
    Index k = 0;
    for (; k + step <= d; k += step) sum = hn::MulAdd(hn::LoadU(tag, a + k), hn::LoadU(tag, b + k), sum);
    double total = hn::GetLane(hn::SumOfLanes(tag, sum));
    for (; k < d; ++k) total += a[k] * b[k];
    return total;
}

/// `rows` (≤ group) queries from `first` of the block on against one panel of pieces.
template <int rows>
HWY_INLINE void search_panel(const PackedPieces& pieces, Index panel, const QueryBlock& queries, Index first,
                             BestPieces& best) {
    const Tag tag;
    const Index d = pieces.points.cols();
    const float* const packed = pieces.values.data() + panel * PackedPieces::panel * (d + 1);
    Lane sum[rows][vectors];
    for (Index v = 0; v < vectors; ++v) {
        const Lane start = hn::Neg(hn::LoadU(tag, packed + v * lanes));
        for (int r = 0; r < rows; ++r) sum[r][v] = start;
    }
    const float* const q = queries.rounded + first * d;
    for (Index k = 0; k < d; ++k) {
        const float* const row = packed + (k + 1) * PackedPieces::panel;
        for (Index v = 0; v < vectors; ++v) {
            const Lane p = hn::LoadU(tag, row + v * lanes);
            for (int r = 0; r < rows; ++r) sum[r][v] = hn::MulAdd(hn::Set(tag, q[r * d + k]), p, sum[r][v]);
        }
    }
    float threshold[rows];
    for (int r = 0; r < rows; ++r)
        threshold[r] = pieces.threshold(panel, queries.norm[first + r], queries.floor[first + r]);
    for (int r = 0; r < rows; ++r) {
        Lane highest = sum[r][0];
        for (int v = 1; v < vectors; ++v) highest = hn::Max(highest, sum[r][v]);
        if (threshold[r] > -HUGE_VALF && hn::AllTrue(tag, hn::Lt(highest, hn::Set(tag, threshold[r])))) continue;
        alignas(64) float values[PackedPieces::panel];
        std::uint32_t hits = 0;
        for (Index v = 0; v < vectors; ++v) {
            std::uint8_t bits[8] = {};
            hn::Store(sum[r][v], tag, values + v * lanes);
            hn::StoreMaskBits(tag, hn::Not(hn::Lt(sum[r][v], hn::Set(tag, threshold[r]))), bits);
            std::uint32_t word = 0;
            std::memcpy(&word, bits, sizeof word);
            hits |= word << (v * lanes);
        }
        const Index query = queries.begin + first + r, start = panel * PackedPieces::panel;
        double& floor = queries.floor[first + r];
        for (; hits != 0; hits &= hits - 1) {
            const int c = std::countr_zero(hits);
            const Index j = start + c;
            if (values[c] < threshold[r] || j >= pieces.points.rows()) continue;
            const double value =
                inner_product(queries.exact + (first + r) * d, &pieces.points(j, 0), d) - pieces.offset[j];
            if (!(value > floor)) continue;
            best.insert(query, static_cast<int>(j), value);
            if (!best.is_full(query)) continue;
            floor = std::max(floor, best.worst(query));
            threshold[r] = pieces.threshold(panel, queries.norm[first + r], floor);
        }
    }
}

/// A block of queries against panels [first, last).
void search_tile(const PackedPieces& pieces, Index first, Index last, const QueryBlock& queries, BestPieces& best) {
    Index i = 0;
    for (; i + group <= queries.size; i += group) {
        for (Index p = first; p < last; ++p) search_panel<group>(pieces, p, queries, i, best);
    }
    for (; i < queries.size; ++i) {
        for (Index p = first; p < last; ++p) search_panel<1>(pieces, p, queries, i, best);
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
        const Index d = queries.cols();
        const Index panel_bytes = PackedPieces::panel * (d + 1) * static_cast<Index>(sizeof(float));
        const Index panels_per_tile = std::max<Index>(1, tile_bytes / panel_bytes);
        const int n_blocks = static_cast<int>((queries.rows() + queries_per_block - 1) / queries_per_block);
        for_each_block(n_blocks, context.n_threads, [&](int block) {
            const Index begin = block * queries_per_block;
            const Index size = std::min(queries.rows() - begin, queries_per_block);
            const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rounded =
                queries.middleRows(begin, size).cast<float>();
            const Vector norm = queries.middleRows(begin, size).rowwise().norm();
            Vector least = Vector::Constant(size, -infinity);
            if (floor.size() > 0) least = floor.segment(begin, size);
            const QueryBlock asked{begin, size, queries.data() + begin * d, rounded.data(), norm.data(), least.data()};
            for (Index p = 0; p < pieces_.n_panels && !context.cancelled(); p += panels_per_tile) {
                HWY_DYNAMIC_DISPATCH(search_tile)
                (pieces_, p, std::min(pieces_.n_panels, p + panels_per_tile), asked, best);
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
