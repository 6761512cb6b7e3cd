#include "dynamic/bounds.hpp"

#include "dynamic/kernels.hpp"
#include "linalg/decompositions.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::dynamic {

namespace {

/// Room for the interpolated fields of one slice.
class SliceRows {
public:
    explicit SliceRows(const Layout& layout)
        : storage_(Plane::Zero(layout.dimension() + 1, layout.n_cells)), rows_(std::size_t(layout.dimension()) + 1) {
        for (std::size_t k = 0; k < rows_.size(); ++k) rows_[k] = storage_.row(Index(k)).data();
    }
    [[nodiscard]] std::span<double* const> rows() const { return rows_; }
    [[nodiscard]] const double* operator[](std::size_t k) const { return rows_[k]; }

private:
    Plane storage_;
    std::vector<double*> rows_;
};

/// Changes w, one entry per cell of a row, to have (w_k + w_{k+1})/2 = g_k across its links: what is left free is one
/// alternating sequence, chosen for the nearest w. `periodic`: n links, and for even n the alternating sum of g is
/// zero.
template <class W, class G>
void fit_row(Index n, bool periodic, W&& w, G&& g) {
    if (n < 2) return;
    double particular = 0.0, sum = 0.0, sign = 1.0;
    if (periodic && n % 2 == 1) {
        // Going round gives w_0 = (the last particular value after n links) - w_0.
        for (Index k = 0; k < n; ++k) particular = 2.0 * g(k) - particular;
        w(0) = 0.5 * particular;
        for (Index k = 1; k < n; ++k) w(k) = 2.0 * g(k - 1) - w(k - 1);
        return;
    }
    for (Index k = 0; k < n; ++k) {
        sum += sign * (w(k) - particular);
        sign = -sign;
        if (k + 1 < n) particular = 2.0 * g(k) - particular;
    }
    w(0) = sum / double(n);
    for (Index k = 1; k < n; ++k) w(k) = 2.0 * g(k - 1) - w(k - 1);
}

/// φ must not see what the averaged momentum does not: along an even periodic axis, alternating sequences.
void remove_alternating(const Layout& layout, Plane& phi) {
    for (const Axis& axis : layout.axes) {
        if (!axis.periodic || axis.n % 2 == 1 || axis.n < 2) continue;
        layout.for_slices([&](int s) {
            double* row = phi.row(s).data();
            for (Index first = 0; first < layout.n_cells; first += axis.n * axis.stride) {
                for (Index c = first; c < first + axis.stride; ++c) {
                    double sum = 0.0;
                    for (Index i = 0; i < axis.n; ++i) sum += (i % 2 == 0 ? 1.0 : -1.0) * row[c + i * axis.stride];
                    const double mean = sum / double(axis.n);
                    for (Index i = 0; i < axis.n; ++i) row[c + i * axis.stride] -= (i % 2 == 0 ? 1.0 : -1.0) * mean;
                }
            }
        });
    }
}

/// w with Iᵀw = g on the free unknowns, near the given one.
void fit(const Layout& layout, const StaggeredField& g, CellField& w) {
    for (Index c = 0; c < layout.n_cells; ++c) {
        fit_row(
            layout.n_times, false, [&](Index k) -> double& { return w.v[0](k, c); },
            [&](Index k) { return g.rho(k + 1, c); });
    }
    if (layout.growth)
        layout.for_slices([&](int s) { to_tangential(layout, w.v[1].row(s).data(), w.v[2].row(s).data()); });
    for (std::size_t a = 0; a < layout.axes.size(); ++a) {
        const Axis& axis = layout.axes[a];
        layout.for_slices([&](int s) {
            double* row = w.v[a + 1].row(s).data();
            const double* face = g.m[a].row(s).data();
            for (Index first = 0; first < layout.n_cells; first += axis.n * axis.stride) {
                for (Index c = first; c < first + axis.stride; ++c) {
                    // Stretches between closed faces.
                    for (Index from = 0; from < axis.n;) {
                        Index to = from;  // last cell of the stretch
                        while (to + 1 < axis.n &&
                               (axis.open.empty() || axis.open[std::size_t(c + to * axis.stride)] != 0.0))
                            ++to;
                        const Index base = c + from * axis.stride;
                        fit_row(
                            to - from + 1, axis.periodic,
                            [&](Index k) -> double& { return row[base + k * axis.stride]; },
                            [&](Index k) { return face[base + k * axis.stride]; });
                        from = to + 1;
                    }
                }
            }
        });
    }
    if (!layout.growth) return;
    w.v[2] = g.m[1];
    layout.for_slices([&](int s) { to_ambient(layout, w.v[1].row(s).data(), w.v[2].row(s).data()); });
}

/// max over cells of w_0 + ¼w_1ᵀQ⁻¹w_1.
double violation(const Layout& layout, const CellField& w, int s, const Matrix& Q) {
    const int d = layout.dimension();
    const Matrix inverse = 0.25 * Q.inverse();
    if (!inverse.allFinite()) return infinity;
    Vector sum = w.v[0].row(s);
    for (int i = 0; i < d; ++i)
        for (int j = 0; j <= i; ++j)
            sum.array() += (i == j ? 1.0 : 2.0) * inverse(i, j) * w.v[std::size_t(i) + 1].row(s).transpose().array() *
                           w.v[std::size_t(j) + 1].row(s).transpose().array();
    double worst = -infinity;
    for (Index c = 0; c < layout.n_cells; ++c)
        if (layout.is_inside(c)) worst = std::max(worst, sum[c]);
    return worst;
}

}  // namespace

