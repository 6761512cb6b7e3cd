#include "dynamic/kernels.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

// Tiles are arrays of vectors, which needs vectors of known size.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dynamic/kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spectralot::dynamic::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using kernels::panel_width;
using std::size_t;
using Tag = hn::CappedTag<double, panel_width / 2>;
using Wide = hn::Vec<Tag>;
constexpr size_t lanes = hn::MaxLanes(Tag());

using kernels::RowsOf;

/// R rows by two vectors.
template <size_t R>
void multiply_tile(RowsOf<const double> M, size_t n_inner, RowsOf<const double> in, RowsOf<double> out) {
    const Tag tag;
    Wide sum[R][2];
    for (size_t r = 0; r < R; ++r) sum[r][0] = sum[r][1] = hn::Zero(tag);
    for (size_t k = 0; k < n_inner; ++k) {
        const double* x = in.data + k * in.stride;
        const Wide x0 = hn::LoadU(tag, x), x1 = hn::LoadU(tag, x + lanes);
        for (size_t r = 0; r < R; ++r) {
            const Wide factor = hn::Set(tag, M.data[r * M.stride + k]);
            sum[r][0] = hn::MulAdd(factor, x0, sum[r][0]);
            sum[r][1] = hn::MulAdd(factor, x1, sum[r][1]);
        }
    }
    for (size_t r = 0; r < R; ++r) {
        hn::StoreU(sum[r][0], tag, out.data + r * out.stride);
        hn::StoreU(sum[r][1], tag, out.data + r * out.stride + lanes);
    }
}

void multiply(RowsOf<const double> M, size_t n_rows, size_t n_inner, RowsOf<const double> in, size_t n_columns,
              RowsOf<double> out) {
    constexpr size_t tall = lanes == 8 ? 8 : 4;  // as the registers allow
    for (size_t column = 0; column < n_columns; column += 2 * lanes) {
        const RowsOf<const double> from{in.data + column, in.stride};
        const auto rows = [&](size_t r) { return RowsOf<const double>{M.data + r * M.stride, M.stride}; };
        const auto to = [&](size_t r) { return RowsOf<double>{out.data + r * out.stride + column, out.stride}; };
        size_t r = 0;
        for (; r + tall <= n_rows; r += tall) multiply_tile<tall>(rows(r), n_inner, from, to(r));
        for (; r < n_rows; ++r) multiply_tile<1>(rows(r), n_inner, from, to(r));
    }
}

void fold(const double* HWY_RESTRICT a, const double* HWY_RESTRICT b, size_t n, double* HWY_RESTRICT sums,
          double* HWY_RESTRICT differences) {
    for (size_t i = 0; i < n; ++i) {
        sums[i] = a[i] + b[i];
        differences[i] = a[i] - b[i];
    }
}

void fold_line(const double* a, const double* b, size_t n, double* sums, double* differences) {
    const Tag tag;
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        const Wide x = hn::LoadU(tag, a + i), y = hn::Reverse(tag, hn::LoadU(tag, b - i - (lanes - 1)));
        hn::StoreU(hn::Add(x, y), tag, sums + i);
        hn::StoreU(hn::Sub(x, y), tag, differences + i);
    }
    for (; i < n; ++i) {
        sums[i] = a[i] + *(b - i);
        differences[i] = a[i] - *(b - i);
    }
}

void unfold_line(const double* sums, const double* differences, size_t n, double* a, double* b) {
    const Tag tag;
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        const Wide x = hn::LoadU(tag, sums + i), y = hn::LoadU(tag, differences + i);
        hn::StoreU(hn::Add(x, y), tag, a + i);
        hn::StoreU(hn::Reverse(tag, hn::Sub(x, y)), tag, b - i - (lanes - 1));
    }
    for (; i < n; ++i) {
        a[i] = sums[i] + differences[i];
        *(b - i) = sums[i] - differences[i];
    }
}

constexpr size_t chains = 4;  // vectors of cells in flight, to hide the latency of divisions
constexpr size_t block_cells = chains * lanes;

