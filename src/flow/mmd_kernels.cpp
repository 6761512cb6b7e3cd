#include "flow/mmd_kernels.hpp"

// Tiles are arrays of vectors, which needs vectors of known size.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flow/mmd_kernels.cpp"
#include <hwy/foreach_target.h>  // before every other header of Highway

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spectralot::flow::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using kernels::Cloud;
using kernels::Range;
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

/// What a radial function makes of r² + `start()`: its value, and the scale of its gradient.
struct EnergyDistance {
    double eps;
    double start() const { return eps * eps; }
    HWY_INLINE Wide operator()(Wide squared, Wide& value) const {
        const Wide inverse = reciprocal_sqrt(squared);
        value = hn::Mul(squared, inverse);
        return inverse;
    }
};

struct InverseMultiquadric {
    double eps;
    double start() const { return eps * eps; }
    HWY_INLINE Wide operator()(Wide squared, Wide& value) const {
        const Wide inverse = reciprocal_sqrt(squared);
        value = hn::Mul(hn::Set(Tag(), -eps), inverse);
        return hn::Neg(hn::Mul(value, hn::Mul(inverse, inverse)));
    }
};

struct Gaussian {
    double eps;
    double start() const { return 0.0; }
    HWY_INLINE Wide operator()(Wide squared, Wide& value) const {
        const Tag tag;
        value = hn::Neg(hn::Exp(tag, hn::Mul(squared, hn::Set(tag, -0.5 / (eps * eps)))));
        return hn::Mul(value, hn::Set(tag, -1.0 / (eps * eps)));
    }
};

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
    HWY_INLINE void add(Wide weight, Wide value) {
        if constexpr (with_potential) add_compensated(sum, error, hn::Mul(weight, value));
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
template <size_t J, bool with_potential, class Radial>
HWY_INLINE void cross_pairs(const Radial& radial, const Cloud& x, size_t i, const Cloud& y, size_t j, size_t d,
                            const Sums& sums, Potential<with_potential>& potential) {
    const Tag tag;
    Wide scale[J];
    for (size_t k = 0; k < J; ++k) scale[k] = hn::Set(tag, radial.start());
    for (size_t c = 0; c < d; ++c) {
        const Wide xi = hn::LoadU(tag, x.coordinates + c * x.stride + i);
        for (size_t k = 0; k < J; ++k) {
            const Wide difference = hn::Sub(xi, hn::Set(tag, y.coordinates[c * y.stride + j + k]));
            scale[k] = hn::MulAdd(difference, difference, scale[k]);
        }
    }
    for (size_t k = 0; k < J; ++k) {
        const Wide weight = hn::Set(tag, y.weights[j + k]);
        Wide value;
        scale[k] = hn::Mul(weight, radial(scale[k], value));
        potential.add(weight, value);
    }
    for (size_t c = 0; c < d; ++c) {
        const Wide xi = hn::LoadU(tag, x.coordinates + c * x.stride + i);
        Wide force = hn::LoadU(tag, sums.force + c * x.stride + i);
        for (size_t k = 0; k < J; ++k)
            force = hn::MulAdd(scale[k], hn::Sub(xi, hn::Set(tag, y.coordinates[c * y.stride + j + k])), force);
        hn::StoreU(force, tag, sums.force + c * x.stride + i);
    }
}

template <bool with_potential, class Radial>
void cross(const Radial& radial, const Cloud& x, Range rows, const Cloud& y, size_t d, const Sums& sums) {
    for (size_t i = rows.first; i < rows.last; i += lanes) {
        Potential<with_potential> potential;
        size_t j = 0;
        for (; j + unroll <= y.n; j += unroll) cross_pairs<unroll>(radial, x, i, y, j, d, sums, potential);
        for (; j < y.n; ++j) cross_pairs<1>(radial, x, i, y, j, d, sums, potential);
        potential.store(sums, i);
    }
}

/// The pairs (x_i, x_{i+t}) of one vector of points i, for the J shifts t, t + lanes, …
template <size_t J, bool with_potential, class Radial>
HWY_INLINE void self_pairs(const Radial& radial, const Cloud& x, size_t i, size_t t, size_t d, const Sums& sums,
                           Potential<with_potential>& potential) {
    const Tag tag;
    const size_t other = i + t;
    Wide own_scale[J];  // r², then the own weight times the scale of the gradient
    for (size_t k = 0; k < J; ++k) own_scale[k] = hn::Set(tag, radial.start());
    for (size_t c = 0; c < d; ++c) {
        const double* coordinate = x.coordinates + c * x.stride;
        const Wide xi = hn::LoadU(tag, coordinate + i);
        for (size_t k = 0; k < J; ++k) {
            const Wide difference = hn::Sub(xi, hn::LoadU(tag, coordinate + other + k * lanes));
            own_scale[k] = hn::MulAdd(difference, difference, own_scale[k]);
        }
    }
    const Wide own_weight = hn::LoadU(tag, x.weights + i);
    Wide scale[J];  // the other's weight times the scale of the gradient
    for (size_t k = 0; k < J; ++k) {
        const Wide weight = hn::LoadU(tag, x.weights + other + k * lanes);
        Wide value;
        const Wide gradient = radial(own_scale[k], value);
        potential.add(weight, value);
        scale[k] = hn::Mul(weight, gradient);
        own_scale[k] = hn::Mul(own_weight, gradient);
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
            hn::StoreU(hn::MulAdd(own_scale[k], difference, hn::LoadU(tag, target)), tag, target);
        }
        hn::StoreU(hn::Sub(hn::LoadU(tag, force + i), own), tag, force + i);
    }
}

