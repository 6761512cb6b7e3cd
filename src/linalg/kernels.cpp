#include "linalg/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <hwy/cache_control.h>

// Tiles are arrays of vectors, which needs vectors of known size.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "linalg/kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spectralot::linalg::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using std::size_t;
using Tag = hn::ScalableTag<double>;
using Wide = hn::Vec<Tag>;
constexpr size_t lanes = hn::MaxLanes(Tag());
constexpr size_t tile_rows = 6;  // with two vectors: 12 accumulators, so that 16 registers hold the tile

/// The columns of a row are covered by vectors; the last one is moved left so as to end with the row. A row shorter
/// than a vector is covered by one that runs into the rows below.
class Columns {
public:
    Columns(size_t d, size_t width)
        : width_(width), count_((d + width - 1) / width), last_(d > width ? d - width : 0) {}
    size_t count() const { return count_; }
    size_t start(size_t v) const { return std::min(v * width_, last_); }

private:
    size_t width_;
    size_t count_;
    size_t last_;
};

/// How many of the n rows a full vector may start in without leaving the array, even if there are no gaps between rows.
size_t rows_wide_enough(size_t n, size_t d, size_t width) {
    if (d == 0 || d >= width) return n;
    const size_t overhang = (width - 1) / d;
    return n > overhang ? n - overhang : 0;
}

/// Asks for rows that will be read soon; the hardware foresees too little of reads that jump between rows.
void prefetch_rows(const double* rows, size_t stride, size_t count, size_t d) {
    constexpr size_t line = 8;
    if (d < 2 * line) return;  // short rows come in order
    for (size_t k = 0; k < count; ++k)
        for (size_t i = 0; i < d; i += line) hwy::Prefetch(rows + k * stride + i);
}

/// sums[r·sums_stride + v·lanes …] += Σ_k left[k, first + r] · right[k, start[v] …], r < R, v < V, k < n.
template <size_t R, size_t V>
void add_products(const double* left, size_t left_stride, const double* right, size_t stride, size_t n,
                  const size_t* start, double* sums, size_t sums_stride) {
    constexpr size_t chains = R * V >= 6 ? 1 : 6 / (R * V);  // independent sums that hide the latency of an addition
    const Tag tag;
    Wide sum[chains][R][V];
    for (size_t c = 0; c < chains; ++c)
        for (size_t r = 0; r < R; ++r)
            for (size_t v = 0; v < V; ++v) sum[c][r][v] = hn::Zero(tag);

    const auto add_row = [&](size_t k, Wide(&s)[R][V]) HWY_ATTR {
        Wide x[V];
        for (size_t v = 0; v < V; ++v) x[v] = hn::LoadU(tag, right + k * stride + start[v]);
        for (size_t r = 0; r < R; ++r) {
            const Wide factor = hn::Set(tag, left[k * left_stride + r]);
            for (size_t v = 0; v < V; ++v) s[r][v] = hn::MulAdd(factor, x[v], s[r][v]);
        }
    };
    size_t k = 0;
    for (; k + chains <= n; k += chains)
        for (size_t c = 0; c < chains; ++c) add_row(k + c, sum[c]);
    for (; k < n; ++k) add_row(k, sum[0]);

    for (size_t r = 0; r < R; ++r) {
        for (size_t v = 0; v < V; ++v) {
            for (size_t c = 1; c < chains; ++c) sum[0][r][v] = hn::Add(sum[0][r][v], sum[c][r][v]);
            double* target = sums + r * sums_stride + v * lanes;
            hn::StoreU(hn::Add(hn::LoadU(tag, target), sum[0][r][v]), tag, target);
        }
    }
}

template <size_t V>
void add_products(size_t n_left, const double* left, size_t left_stride, const double* right, size_t stride, size_t n,
                  const size_t* start, double* sums, size_t sums_stride) {
    switch (n_left) {
        case 1: return add_products<1, V>(left, left_stride, right, stride, n, start, sums, sums_stride);
        case 2: return add_products<2, V>(left, left_stride, right, stride, n, start, sums, sums_stride);
        case 3: return add_products<3, V>(left, left_stride, right, stride, n, start, sums, sums_stride);
        case 4: return add_products<4, V>(left, left_stride, right, stride, n, start, sums, sums_stride);
        case 5: return add_products<5, V>(left, left_stride, right, stride, n, start, sums, sums_stride);
        default: return add_products<6, V>(left, left_stride, right, stride, n, start, sums, sums_stride);
    }
}

