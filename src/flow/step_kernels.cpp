#include "flow/step_kernels.hpp"

#include <vector>

// Unrolled sums are arrays of vectors, which needs vectors of known size.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flow/step_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spectralot::flow::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using std::size_t;
using Tag = hn::ScalableTag<double>;
using Wide = hn::Vec<Tag>;
constexpr size_t lanes = hn::MaxLanes(Tag());
constexpr size_t unroll = 4;  // sums in flight, to hide the latency of additions

/// A sum of vectors in `unroll` parts.
struct Sum {
    Wide parts[unroll];

    HWY_INLINE Sum() {
        for (Wide& part : parts) part = hn::Zero(Tag());
    }
    HWY_INLINE double total() const {
        const Wide sum = hn::Add(hn::Add(parts[0], parts[1]), hn::Add(parts[2], parts[3]));
        return hn::GetLane(hn::SumOfLanes(Tag(), sum));
    }
};

/// NaN and infinity times zero are NaN: a sum of zeros says whether all entries were finite.
bool move(const double* from, double h, const double* by, double* to, size_t size) {
    const Tag tag;
    const Wide step = hn::Set(tag, h), zero = hn::Zero(tag);
    Sum probe;
    size_t k = 0;
    for (; k + unroll * lanes <= size; k += unroll * lanes) {
        for (size_t u = 0; u < unroll; ++u) {
            const size_t at = k + u * lanes;
            const Wide moved = hn::MulAdd(step, hn::LoadU(tag, by + at), hn::LoadU(tag, from + at));
            hn::StoreU(moved, tag, to + at);
            probe.parts[u] = hn::MulAdd(moved, zero, probe.parts[u]);
        }
    }
    double rest = 0.0;
    for (; k < size; ++k) {
        to[k] = from[k] + h * by[k];
        rest += to[k] * 0.0;
    }
    return probe.total() + rest == 0.0;
}

/// A vector runs over the ends of rows: `lanes` copies of the centre in a row meet it at the right coordinates.
void spring(const double* x, const double* centre, double stiffness, double* out, size_t n, size_t d) {
    const Tag tag;
    const Wide k = hn::Set(tag, stiffness);
    std::vector<double> centres;
    for (size_t c = 0; c < lanes; ++c) centres.insert(centres.end(), centre, centre + d);
    for (; n >= lanes; n -= lanes, x += lanes * d, out += lanes * d)
        for (size_t j = 0; j < lanes * d; j += lanes)
            hn::StoreU(hn::Mul(k, hn::Sub(hn::LoadU(tag, x + j), hn::LoadU(tag, &centres[j]))), tag, out + j);
    for (size_t j = 0; j < n * d; ++j) out[j] = stiffness * (x[j] - centres[j]);
}

bool is_finite(const double* x, size_t size) {
    const Tag tag;
    Sum probe;
    size_t k = 0;
    for (; k + unroll * lanes <= size; k += unroll * lanes)
        for (size_t u = 0; u < unroll; ++u)
            probe.parts[u] = hn::MulAdd(hn::LoadU(tag, x + k + u * lanes), hn::Zero(tag), probe.parts[u]);
    double rest = 0.0;
    for (; k < size; ++k) rest += x[k] * 0.0;
    return probe.total() + rest == 0.0;
}

double inner(const double* a, const double* b, size_t size) {
    const Tag tag;
    Sum sum;
    size_t k = 0;
    for (; k + unroll * lanes <= size; k += unroll * lanes)
        for (size_t u = 0; u < unroll; ++u)
            sum.parts[u] =
                hn::MulAdd(hn::LoadU(tag, a + k + u * lanes), hn::LoadU(tag, b + k + u * lanes), sum.parts[u]);
    double rest = 0.0;
    for (; k < size; ++k) rest += a[k] * b[k];
    return sum.total() + rest;
}

}  // namespace spectralot::flow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectralot::flow {

HWY_EXPORT(move);
HWY_EXPORT(spring);
HWY_EXPORT(is_finite);
HWY_EXPORT(inner);

bool kernels::move(const double* from, double h, const double* by, double* to, std::size_t size) {
    return HWY_DYNAMIC_DISPATCH(move)(from, h, by, to, size);
}

void kernels::spring(const double* x, const double* centre, double stiffness, double* out, std::size_t n,
                     std::size_t d) {
    HWY_DYNAMIC_DISPATCH(spring)(x, centre, stiffness, out, n, d);
}

bool kernels::is_finite(const double* x, std::size_t size) {
    return HWY_DYNAMIC_DISPATCH(is_finite)(x, size);
}

double kernels::inner(const double* a, const double* b, std::size_t size) {
    return HWY_DYNAMIC_DISPATCH(inner)(a, b, size);
}

}  // namespace spectralot::flow
#endif