/// Q in its eigenbasis, and the sums over cells with one part per lane.
template <size_t d>
struct Prox {
    static constexpr size_t N = d * (d + 1) / 2;
    Wide q[d], two_q[d], U[d][d];
    Wide value, moment[N], cross[N * (N + 1) / 2], spread[d * N];

    HWY_INLINE Prox(const double* eigenvalues, const double* vectors) {
        const Tag tag;
        for (size_t i = 0; i < d; ++i) {
            q[i] = hn::Set(tag, eigenvalues[i]);
            two_q[i] = hn::Add(q[i], q[i]);
            for (size_t j = 0; j < d; ++j) U[i][j] = hn::Set(tag, vectors[i * d + j]);
        }
        value = hn::Zero(tag);
        for (Wide& sum : moment) sum = hn::Zero(tag);
        for (Wide& sum : cross) sum = hn::Zero(tag);
        for (Wide& sum : spread) sum = hn::Zero(tag);
    }

    /// 1/(ρ + 2q_i) for all i from one division.
    HWY_INLINE void inverses(Wide r, Wide (&inverse)[d]) const {
        const Tag tag;
        const Wide least = hn::Set(tag, 1e-100), one = hn::Set(tag, 1.0);
        Wide s[d];
        for (size_t i = 0; i < d; ++i) s[i] = hn::Max(hn::Add(r, two_q[i]), least);
        if constexpr (d == 2) {
            const Wide both = hn::Div(one, hn::Mul(s[0], s[1]));
            inverse[0] = hn::Mul(both, s[1]);
            inverse[1] = hn::Mul(both, s[0]);
        } else {
            const Wide s01 = hn::Mul(s[0], s[1]), all = hn::Div(one, hn::Mul(s01, s[2]));
            const Wide rest = hn::Mul(all, s[2]);
            inverse[0] = hn::Mul(rest, s[1]);
            inverse[1] = hn::Mul(rest, s[0]);
            inverse[2] = hn::Mul(all, s01);
        }
    }