/// Adds the tiles of one panel (few enough rows for the first-level cache) that touch the upper triangle. The panel is
/// followed by `n_next` rows that will be read next.
void add_panel(const double* left, size_t left_stride, const double* right, size_t stride, size_t n, size_t n_next,
               size_t d, double* sums, size_t sums_stride) {
    const Columns columns(d, lanes);
    for (size_t i = 0; i < d; i += tile_rows) {
        const size_t n_left = std::min(tile_rows, d - i);
        const size_t soon = i * n_next / d;
        prefetch_rows(right + (n + soon) * stride, stride, (i + n_left) * n_next / d - soon, d);
        for (size_t v = 0; v < columns.count(); v += 2) {
            const bool pair = v + 1 < columns.count();
            const size_t start[2] = {columns.start(v), columns.start(pair ? v + 1 : v)};
            if (start[1] + lanes <= i) continue;
            double* tile = sums + i * sums_stride + v * lanes;
            if (pair)
                add_products<2>(n_left, left + i, left_stride, right, stride, n, start, tile, sums_stride);
            else
                add_products<1>(n_left, left + i, left_stride, right, stride, n, start, tile, sums_stride);
        }
    }
}

void add_gram(const double* G, size_t stride, size_t n, size_t d, const double* weights, double* S) {
    const Columns columns(d, lanes);
    const size_t panel_rows = std::clamp<size_t>(4096 / d, 16, 256);
    const size_t sums_stride = columns.count() * lanes;
    std::vector<double> sums(d * sums_stride, 0.0);
    std::vector<double> weighted(weights ? panel_rows * d : 0);

    const auto add_rows = [&](const double* rows, size_t rows_stride, const double* w, size_t count) {
        for (size_t first = 0; first < count; first += panel_rows) {
            const size_t m = std::min(panel_rows, count - first);
            const size_t m_next = std::min(panel_rows, count - first - m);
            const double* panel = rows + first * rows_stride;
            if (!w) {
                add_panel(panel, rows_stride, panel, rows_stride, m, m_next, d, sums.data(), sums_stride);
                continue;
            }
            for (size_t k = 0; k < m; ++k)
                for (size_t i = 0; i < d; ++i) weighted[k * d + i] = w[first + k] * panel[k * rows_stride + i];
            add_panel(weighted.data(), d, panel, rows_stride, m, m_next, d, sums.data(), sums_stride);
        }
    };
    const size_t wide = rows_wide_enough(n, d, lanes);
    add_rows(G, stride, weights, wide);
    if (wide < n) {  // the last rows, d < lanes: from a copy followed by a vector of zeros
        double copy[3 * lanes] = {};
        for (size_t k = wide; k < n; ++k) std::memcpy(copy + (k - wide) * d, G + k * stride, d * sizeof(double));
        add_rows(copy, d, weights ? weights + wide : nullptr, n - wide);
    }
    for (size_t i = 0; i < d; ++i) {
        for (size_t j = i; j < d; ++j) {
            const size_t v = std::min(j / lanes, columns.count() - 1);
            S[i * d + j] += sums[i * sums_stride + v * lanes + (j - columns.start(v))];
        }
    }
}

/// out[r, start[v] …] = Σ_i G[r, i] · B[i, v], r < R, v < V, with B packed by vectors.
template <class Narrow, size_t R, size_t V>
void product_tile(const double* G, size_t stride, size_t inner, const double* B, size_t B_stride, const size_t* start,
                  double* out, size_t out_stride) {
    const Narrow tag;
    constexpr size_t width = hn::MaxLanes(Narrow());
    hn::Vec<Narrow> sum[R][V];
    for (size_t r = 0; r < R; ++r)
        for (size_t v = 0; v < V; ++v) sum[r][v] = hn::Zero(tag);
    for (size_t i = 0; i < inner; ++i) {
        hn::Vec<Narrow> b[V];
        for (size_t v = 0; v < V; ++v) b[v] = hn::LoadU(tag, B + i * B_stride + v * width);
        for (size_t r = 0; r < R; ++r) {
            const auto g = hn::Set(tag, G[r * stride + i]);
            for (size_t v = 0; v < V; ++v) sum[r][v] = hn::MulAdd(g, b[v], sum[r][v]);
        }
    }
    // Rows in increasing order: where d < width each store overhangs into the row that the next one writes.
    for (size_t r = 0; r < R; ++r)
        for (size_t v = 0; v < V; ++v) hn::StoreU(sum[r][v], tag, out + r * out_stride + start[v]);
}

template <class Narrow, size_t R>
void product_rows(const double* G, size_t stride, size_t inner, const double* B, const Columns& columns, double* out,
                  size_t out_stride) {
    constexpr size_t width = hn::MaxLanes(Narrow());
    const size_t B_stride = columns.count() * width;
    for (size_t v = 0; v < columns.count(); v += 2) {
        const bool pair = v + 1 < columns.count();
        const size_t start[2] = {columns.start(v), columns.start(pair ? v + 1 : v)};
        if (pair)
            product_tile<Narrow, R, 2>(G, stride, inner, B + v * width, B_stride, start, out, out_stride);
        else
            product_tile<Narrow, R, 1>(G, stride, inner, B + v * width, B_stride, start, out, out_stride);
    }
}