UpperBound action_of(const Layout& layout, const Gauge& gauge, const StaggeredField& u) {
    const int d = layout.dimension();
    UpperBound bound;
    bound.action = Vector::Zero(layout.n_times);
    layout.for_slices([&](int s) {
        const SliceRows v(layout);
        interpolate(layout, u, s, v.rows());
        Matrix moment = Matrix::Zero(d, d);
        bool finite = true;
        for (Index c = 0; c < layout.n_cells; ++c) {
            const double rho = v[0][c];
            double m[3] = {0.0, 0.0, 0.0}, size = 0.0;
            for (int i = 0; i < d; ++i) size = std::max(size, std::abs(m[i] = v[std::size_t(i) + 1][c]));
            if (rho <= 0.0) {
                finite = finite && rho == 0.0 && size == 0.0;
                continue;
            }
            for (int i = 0; i < d; ++i)
                for (int j = 0; j <= i; ++j) moment(i, j) += m[i] * (m[j] / rho);
        }
        moment = Matrix(moment.selfadjointView<Eigen::Lower>());
        bound.action[s] = finite && moment.allFinite() ? gauge.value(moment) : infinity;
    });
    // Sums of n positive terms in order: n·eps at the very most.
    const double rounding = epsilon * (double(layout.n_cells) + 64.0);
    bound.value = bound.action.mean() * (1.0 + rounding);
    return bound;
}

bool make_positive(const Layout& layout, const PoissonSolver& solver, double floor, int max_rounds, StaggeredField& u,
                   Plane& scratch) {
    constexpr double relaxation = 2.0;
    const auto n = std::size_t(layout.n_cells);
    StaggeredField before = u;
    std::vector<double> missing(std::size_t(layout.n_times));
    for (int round = 0;; ++round) {
        const double momentum = round > 0 ? (round - 1.0) / (round + 2.0) : 0.0;
        layout.for_slices([&](int s) {
            kernels::relax(u.rho.row(s).data(), before.rho.row(s).data(), momentum, 1.0, n);
            for (std::size_t a = 0; a < u.m.size(); ++a)
                kernels::relax(u.m[a].row(s).data(), before.m[a].row(s).data(), momentum, 1.0, n);
        });
        layout.for_slices([&](int s) {
            double worst = 0.0;
            const double* first = u.rho.row(s).data();
            const double* second = u.rho.row(s + 1).data();
            double* lack = scratch.row(s).data();
            for (Index c = 0; c < layout.n_cells; ++c) {
                lack[c] = layout.is_inside(c) ? std::max(floor - 0.5 * (first[c] + second[c]), 0.0) : 0.0;
                worst = std::max(worst, lack[c]);
            }
            missing[std::size_t(s)] = worst;
        });
        const double worst = *std::max_element(missing.begin(), missing.end());
        if (worst <= 0.9 * floor) return true;
        if (round == max_rounds) return worst < 0.999 * floor;
        layout.for_slices([&](int s) {
            if (s == 0) return;
            double* rho = u.rho.row(s).data();
            kernels::add_two(rho, scratch.row(s - 1).data(), 0.5 * relaxation, scratch.row(s).data(), 0.5 * relaxation,
                             n, rho);
        });
        project(layout, solver, u, scratch);
    }
}

LowerBound lower_bound(const Layout& layout, const Gauge& gauge, const PoissonSolver& solver, const StaggeredField& u,
                       const CellField& w, const std::vector<Matrix>& metrics, double mass, StaggeredField& scratch,
                       Plane& phi) {
    // φ: the projection of Iᵀw onto the range of Dᵀ; scratch becomes Dᵀφ.
    StaggeredField& g = scratch;
    g.rho.setZero();
    for (Plane& m : g.m) m.setZero();
    add_adjoint(layout, w, 1.0, g);
    divergence(layout, g, phi);
    solver.solve(phi);
    remove_alternating(layout, phi);
    g.rho.setZero();
    for (Plane& m : g.m) m.setZero();
    subtract_gradient(layout, phi, g);
    g.rho *= -1.0;
    for (Plane& m : g.m) m *= -1.0;
    CellField fitted = w;
    fit(layout, g, fitted);

    const Index d = layout.dimension();
    const Matrix centre = gauge.active(Matrix::Identity(d, d));
    Vector part(layout.n_times), size(layout.n_times), worst(layout.n_times);
    LowerBound bound;
    bound.metrics = metrics;
    layout.for_slices([&](int s) {
        const SliceRows v(layout);
        interpolate(layout, u, s, v.rows());
        double sum = 0.0, total = 0.0;
        for (std::size_t i = 0; i < fitted.v.size(); ++i) {
            for (Index c = 0; c < layout.n_cells; ++c) {
                const double term = fitted.v[i](s, c) * v[i][c];
                sum += term;
                total += std::abs(term);
            }
        }
        part[s] = sum;
        size[s] = total;
        worst[s] = infinity;
        for (const double share : {0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0}) {
            Matrix Q = (1.0 - share) * metrics[std::size_t(s)] + share * centre;
            Q /= 1.0 + gauge.membership_excess(Q);
            const double found = violation(layout, fitted, s, Q);
            if (found < worst[s]) {
                worst[s] = found;
                bound.metrics[std::size_t(s)] = Q;
            }
        }
    });
    double value = part.mean();
    for (int s = 0; s < layout.n_times; ++s) {
        const double charged = layout.growth ? std::max(worst[s], 0.0) : worst[s];
        value -= layout.dt() * charged * mass;
    }
    // Rounding of the sums and of the continuity equation that u satisfies.
    bound.value = value - 64.0 * epsilon * size.mean();
    return bound;
}

}  // namespace spectralot::dynamic