    template <bool derivatives>
    HWY_INLINE void block(const double* const* w, double* rho, double* const* out) {
        const Tag tag;
        const Wide zero = hn::Zero(tag), one = hn::Set(tag, 1.0), two = hn::Set(tag, 2.0);
        // Newton's error after a step of relative length 1e-8 is below eps.
        const Wide close = hn::Set(tag, 1e-8), nothing = hn::Set(tag, 1e-200);
        Wide m[d][chains], w0[chains], floor[chains], r[chains];
        for (size_t b = 0; b < chains; ++b) {
            w0[b] = hn::LoadU(tag, w[0] + b * lanes);
            floor[b] = hn::Max(w0[b], zero);
            r[b] = hn::Max(hn::LoadU(tag, rho + b * lanes), floor[b]);
            for (size_t i = 0; i < d; ++i) m[i][b] = hn::Mul(U[0][i], hn::LoadU(tag, w[1] + b * lanes));
            for (size_t j = 1; j < d; ++j) {
                const Wide x = hn::LoadU(tag, w[j + 1] + b * lanes);
                for (size_t i = 0; i < d; ++i) m[i][b] = hn::MulAdd(U[j][i], x, m[i][b]);
            }
        }
        // Newton's method on a concave increasing function: from the left of the root it rises monotonically.
        for (int step = 0; step < 60; ++step) {
            Wide excess = zero;
            for (size_t b = 0; b < chains; ++b) {
                Wide f = hn::Sub(r[b], w0[b]), slope = one, inverse[d];
                inverses(r[b], inverse);
                for (size_t i = 0; i < d; ++i) {
                    const Wide y = hn::Mul(m[i][b], inverse[i]);
                    const Wide t = hn::Mul(hn::Mul(q[i], y), y);
                    f = hn::Sub(f, t);
                    slope = hn::MulAdd(hn::Add(t, t), inverse[i], slope);
                }
                const Wide next = hn::Max(hn::Sub(r[b], hn::Div(f, slope)), floor[b]);
                excess = hn::Max(excess, hn::NegMulAdd(close, next, hn::Abs(hn::Sub(next, r[b]))));
                r[b] = next;
            }
            if (hn::AllTrue(tag, hn::Le(excess, nothing))) break;
        }
        for (size_t b = 0; b < chains; ++b) {
            Wide inverse[d], y[d], z[d];
            inverses(r[b], inverse);
            for (size_t i = 0; i < d; ++i) {
                y[i] = hn::Mul(m[i][b], inverse[i]);
                z[i] = hn::Mul(two_q[i], y[i]);
            }
            hn::StoreU(r[b], tag, rho + b * lanes);
            hn::StoreU(hn::Sub(w0[b], r[b]), tag, out[0] + b * lanes);
            for (size_t i = 0; i < d; ++i) {
                Wide sum = hn::Mul(U[i][0], z[0]);
                for (size_t j = 1; j < d; ++j) sum = hn::MulAdd(U[i][j], z[j], sum);
                hn::StoreU(sum, tag, out[i + 1] + b * lanes);
            }
            if constexpr (derivatives) {
                Wide h = one;
                value = hn::MulAdd(hn::Mul(hn::Set(tag, 0.5), r[b]), hn::NegMulAdd(two, w0[b], r[b]), value);
                for (size_t i = 0; i < d; ++i) {
                    value = hn::MulAdd(hn::Mul(q[i], m[i][b]), y[i], value);
                    h = hn::MulAdd(hn::Mul(z[i], y[i]), inverse[i], h);
                }
                const Wide less = hn::Div(one, h);
                const auto positive = hn::Gt(r[b], zero);
                Wide k[N];
                for (size_t i = 0, e = 0; i < d; ++i) {
                    for (size_t j = i; j < d; ++j, ++e) {
                        const Wide yy = hn::Mul(y[i], y[j]), ryy = hn::Mul(r[b], yy);
                        moment[e] = hn::Add(moment[e], ryy);
                        for (size_t l = 0; l < d; ++l)
                            spread[l * N + e] = hn::MulAdd(inverse[l], ryy, spread[l * N + e]);
                        const Wide moved = hn::NegMulAdd(ryy, hn::Add(inverse[i], inverse[j]), yy);
                        k[e] = hn::IfThenElseZero(positive, i == j ? moved : hn::Add(moved, moved));
                    }
                }
                for (size_t e = 0, at = 0; e < N; ++e) {
                    const Wide scaled = hn::Mul(k[e], less);
                    for (size_t g = e; g < N; ++g, ++at) cross[at] = hn::NegMulAdd(scaled, k[g], cross[at]);
                }
            }
        }
    }
};

/// block(w, rho, out) for the cells one block after the other; the rest among cells of zeros, which add nothing.
template <size_t d, class Mass, class Block>
HWY_INLINE void in_blocks(const double* const* w, Mass* rho, double* const* out, size_t n, Block block) {
    std::array<const double*, d + 1> from;
    std::array<double*, d + 1> to;
    size_t c = 0;
    for (; c + block_cells <= n; c += block_cells) {
        for (size_t i = 0; i <= d; ++i) {
            from[i] = w[i] + c;
            to[i] = out[i] + c;
        }
        block(from.data(), rho + c, to.data());
    }
    if (c == n) return;
    double given[d + 1][block_cells] = {}, found[d + 1][block_cells] = {}, mass[block_cells] = {};
    for (size_t i = 0; i <= d; ++i) {
        std::copy(w[i] + c, w[i] + n, given[i]);
        std::copy(out[i] + c, out[i] + n, found[i]);
        from[i] = given[i];
        to[i] = found[i];
    }
    std::copy(rho + c, rho + n, mass);
    block(from.data(), mass, to.data());
    for (size_t i = 0; i <= d; ++i) std::copy_n(found[i], n - c, out[i] + c);
    if constexpr (!std::is_const_v<Mass>) std::copy_n(mass, n - c, rho + c);
}

