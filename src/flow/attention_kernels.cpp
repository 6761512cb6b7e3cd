#include "flow/attention_kernels.hpp"

#include <cmath>

// One lane per head needs vectors of known size.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flow/attention_kernels.cpp"
#include <hwy/foreach_target.h>  // before every other header of Highway

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spectralot::flow::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using kernels::Heads;
using std::size_t;
using Tag = hn::ScalableTag<double>;
using Wide = hn::Vec<Tag>;
constexpr size_t lanes = hn::MaxLanes(Tag());
static_assert(kernels::head_padding % lanes == 0);

/// Where the numbers of one vector of heads lie, in units of whole vectors: Qz/√d_head, Kz, Vz and Σ_i p_ji Vz_i
/// (n_tokens×d_head each), then the attention weights p_ji.
struct Layout {
    size_t q = 0;
    size_t k, v, mixed, p, size;
    Layout(size_t T, size_t h) : k(T * h), v(2 * T * h), mixed(3 * T * h), p(4 * T * h), size(4 * T * h + T * T) {}
};

/// H = d_head where it is known when compiling, else 0.
template <size_t H>
struct Kernel {
    static constexpr size_t room = H ? H : kernels::max_head_dimension;
    const Heads& heads;
    const double* tokens;
    size_t T;
    size_t h = H ? H : heads.d_head;
    size_t d = heads.d;
    Layout at{T, h};

    HWY_INLINE Wide parameter(size_t matrix, size_t a, size_t b, size_t first) const {
        return hn::LoadU(Tag(), heads.parameters + ((matrix * h + a) * d + b) * heads.stride + first);
    }

    /// out_ja = factor·Σ_b M_ab z_jb
    HWY_INLINE void project(size_t matrix, size_t first, double factor, double* out) const {
        const Tag tag;
        const Wide scale = hn::Set(tag, factor);
        for (size_t j = 0; j < T; ++j) {
            for (size_t a = 0; a < h; ++a) {
                Wide sum = hn::Zero(tag);
                for (size_t b = 0; b < d; ++b)
                    sum = hn::MulAdd(parameter(matrix, a, b, first), hn::Set(tag, tokens[j * d + b]), sum);
                hn::StoreU(hn::Mul(scale, sum), tag, out + (j * h + a) * lanes);
            }
        }
    }

    HWY_INLINE void load(const double* from, size_t j, Wide* out) const {
        for (size_t a = 0; a < (H ? H : h); ++a) out[a] = hn::LoadU(Tag(), from + (j * h + a) * lanes);
    }
    HWY_INLINE Wide product(const Wide* left, const double* right, size_t i) const {
        Wide sum = hn::Mul(left[0], hn::LoadU(Tag(), right + i * h * lanes));
        for (size_t a = 1; a < (H ? H : h); ++a)
            sum = hn::MulAdd(left[a], hn::LoadU(Tag(), right + (i * h + a) * lanes), sum);
        return sum;
    }
    /// to_a += factor·from_ia
    HWY_INLINE void add(Wide factor, const double* from, size_t i, Wide* to) const {
        for (size_t a = 0; a < (H ? H : h); ++a)
            to[a] = hn::MulAdd(factor, hn::LoadU(Tag(), from + (i * h + a) * lanes), to[a]);
    }
    /// to_ia += factor·from_a
    HWY_INLINE void add_to(Wide factor, const Wide* from, double* to, size_t i) const {
        for (size_t a = 0; a < (H ? H : h); ++a) {
            double* entry = to + (i * h + a) * lanes;
            hn::StoreU(hn::MulAdd(factor, from[a], hn::LoadU(Tag(), entry)), Tag(), entry);
        }
    }

