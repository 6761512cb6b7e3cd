#include "flow/mmd_kernels.hpp"

// Tiles are arrays of vectors, which needs vectors of known size.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flow/mmd_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spectralot::flow::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using kernels::Cloud;
using kernels::Sums;
using std::size_t;
using Tag = hn::ScalableTag<double>;
using Wide = hn::Vec<Tag>;
constexpr size_t lanes = hn::MaxLanes(Tag());
static_assert(2 * lanes <= kernels::padding);
constexpr size_t unroll = 4;  // pairs in flight, to hide latency and to share loads

/// 1/√x, relative error ≤ 3e-16, for normal x. A guess from the exponent bits (relative error 3.5 %), then twice
/// y ← y(1 + e/2 + 3e²/8 + 5e³/16) with e = 1-xy², which leaves an error of order e⁴.
HWY_INLINE Wide reciprocal_sqrt(Wide x) {
    const Tag tag;
    const hn::RebindToSigned<Tag> bits;
    Wide y = hn::BitCast(tag, hn::Sub(hn::Set(bits, 0x5FE6EB50C7B537A9), hn::ShiftRight<1>(hn::BitCast(bits, x))));
    for (int i = 0; i < 2; ++i) {
        const Wide e = hn::NegMulAdd(hn::Mul(x, y), y, hn::Set(tag, 1.0));
        const Wide series = hn::MulAdd(hn::MulAdd(hn::Set(tag, 0.3125), e, hn::Set(tag, 0.375)), e, hn::Set(tag, 0.5));
        y = hn::MulAdd(hn::Mul(y, e), series, y);
    }
    return y;
}

/// (sum, error) += term, exactly up to the rounding of `error`.
HWY_INLINE void add_compensated(Wide& sum, Wide& error, Wide term) {
    const Wide total = hn::Add(sum, term);
    const Wide added = hn::Sub(total, sum);
    error = hn::Add(error, hn::Add(hn::Sub(sum, hn::Sub(total, added)), hn::Sub(term, added)));
    sum = total;
}

/// A potential per lane, kept in registers between pairs.
template <bool with_potential>
struct Potential {
    Wide sum, error;

    HWY_INLINE Potential() : sum(hn::Zero(Tag())), error(hn::Zero(Tag())) {}
    HWY_INLINE void add(Wide weight, Wide distance) {
        if constexpr (with_potential) add_compensated(sum, error, hn::Mul(weight, distance));
    }
    HWY_INLINE void store(const Sums& sums, size_t i) const {
        const Tag tag;
        if constexpr (with_potential) {
            hn::StoreU(sum, tag, sums.potential + i);
            hn::StoreU(error, tag, sums.potential_error + i);
        }
    }
};

/// One vector of points x_i against J points y_j.
template <size_t J, bool with_potential>
HWY_INLINE void cross_pairs(const Cloud& x, size_t i, const Cloud& y, size_t j, size_t d, double eps_squared,
                            const Sums& sums, Potential<with_potential>& potential) {
    const Tag tag;
    Wide scale[J];
    for (size_t k = 0; k < J; ++k) scale[k] = hn::Set(tag, eps_squared);
    for (size_t c = 0; c < d; ++c) {
        const Wide xi = hn::LoadU(tag, x.coordinates + c * x.stride + i);
        for (size_t k = 0; k < J; ++k) {
            const Wide difference = hn::Sub(xi, hn::Set(tag, y.coordinates[c * y.stride + j + k]));
            scale[k] = hn::MulAdd(difference, difference, scale[k]);
        }
    }
    for (size_t k = 0; k < J; ++k) {
        const Wide inverse = reciprocal_sqrt(scale[k]);
        const Wide weight = hn::Set(tag, y.weights[j + k]);
        potential.add(weight, hn::Mul(scale[k], inverse));
        scale[k] = hn::Mul(weight, inverse);
    }
    for (size_t c = 0; c < d; ++c) {
        const Wide xi = hn::LoadU(tag, x.coordinates + c * x.stride + i);
        Wide force = hn::LoadU(tag, sums.force + c * x.stride + i);
        for (size_t k = 0; k < J; ++k)
            force = hn::MulAdd(scale[k], hn::Sub(xi, hn::Set(tag, y.coordinates[c * y.stride + j + k])), force);
        hn::StoreU(force, tag, sums.force + c * x.stride + i);
    }
}