template <size_t d, bool derivatives>
void project_dimension(const double* q, const double* U, const double* const* w, double* rho, double* const* out,
                       size_t n, kernels::ProxSums* sums) {
    Prox<d> prox(q, U);
    in_blocks<d>(w, rho, out, n, [&](const double* const* from, double* mass, double* const* to) HWY_ATTR {
        prox.template block<derivatives>(from, mass, to);
    });
    if constexpr (derivatives) {
        const auto total = [](Wide sum) HWY_ATTR { return hn::GetLane(hn::SumOfLanes(Tag(), sum)); };
        sums->value = total(prox.value);
        for (size_t e = 0; e < std::size(prox.moment); ++e) sums->moment[e] = total(prox.moment[e]);
        for (size_t e = 0; e < std::size(prox.cross); ++e) sums->cross[e] = total(prox.cross[e]);
        for (size_t e = 0; e < std::size(prox.spread); ++e) sums->spread[e] = total(prox.spread[e]);
    }
}

void project_cells(int d, const double* q, const double* U, const double* const* w, double* rho, double* const* out,
                   size_t n, kernels::ProxSums* sums) {
    if (d == 2) return (sums ? project_dimension<2, true> : project_dimension<2, false>)(q, U, w, rho, out, n, sums);
    (sums ? project_dimension<3, true> : project_dimension<3, false>)(q, U, w, rho, out, n, sums);
}

/// One block of cells for Q = qI. In units of 2q the equation is t - b - a/t² = 0 with t = 1 + ρ/2q, and a step of
/// Newton's method from t costs one division.
template <size_t d>
HWY_INLINE void isotropic_block(double q, const double* const* w, const double* rho, double share, double* const* out) {
    const Tag tag;
    const Wide one = hn::Set(tag, 1.0), two_q = hn::Set(tag, 2.0 * q), unit = hn::Set(tag, 0.5 / q);
    const Wide half = hn::Set(tag, 0.5), three = hn::Set(tag, 3.0), wide_share = hn::Set(tag, share);
    const Wide close = hn::Set(tag, 1e-8);  // Newton's error after a step of that relative length is below eps
    Wide m[d][chains], a[chains], b[chains], floor[chains], t[chains];
    for (size_t k = 0; k < chains; ++k) {
        Wide square = hn::Zero(tag);
        for (size_t i = 0; i < d; ++i) {
            m[i][k] = hn::LoadU(tag, w[i + 1] + k * lanes);
            const Wide x = hn::Mul(m[i][k], unit);
            square = hn::MulAdd(x, x, square);
        }
        a[k] = hn::Mul(half, square);
        b[k] = hn::MulAdd(hn::LoadU(tag, w[0] + k * lanes), unit, one);
        floor[k] = hn::Max(b[k], one);
        t[k] = hn::Max(hn::MulAdd(hn::LoadU(tag, rho + k * lanes), unit, one), floor[k]);
    }
    for (int step = 0; step < 60; ++step) {
        Wide excess = hn::Zero(tag);
        for (size_t k = 0; k < chains; ++k) {
            const Wide square = hn::Mul(t[k], t[k]), cube = hn::Mul(square, t[k]);
            const Wide top = hn::MulAdd(b[k], square, hn::Mul(three, a[k])),
                       bottom = hn::Add(cube, hn::Add(a[k], a[k]));
            const Wide next = hn::Max(hn::Div(hn::Mul(t[k], top), bottom), floor[k]);
            excess = hn::Max(excess, hn::NegMulAdd(close, next, hn::Abs(hn::Sub(next, t[k]))));
            t[k] = next;
        }
        if (hn::AllTrue(tag, hn::Le(excess, hn::Zero(tag)))) break;
    }
    for (size_t k = 0; k < chains; ++k) {
        const auto blend = [&](Wide projection, double* to) HWY_ATTR {
            const Wide before = hn::LoadU(tag, to + k * lanes);
            hn::StoreU(hn::MulAdd(wide_share, hn::Sub(projection, before), before), tag, to + k * lanes);
        };
        const Wide shrink = hn::Div(one, t[k]);
        blend(hn::NegMulAdd(two_q, hn::Sub(t[k], one), hn::LoadU(tag, w[0] + k * lanes)), out[0]);
        for (size_t i = 0; i < d; ++i) blend(hn::Mul(m[i][k], shrink), out[i + 1]);
    }
}