template <bool with_potential, class Radial>
void self(const Radial& radial, const Cloud& x, Range rows, size_t d, const Sums& sums) {
    for (size_t i = rows.first; i < rows.last; i += lanes) {
        Potential<with_potential> potential;
        // Shifts by whole vectors in the inner loop: a shift by one would reload what was stored just before.
        for (size_t first = 1; first <= lanes; ++first) {
            size_t t = first;
            for (; i + t + (unroll - 1) * lanes < x.n; t += unroll * lanes)
                self_pairs<unroll>(radial, x, i, t, d, sums, potential);
            for (; i + t < x.n; t += lanes) self_pairs<1>(radial, x, i, t, d, sums, potential);
        }
        potential.store(sums, i);
    }
}

/// Calls `use` with the radial function of a shape.
template <class Use>
void with_radial(const kernels::Shape& shape, const Use& use) {
    switch (shape.radial) {
        case kernels::Radial::EnergyDistance: return use(EnergyDistance{shape.eps});
        case kernels::Radial::Gaussian: return use(Gaussian{shape.eps});
        case kernels::Radial::InverseMultiquadric: return use(InverseMultiquadric{shape.eps});
    }
}

void add_cross(const kernels::Shape& shape, const Cloud& x, Range rows, const Cloud& y, size_t d, const Sums& sums) {
    with_radial(shape, [&](const auto& radial) {
        sums.potential ? cross<true>(radial, x, rows, y, d, sums) : cross<false>(radial, x, rows, y, d, sums);
    });
}

void subtract_self(const kernels::Shape& shape, const Cloud& x, Range rows, size_t d, const Sums& sums) {
    with_radial(shape, [&](const auto& radial) {
        sums.potential ? self<true>(radial, x, rows, d, sums) : self<false>(radial, x, rows, d, sums);
    });
}

}  // namespace spectralot::flow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectralot::flow {

HWY_EXPORT(add_cross);
HWY_EXPORT(subtract_self);

void kernels::add_cross(const Shape& shape, const Cloud& x, Range rows, const Cloud& y, std::size_t d,
                        const Sums& sums) {
    HWY_DYNAMIC_DISPATCH(add_cross)(shape, x, rows, y, d, sums);
}

void kernels::subtract_self(const Shape& shape, const Cloud& x, Range rows, std::size_t d, const Sums& sums) {
    HWY_DYNAMIC_DISPATCH(subtract_self)(shape, x, rows, d, sums);
}

}  // namespace spectralot::flow
#endif