    void forward(size_t first, double* space, double* sums) const {
        const Tag tag;
        double *q = space + at.q * lanes, *k = space + at.k * lanes, *v = space + at.v * lanes;
        project(0, first, 1.0 / std::sqrt(static_cast<double>(h)), q);
        project(1, first, 1.0, k);
        project(2, first, 1.0, v);
        const Wide weight = hn::LoadU(tag, heads.weights + first);
        for (size_t j = 0; j < T; ++j) {
            double* p = space + (at.p + j * T) * lanes;
            Wide query[room], mixed[room];
            load(q, j, query);
            Wide largest = product(query, k, 0);
            hn::StoreU(largest, tag, p);
            for (size_t i = 1; i < T; ++i) {
                const Wide score = product(query, k, i);
                hn::StoreU(score, tag, p + i * lanes);
                largest = hn::Max(largest, score);
            }
            Wide total = hn::Zero(tag);
            for (size_t a = 0; a < (H ? H : h); ++a) mixed[a] = hn::Zero(tag);
            for (size_t i = 0; i < T; ++i) {
                const Wide e = hn::Exp(tag, hn::Sub(hn::LoadU(tag, p + i * lanes), largest));
                hn::StoreU(e, tag, p + i * lanes);
                total = hn::Add(total, e);
                add(e, v, i, mixed);
            }
            const Wide inverse = hn::Div(hn::Set(tag, 1.0), total);
            for (size_t i = 0; i < T; ++i)
                hn::StoreU(hn::Mul(inverse, hn::LoadU(tag, p + i * lanes)), tag, p + i * lanes);
            for (size_t a = 0; a < (H ? H : h); ++a) {
                mixed[a] = hn::Mul(inverse, mixed[a]);
                hn::StoreU(mixed[a], tag, space + (at.mixed + j * h + a) * lanes);
            }
            for (size_t b = 0; b < d; ++b) {
                Wide out = hn::Zero(tag);
                for (size_t a = 0; a < (H ? H : h); ++a) out = hn::MulAdd(parameter(3, a, b, first), mixed[a], out);
                double* sum = sums + (j * d + b) * lanes;
                hn::StoreU(hn::MulAdd(weight, out, hn::LoadU(tag, sum)), tag, sum);
            }
        }
    }

    /// force_matrix,ab += factor·Σ_j slope_ja z_jb
    void unproject(size_t matrix, size_t first, double factor, const double* slope, double* force) const {
        const Tag tag;
        for (size_t a = 0; a < h; ++a) {
            for (size_t b = 0; b < d; ++b) {
                Wide sum = hn::Zero(tag);
                for (size_t j = 0; j < T; ++j)
                    sum = hn::MulAdd(hn::LoadU(tag, slope + (j * h + a) * lanes), hn::Set(tag, tokens[j * d + b]), sum);
                double* entry = force + ((matrix * h + a) * d + b) * heads.stride + first;
                hn::StoreU(hn::MulAdd(hn::Set(tag, factor), sum, hn::LoadU(tag, entry)), tag, entry);
            }
        }
    }

    /// `slopes`: scratch of 3·n_tokens·d_head vectors.
    void backward(size_t first, const double* space, const double* residual, double* slopes, double* force) const {
        const Tag tag;
        const double *q = space + at.q * lanes, *k = space + at.k * lanes, *v = space + at.v * lanes;
        double *dq = slopes, *dk = slopes + T * h * lanes, *dv = slopes + 2 * T * h * lanes;
        for (size_t e = 0; e < 3 * T * h; ++e) hn::StoreU(hn::Zero(tag), tag, slopes + e * lanes);
        for (size_t j = 0; j < T; ++j) {
            const double* p = space + (at.p + j * T) * lanes;
            Wide query[room], mixed[room], pull[room], query_slope[room];
            load(q, j, query);
            load(space + at.mixed * lanes, j, mixed);
            Wide mean = hn::Zero(tag);
            for (size_t a = 0; a < (H ? H : h); ++a) {
                pull[a] = hn::Zero(tag);
                for (size_t b = 0; b < d; ++b) {
                    const Wide r = hn::Set(tag, residual[j * d + b]);
                    pull[a] = hn::MulAdd(parameter(3, a, b, first), r, pull[a]);
                    double* entry = force + ((3 * h + a) * d + b) * heads.stride + first;
                    hn::StoreU(hn::MulAdd(mixed[a], r, hn::LoadU(tag, entry)), tag, entry);
                }
                mean = hn::MulAdd(pull[a], mixed[a], mean);
                query_slope[a] = hn::Zero(tag);
            }
            for (size_t i = 0; i < T; ++i) {
                const Wide weight = hn::LoadU(tag, p + i * lanes);
                add_to(weight, pull, dv, i);
                const Wide slope = hn::Mul(weight, hn::Sub(product(pull, v, i), mean));
                add(slope, k, i, query_slope);
                add_to(slope, query, dk, i);
            }
            for (size_t a = 0; a < (H ? H : h); ++a) hn::StoreU(query_slope[a], tag, dq + (j * h + a) * lanes);
        }
        unproject(0, first, 1.0 / std::sqrt(static_cast<double>(h)), dq, force);
        unproject(1, first, 1.0, dk, force);
        unproject(2, first, 1.0, dv, force);
    }
};