template <size_t d>
void isotropic_dimension(double q, const double* const* w, const double* rho, double share, double* const* out,
                         size_t n) {
    in_blocks<d>(w, rho, out, n, [&](const double* const* from, const double* mass, double* const* to) HWY_ATTR {
        isotropic_block<d>(q, from, mass, share, to);
    });
}

void project_isotropic(int d, double q, const double* const* w, const double* rho, double share, double* const* out,
                       size_t n) {
    (d == 1   ? isotropic_dimension<1>
     : d == 2 ? isotropic_dimension<2>
              : isotropic_dimension<3>)(q, w, rho, share, out, n);
}

template <size_t d>
bool moment_dimension(const double* const* v, size_t n, double* moment) {
    constexpr size_t N = d * (d + 1) / 2;
    const Tag tag;
    const Wide zero = hn::Zero(tag), one = hn::Set(tag, 1.0);
    Wide sum[N], illegal = zero;
    for (Wide& part : sum) part = zero;
    const auto add = [&](const Wide(&x)[d + 1]) HWY_ATTR {
        const auto positive = hn::Gt(x[0], zero);
        const Wide inverse = hn::IfThenElseZero(positive, hn::Div(one, x[0]));
        Wide rest = hn::Abs(x[0]);
        for (size_t i = 1; i <= d; ++i) rest = hn::Max(rest, hn::Abs(x[i]));
        illegal = hn::Max(illegal, hn::IfThenZeroElse(positive, rest));
        for (size_t i = 0, e = 0; i < d; ++i) {
            const Wide velocity = hn::Mul(x[i + 1], inverse);
            for (size_t j = i; j < d; ++j, ++e) sum[e] = hn::MulAdd(velocity, x[j + 1], sum[e]);
        }
    };
    Wide x[d + 1];
    size_t c = 0;
    for (; c + lanes <= n; c += lanes) {
        for (size_t i = 0; i <= d; ++i) x[i] = hn::LoadU(tag, v[i] + c);
        add(x);
    }
    if (c < n) {
        for (size_t i = 0; i <= d; ++i) {
            double rest[lanes] = {};
            std::copy(v[i] + c, v[i] + n, rest);
            x[i] = hn::LoadU(tag, rest);
        }
        add(x);
    }
    for (size_t e = 0; e < N; ++e) moment[e] = hn::GetLane(hn::SumOfLanes(tag, sum[e]));
    return hn::AllTrue(tag, hn::Le(illegal, zero));
}

bool moment(int d, const double* const* v, size_t n, double* sums) {
    return (d == 1 ? moment_dimension<1> : d == 2 ? moment_dimension<2> : moment_dimension<3>)(v, n, sums);
}

template <size_t d>
double largest_form_dimension(const double* M, const double* const* w, size_t n) {
    const Tag tag;
    const auto form = [&](const Wide(&x)[d + 1]) HWY_ATTR {
        Wide sum = x[0];
        for (size_t i = 0, e = 0; i < d; ++i) {
            Wide row = hn::Mul(hn::Set(tag, M[e++]), x[i + 1]);
            for (size_t j = i + 1; j < d; ++j, ++e) row = hn::MulAdd(hn::Set(tag, 2.0 * M[e]), x[j + 1], row);
            sum = hn::MulAdd(row, x[i + 1], sum);
        }
        return sum;
    };
    Wide x[d + 1];
    double rest[lanes];
    const auto load = [&](size_t c) HWY_ATTR {
        for (size_t i = 0; i <= d; ++i) {
            if (c + lanes <= n) {
                x[i] = hn::LoadU(tag, w[i] + c);
            } else {  // the last cell again and again
                std::fill(rest, rest + lanes, w[i][n - 1]);
                std::copy(w[i] + c, w[i] + n, rest);
                x[i] = hn::LoadU(tag, rest);
            }
        }
    };
    load(0);
    Wide largest = form(x);
    for (size_t c = lanes; c < n; c += lanes) {
        load(c);
        largest = hn::Max(largest, form(x));
    }
    return hn::GetLane(hn::MaxOfLanes(tag, largest));
}