template <bool with_potential>
void cross(const Cloud& x, const Cloud& y, size_t d, double eps_squared, const Sums& sums) {
    for (size_t i = 0; i < x.n; i += lanes) {
        Potential<with_potential> potential;
        size_t j = 0;
        for (; j + unroll <= y.n; j += unroll) cross_pairs<unroll>(x, i, y, j, d, eps_squared, sums, potential);
        for (; j < y.n; ++j) cross_pairs<1>(x, i, y, j, d, eps_squared, sums, potential);
        potential.store(sums, i);
    }
}

/// The pairs (x_i, x_{i+t}) of one vector of points i, for the J shifts t, t + lanes, …
template <size_t J, bool with_potential>
HWY_INLINE void self_pairs(const Cloud& x, size_t i, size_t t, size_t d, double eps_squared, const Sums& sums,
                           Potential<with_potential>& potential) {
    const Tag tag;
    const size_t other = i + t;
    Wide inverse[J];
    for (size_t k = 0; k < J; ++k) inverse[k] = hn::Set(tag, eps_squared);
    for (size_t c = 0; c < d; ++c) {
        const double* coordinate = x.coordinates + c * x.stride;
        const Wide xi = hn::LoadU(tag, coordinate + i);
        for (size_t k = 0; k < J; ++k) {
            const Wide difference = hn::Sub(xi, hn::LoadU(tag, coordinate + other + k * lanes));
            inverse[k] = hn::MulAdd(difference, difference, inverse[k]);
        }
    }
    const Wide own_weight = hn::LoadU(tag, x.weights + i);
    Wide scale[J];  // the other's weight over the distance
    for (size_t k = 0; k < J; ++k) {
        const Wide squared = inverse[k];
        const Wide weight = hn::LoadU(tag, x.weights + other + k * lanes);
        inverse[k] = reciprocal_sqrt(squared);
        potential.add(weight, hn::Mul(squared, inverse[k]));
        scale[k] = hn::Mul(weight, inverse[k]);
        inverse[k] = hn::Mul(own_weight, inverse[k]);
    }
    for (size_t c = 0; c < d; ++c) {
        const double* coordinate = x.coordinates + c * x.stride;
        double* force = sums.force + c * x.stride;
        const Wide xi = hn::LoadU(tag, coordinate + i);
        Wide own = hn::Zero(tag);
        for (size_t k = 0; k < J; ++k) {
            double* target = force + other + k * lanes;
            const Wide difference = hn::Sub(xi, hn::LoadU(tag, coordinate + other + k * lanes));
            own = hn::MulAdd(scale[k], difference, own);
            hn::StoreU(hn::MulAdd(inverse[k], difference, hn::LoadU(tag, target)), tag, target);
        }
        hn::StoreU(hn::Sub(hn::LoadU(tag, force + i), own), tag, force + i);
    }
}

template <bool with_potential>
void self(const Cloud& x, size_t d, double eps_squared, const Sums& sums) {
    for (size_t i = 0; i < x.n; i += lanes) {
        Potential<with_potential> potential;
        // Shifts by whole vectors in the inner loop: a shift by one would reload what was stored just before.
        for (size_t first = 1; first <= lanes; ++first) {
            size_t t = first;
            for (; i + t + (unroll - 1) * lanes < x.n; t += unroll * lanes)
                self_pairs<unroll>(x, i, t, d, eps_squared, sums, potential);
            for (; i + t < x.n; t += lanes) self_pairs<1>(x, i, t, d, eps_squared, sums, potential);
        }
        potential.store(sums, i);
    }
}

void AddCross(const Cloud& x, const Cloud& y, size_t d, double eps_squared, const Sums& sums) {
    sums.potential ? cross<true>(x, y, d, eps_squared, sums) : cross<false>(x, y, d, eps_squared, sums);
}

void SubtractSelf(const Cloud& x, size_t d, double eps_squared, const Sums& sums) {
    sums.potential ? self<true>(x, d, eps_squared, sums) : self<false>(x, d, eps_squared, sums);
}

}  // namespace spectralot::flow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectralot::flow {

HWY_EXPORT(AddCross);
HWY_EXPORT(SubtractSelf);

void kernels::add_cross(const Cloud& x, const Cloud& y, std::size_t d, double eps_squared, const Sums& sums) {
    HWY_DYNAMIC_DISPATCH(AddCross)(x, y, d, eps_squared, sums);
}

void kernels::subtract_self(const Cloud& x, std::size_t d, double eps_squared, const Sums& sums) {
    HWY_DYNAMIC_DISPATCH(SubtractSelf)(x, d, eps_squared, sums);
}

}  // namespace spectralot::flow
#endif
