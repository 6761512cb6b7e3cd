#include "flow/relu_kernels.hpp"

// Tiles are arrays of vectors, which needs vectors of known size.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flow/relu_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spectralot::flow::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using kernels::Vectors;
using std::size_t;
using Tag = hn::ScalableTag<double>;
using Wide = hn::Vec<Tag>;
constexpr size_t lanes = hn::MaxLanes(Tag());
constexpr size_t tile = 4;  // vectors of p at a time, to hide latency and to share the loads of q
static_assert(tile * lanes <= kernels::relu_padding);

/// The coordinates of `tile` vectors of points p, loaded once.
template <size_t D>
struct Loaded {
    Wide at[D][tile];

    HWY_INLINE Loaded(const Vectors& p, size_t i) {
        for (size_t c = 0; c < D; ++c)
            for (size_t k = 0; k < tile; ++k) at[c][k] = hn::LoadU(Tag(), p.data + c * p.stride + i + k * lanes);
    }
    HWY_INLINE Wide product(const Wide* q, size_t k) const {
        Wide sum = hn::Mul(at[0][k], q[0]);
        for (size_t c = 1; c < D; ++c) sum = hn::MulAdd(at[c][k], q[c], sum);
        return sum;
    }
};

template <size_t D>
HWY_INLINE void broadcast(const double* data, size_t stride, size_t j, Wide* out) {
    for (size_t c = 0; c < D; ++c) out[c] = hn::Set(Tag(), data[c * stride + j]);
}

template <size_t D>
void sums_of(const Vectors& p, size_t first, size_t last, const Vectors& q, const double* b, double* sums) {
    const Tag tag;
    for (size_t i = first; i < last; i += tile * lanes) {
        const Loaded<D> point(p, i);
        Wide sum[tile];
        for (Wide& part : sum) part = hn::Zero(tag);
        for (size_t j = 0; j < q.n; ++j) {
            Wide other[D];
            broadcast<D>(q.data, q.stride, j, other);
            const Wide weight = hn::Set(tag, b[j]);
            for (size_t k = 0; k < tile; ++k)
                sum[k] = hn::MulAdd(weight, hn::Max(point.product(other, k), hn::Zero(tag)), sum[k]);
        }
        for (size_t k = 0; k < tile; ++k) hn::StoreU(sum[k], tag, sums + i + k * lanes);
    }
}

template <size_t D>
void slopes_of(const Vectors& p, size_t first, size_t last, const Vectors& q, const double* bq, double* sums) {
    const Tag tag;
    for (size_t i = first; i < last; i += tile * lanes) {
        const Loaded<D> point(p, i);
        Wide sum[D][tile];
        for (size_t c = 0; c < D; ++c)
            for (size_t k = 0; k < tile; ++k) sum[c][k] = hn::Zero(tag);
        for (size_t j = 0; j < q.n; ++j) {
            Wide other[D], weighted[D];
            broadcast<D>(q.data, q.stride, j, other);
            broadcast<D>(bq, q.stride, j, weighted);
            for (size_t k = 0; k < tile; ++k) {
                const auto active = hn::Gt(point.product(other, k), hn::Zero(tag));
                for (size_t c = 0; c < D; ++c) sum[c][k] = hn::Add(sum[c][k], hn::IfThenElseZero(active, weighted[c]));
            }
        }
        for (size_t c = 0; c < D; ++c)
            for (size_t k = 0; k < tile; ++k) hn::StoreU(sum[c][k], tag, sums + c * p.stride + i + k * lanes);
    }
}

void relu_sums(const Vectors& p, size_t first, size_t last, const Vectors& q, size_t d, const double* b, double* sums) {
    const auto run = d == 1 ? sums_of<1> : d == 2 ? sums_of<2> : d == 3 ? sums_of<3> : sums_of<4>;
    run(p, first, last, q, b, sums);
}

void relu_slopes(const Vectors& p, size_t first, size_t last, const Vectors& q, size_t d, const double* bq,
                 double* sums) {
    const auto run = d == 1 ? slopes_of<1> : d == 2 ? slopes_of<2> : d == 3 ? slopes_of<3> : slopes_of<4>;
    run(p, first, last, q, bq, sums);
}

}  // namespace spectralot::flow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectralot::flow {

HWY_EXPORT(relu_sums);
HWY_EXPORT(relu_slopes);

void kernels::relu_sums(const Vectors& p, std::size_t first, std::size_t last, const Vectors& q, std::size_t d,
                        const double* b, double* sums) {
    HWY_DYNAMIC_DISPATCH(relu_sums)(p, first, last, q, d, b, sums);
}

void kernels::relu_slopes(const Vectors& p, std::size_t first, std::size_t last, const Vectors& q, std::size_t d,
                          const double* bq, double* sums) {
    HWY_DYNAMIC_DISPATCH(relu_slopes)(p, first, last, q, d, bq, sums);
}

}  // namespace spectralot::flow
#endif