double largest_form(int d, const double* M, const double* const* w, size_t n) {
    return (d == 1   ? largest_form_dimension<1>
            : d == 2 ? largest_form_dimension<2>
                     : largest_form_dimension<3>)(M, w, n);
}

// In vectors by hand: `out` may be another argument, and then the compiler would not dare.

void add_two(const double* base, const double* u, double a, const double* v, double b, size_t n, double* out) {
    const Tag tag;
    const Wide wide_a = hn::Set(tag, a), wide_b = hn::Set(tag, b);
    size_t c = 0;
    for (; c + lanes <= n; c += lanes) {
        Wide sum = hn::MulAdd(wide_b, hn::LoadU(tag, v + c), hn::Mul(wide_a, hn::LoadU(tag, u + c)));
        if (base) sum = hn::Add(sum, hn::LoadU(tag, base + c));
        hn::StoreU(sum, tag, out + c);
    }
    for (; c < n; ++c) out[c] = (base ? base[c] : 0.0) + (a * u[c] + b * v[c]);
}

void combine_below(const double* base, const double* u, double a, double b, size_t stride, size_t n, double* out) {
    const size_t head = std::min(stride, n);
    add_two(base, u, a, u, 0.0, head, out);
    add_two(base ? base + head : nullptr, u + head, a, u + head - stride, b, n - head, out + head);
}

void step(const double* w, const double* w_next, double a, const double* phi, const double* phi_next, double b,
          double r, size_t n, double* u, double* ahead) {
    const Tag tag;
    const Wide wide_a = hn::Set(tag, a), wide_b = hn::Set(tag, b), wide_r = hn::Set(tag, r), two = hn::Set(tag, 2.0);
    size_t c = 0;
    for (; c + lanes <= n; c += lanes) {
        const Wide along = hn::Mul(wide_a, hn::Add(hn::LoadU(tag, w + c), hn::LoadU(tag, w_next + c)));
        const Wide g = hn::MulAdd(wide_b, hn::Sub(hn::LoadU(tag, phi_next + c), hn::LoadU(tag, phi + c)), along);
        const Wide before = hn::LoadU(tag, u + c);
        hn::StoreU(hn::NegMulAdd(wide_r, g, before), tag, u + c);
        hn::StoreU(hn::NegMulAdd(two, g, before), tag, ahead + c);
    }
    for (; c < n; ++c) {
        const double g = a * (w[c] + w_next[c]) + b * (phi_next[c] - phi[c]);
        ahead[c] = u[c] - 2.0 * g;
        u[c] -= r * g;
    }
}

// Plain loops, which the compiler turns into vectors of each target.

void add_masses(const double* w, const double* before, const double* after, double a, size_t n,
                double* HWY_RESTRICT rho, double* HWY_RESTRICT sum) {
    for (size_t c = 0; c < n; ++c) {
        rho[c] = a * (before[c] + after[c]);
        sum[c] = w[c] + rho[c];
    }
}

void relax(double* HWY_RESTRICT ahead, double* HWY_RESTRICT u, double e, double r, size_t n) {
    for (size_t c = 0; c < n; ++c) {
        const double step = ahead[c] - u[c];
        ahead[c] += e * step;
        u[c] += r * step;
    }
}

void eliminate(const double* before, double a, const double* pivot, size_t n, double* HWY_RESTRICT x) {
    for (size_t c = 0; c < n; ++c) x[c] += a * pivot[c] * before[c];
}

void substitute(const double* after, double a, const double* pivot, size_t n, double* HWY_RESTRICT x) {
    for (size_t c = 0; c < n; ++c) x[c] = pivot[c] * (x[c] + a * after[c]);
}

}  // namespace spectralot::dynamic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spectralot::dynamic {