/// The first part of the work space is scratch: sums over heads, or the slopes of one vector of heads.
constexpr size_t scratch(size_t T, size_t h, size_t d) {
    return lanes * (T * d > 3 * T * h ? T * d : 3 * T * h);
}

template <size_t H>
void forward_all(const Heads& heads, const double* tokens, size_t T, double* space, double* prediction) {
    const Tag tag;
    const Kernel<H> kernel{heads, tokens, T};
    const size_t d = heads.d;
    double* sums = space;
    double* vectors = space + scratch(T, heads.d_head, d);
    for (size_t e = 0; e < T * d; ++e) hn::StoreU(hn::Zero(tag), tag, sums + e * lanes);
    for (size_t first = 0; first < heads.stride; first += lanes, vectors += kernel.at.size * lanes)
        kernel.forward(first, vectors, sums);
    for (size_t e = 0; e < T * d; ++e)
        prediction[e] = hn::GetLane(hn::SumOfLanes(tag, hn::LoadU(tag, sums + e * lanes)));
}

template <size_t H>
void force_all(const Heads& heads, const double* tokens, size_t T, double* space, const double* residual,
               double* force) {
    const Kernel<H> kernel{heads, tokens, T};
    const double* vectors = space + scratch(T, heads.d_head, heads.d);
    for (size_t first = 0; first < heads.stride; first += lanes, vectors += kernel.at.size * lanes)
        kernel.backward(first, vectors, residual, space, force);
}

size_t attention_space(const Heads& heads, size_t T) {
    return scratch(T, heads.d_head, heads.d) + heads.stride * Layout(T, heads.d_head).size;
}

void attention_forward(const Heads& heads, const double* tokens, size_t T, double* space, double* prediction) {
    const auto run = heads.d_head == 1   ? forward_all<1>
                     : heads.d_head == 2 ? forward_all<2>
                     : heads.d_head == 3 ? forward_all<3>
                     : heads.d_head == 4 ? forward_all<4>
                                         : forward_all<0>;
    run(heads, tokens, T, space, prediction);
}

void attention_force(const Heads& heads, const double* tokens, size_t T, double* space, const double* residual,
                     double* force) {
    const auto run = heads.d_head == 1   ? force_all<1>
                     : heads.d_head == 2 ? force_all<2>
                     : heads.d_head == 3 ? force_all<3>
                     : heads.d_head == 4 ? force_all<4>
                                         : force_all<0>;
    run(heads, tokens, T, space, residual, force);
}

}  // namespace spectralot::flow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectralot::flow {

HWY_EXPORT(attention_space);
HWY_EXPORT(attention_forward);
HWY_EXPORT(attention_force);

std::size_t kernels::attention_space(const Heads& heads, std::size_t n_tokens) {
    return HWY_DYNAMIC_DISPATCH(attention_space)(heads, n_tokens);
}

void kernels::attention_forward(const Heads& heads, const double* tokens, std::size_t n_tokens, double* space,
                                double* prediction) {
    HWY_DYNAMIC_DISPATCH(attention_forward)(heads, tokens, n_tokens, space, prediction);
}

void kernels::attention_force(const Heads& heads, const double* tokens, std::size_t n_tokens, double* space,
                              const double* residual, double* force) {
    HWY_DYNAMIC_DISPATCH(attention_force)(heads, tokens, n_tokens, space, residual, force);
}

}  // namespace spectralot::flow
#endif