template <class Narrow>
void apply_right_by(const double* G, size_t stride, size_t n, size_t inner, const double* B, size_t d, double* out,
                    size_t out_stride) {
    constexpr size_t width = hn::MaxLanes(Narrow());
    const Columns columns(d, width);
    std::vector<double> packed(inner * columns.count() * width, 0.0);
    for (size_t i = 0; i < inner; ++i)
        for (size_t v = 0; v < columns.count(); ++v)
            std::memcpy(&packed[(i * columns.count() + v) * width], B + i * d + columns.start(v),
                        std::min(width, d) * sizeof(double));

    // Where rows are short and have gaps between them, an overhanging store would spoil the gaps.
    const size_t wide = d < width && out_stride != d ? 0 : rows_wide_enough(n, d, width);
    size_t k = 0;
    for (; k + tile_rows <= wide; k += tile_rows) {
        const size_t soon = std::min(k + 2 * tile_rows, wide);
        prefetch_rows(G + soon * stride, stride, std::min(tile_rows, wide - soon), inner);
        product_rows<Narrow, tile_rows>(G + k * stride, stride, inner, packed.data(), columns, out + k * out_stride,
                                        out_stride);
    }
    for (; k < wide; ++k)
        product_rows<Narrow, 1>(G + k * stride, stride, inner, packed.data(), columns, out + k * out_stride,
                                out_stride);
    for (double row[width]; k < n; ++k) {
        product_rows<Narrow, 1>(G + k * stride, stride, inner, packed.data(), columns, row, width);
        std::memcpy(out + k * out_stride, row, d * sizeof(double));
    }
}

/// Short rows take vectors no wider than needed, so that few stores straddle cache lines.
void apply_right(const double* G, size_t stride, size_t n, size_t inner, const double* B, size_t d, double* out,
                 size_t out_stride) {
    if (d <= 2)
        apply_right_by<hn::CappedTag<double, 2>>(G, stride, n, inner, B, d, out, out_stride);
    else if (d <= 4)
        apply_right_by<hn::CappedTag<double, 4>>(G, stride, n, inner, B, d, out, out_stride);
    else
        apply_right_by<Tag>(G, stride, n, inner, B, d, out, out_stride);
}

/// The largest of n magnitudes; NaN if one is not finite.
double largest_magnitude(const double* x, size_t n) {
    const Tag tag;
    constexpr size_t chains = 4;
    const Wide infinite = hn::Inf(tag);
    Wide largest[chains];
    auto finite = hn::FirstN(tag, lanes);
    for (Wide& chain : largest) chain = hn::Zero(tag);
    size_t k = 0;
    for (; k + chains * lanes <= n; k += chains * lanes) {
        for (size_t c = 0; c < chains; ++c) {
            const Wide size = hn::Abs(hn::LoadU(tag, x + k + c * lanes));
            finite = hn::And(finite, hn::Lt(size, infinite));
            largest[c] = hn::Max(largest[c], size);
        }
    }
    double rest = 0.0;
    for (; k < n; ++k) {
        const double size = std::abs(x[k]);
        if (!(size <= std::numeric_limits<double>::max())) return std::numeric_limits<double>::quiet_NaN();
        rest = std::max(rest, size);
    }
    if (!hn::AllTrue(tag, finite)) return std::numeric_limits<double>::quiet_NaN();
    const Wide both = hn::Max(hn::Max(largest[0], largest[1]), hn::Max(largest[2], largest[3]));
    return std::max(rest, hn::GetLane(hn::MaxOfLanes(tag, both)));
}

}  // namespace spectralot::linalg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectralot::linalg {

HWY_EXPORT(add_gram);
HWY_EXPORT(apply_right);
HWY_EXPORT(largest_magnitude);

void kernels::add_gram(const double* G, std::size_t stride, std::size_t n, std::size_t d, const double* weights,
                       double* S) {
    HWY_DYNAMIC_DISPATCH(add_gram)(G, stride, n, d, weights, S);
}

void kernels::apply_right(const double* G, std::size_t stride, std::size_t n, std::size_t inner, const double* B,
                          std::size_t d, double* out, std::size_t out_stride) {
    HWY_DYNAMIC_DISPATCH(apply_right)(G, stride, n, inner, B, d, out, out_stride);
}

double kernels::largest_magnitude(const double* x, std::size_t n) {
    return HWY_DYNAMIC_DISPATCH(largest_magnitude)(x, n);
}

}  // namespace spectralot::linalg
#endif