HWY_EXPORT(multiply);
HWY_EXPORT(fold);
HWY_EXPORT(fold_line);
HWY_EXPORT(unfold_line);
HWY_EXPORT(project_cells);
HWY_EXPORT(combine_below);
HWY_EXPORT(add_two);
HWY_EXPORT(project_isotropic);
HWY_EXPORT(moment);
HWY_EXPORT(largest_form);
HWY_EXPORT(step);
HWY_EXPORT(add_masses);
HWY_EXPORT(relax);
HWY_EXPORT(eliminate);
HWY_EXPORT(substitute);

void kernels::multiply(RowsOf<const double> M, std::size_t n_rows, std::size_t n_inner, RowsOf<const double> in,
                       std::size_t n_columns, RowsOf<double> out) {
    HWY_DYNAMIC_DISPATCH(multiply)(M, n_rows, n_inner, in, n_columns, out);
}

void kernels::fold(const double* a, const double* b, std::size_t n, double* sums, double* differences) {
    HWY_DYNAMIC_DISPATCH(fold)(a, b, n, sums, differences);
}

void kernels::fold_line(const double* a, const double* b, std::size_t n, double* sums, double* differences) {
    HWY_DYNAMIC_DISPATCH(fold_line)(a, b, n, sums, differences);
}

void kernels::unfold_line(const double* sums, const double* differences, std::size_t n, double* a, double* b) {
    HWY_DYNAMIC_DISPATCH(unfold_line)(sums, differences, n, a, b);
}

void kernels::project_cells(int d, const double* q, const double* U, const double* const* w, double* rho,
                            double* const* out, std::size_t n, ProxSums* sums) {
    HWY_DYNAMIC_DISPATCH(project_cells)(d, q, U, w, rho, out, n, sums);
}

void kernels::combine_below(const double* base, const double* u, double a, double b, std::size_t stride, std::size_t n,
                            double* out) {
    HWY_DYNAMIC_DISPATCH(combine_below)(base, u, a, b, stride, n, out);
}

void kernels::add_two(const double* base, const double* u, double a, const double* v, double b, std::size_t n,
                      double* out) {
    HWY_DYNAMIC_DISPATCH(add_two)(base, u, a, v, b, n, out);
}

void kernels::project_isotropic(int d, double q, const double* const* w, const double* rho, double share,
                                double* const* out, std::size_t n) {
    HWY_DYNAMIC_DISPATCH(project_isotropic)(d, q, w, rho, share, out, n);
}

bool kernels::moment(int d, const double* const* v, std::size_t n, double* sums) {
    return HWY_DYNAMIC_DISPATCH(moment)(d, v, n, sums);
}

double kernels::largest_form(int d, const double* M, const double* const* w, std::size_t n) {
    return HWY_DYNAMIC_DISPATCH(largest_form)(d, M, w, n);
}

void kernels::step(const double* w, const double* w_next, double a, const double* phi, const double* phi_next, double b,
                   double r, std::size_t n, double* u, double* ahead) {
    HWY_DYNAMIC_DISPATCH(step)(w, w_next, a, phi, phi_next, b, r, n, u, ahead);
}

void kernels::add_masses(const double* w, const double* before, const double* after, double a, std::size_t n,
                         double* rho, double* sum) {
    HWY_DYNAMIC_DISPATCH(add_masses)(w, before, after, a, n, rho, sum);
}

void kernels::relax(double* ahead, double* u, double e, double r, std::size_t n) {
    HWY_DYNAMIC_DISPATCH(relax)(ahead, u, e, r, n);
}

void kernels::eliminate(const double* before, double a, const double* pivot, std::size_t n, double* x) {
    HWY_DYNAMIC_DISPATCH(eliminate)(before, a, pivot, n, x);
}

void kernels::substitute(const double* after, double a, const double* pivot, std::size_t n, double* x) {
    HWY_DYNAMIC_DISPATCH(substitute)(after, a, pivot, n, x);
}

}  // namespace spectralot::dynamic
#endif
