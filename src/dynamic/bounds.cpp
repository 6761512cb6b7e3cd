#include "dynamic/bounds.hpp"

#include "dynamic/kernels.hpp"
#include "linalg/decompositions.hpp"

#include <algorithm>
#include <array>

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

/// The same for `count` adjacent rows at once: entry k of all of them at w(k) and g(k).
template <class W, class G>
void fit_rows(Index n, Index count, W&& w, G&& g) {
    constexpr Index width = 128;
    using Block = Eigen::Array<double, Eigen::Dynamic, 1, 0, width, 1>;
    for (Index first = 0; first < count; first += width) {
        const Index size = std::min(width, count - first);
        const auto at = [&](const double* row) { return Eigen::Map<const Eigen::ArrayXd>(row + first, size); };
        const auto to = [&](double* row) { return Eigen::Map<Eigen::ArrayXd>(row + first, size); };
        Block particular = Block::Zero(size), sum = Block::Zero(size);
        double sign = 1.0;
        for (Index k = 0; k < n; ++k) {
            sum += sign * (at(w(k)) - particular);
            sign = -sign;
            if (k + 1 < n) particular = 2.0 * at(g(k)) - particular;
        }
        to(w(0)) = sum / double(n);
        for (Index k = 1; k < n; ++k) to(w(k)) = 2.0 * at(g(k - 1)) - at(w(k - 1));
    }
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
    fit_rows(
        layout.n_times, layout.n_cells, [&](Index k) { return w.v[0].row(k).data(); },
        [&](Index k) { return g.rho.row(k + 1).data(); });
    if (layout.growth)
        layout.for_slices([&](int s) { to_tangential(layout, w.v[1].row(s).data(), w.v[2].row(s).data()); });
    for (std::size_t a = 0; a < layout.axes.size(); ++a) {
        const Axis& axis = layout.axes[a];
        layout.for_slices([&](int s) {
            double* row = w.v[a + 1].row(s).data();
            const double* face = g.m[a].row(s).data();
            for (Index first = 0; first < layout.n_cells; first += axis.n * axis.stride) {
                if (!axis.periodic && axis.open.empty() && axis.stride > 1) {
                    fit_rows(
                        axis.n, axis.stride, [&](Index k) { return row + first + k * axis.stride; },
                        [&](Index k) { return face + first + k * axis.stride; });
                    continue;
                }
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

/// Blocked cells get the values of one that is not.
void hide_outside(const Layout& layout, CellField& w) {
    if (layout.inside.empty()) return;
    Index some = 0;
    while (!layout.is_inside(some)) ++some;
    for (Plane& v : w.v)
        for (Index c = 0; c < layout.n_cells; ++c)
            if (!layout.is_inside(c)) v.col(c) = v.col(some);
}

/// max over cells of w_0 + ¼w_1ᵀQ⁻¹w_1.
double violation(const CellField& w, int s, const Matrix& Q) {
    const Matrix inverse = 0.25 * Q.inverse();
    if (!inverse.allFinite()) return infinity;
    const auto d = int(Q.rows());
    double entries[6];
    const double* rows[4];
    for (int i = 0, e = 0; i < d; ++i)
        for (int j = i; j < d; ++j, ++e) entries[e] = inverse(i, j);
    for (std::size_t k = 0; k < w.v.size(); ++k) rows[k] = w.v[k].row(s).data();
    return kernels::largest_form(d, entries, rows, std::size_t(w.v[0].cols()));
}

/// γ of the moment of slice s.
double slice_action(const Layout& layout, const Gauge& gauge, const SliceRows& v) {
    const int d = layout.dimension();
    double sums[6];
    if (!kernels::moment(d, v.rows().data(), std::size_t(layout.n_cells), sums)) return infinity;
    Matrix moment(d, d);
    for (int i = 0, e = 0; i < d; ++i)
        for (int j = i; j < d; ++j, ++e) moment(i, j) = moment(j, i) = sums[e];
    return moment.allFinite() ? gauge.value(moment) : infinity;
}

}  // namespace

UpperBound action_of(const Layout& layout, const Gauge& gauge, const StaggeredField& u) {
    UpperBound bound;
    bound.action = Vector::Zero(layout.n_times);
    layout.for_slices([&](int s) {
        const SliceRows v(layout);
        interpolate(layout, u, s, v.rows());
        bound.action[s] = slice_action(layout, gauge, v);
    });
    // Sums of n positive terms in order: n·eps at the very most.
    const double rounding = epsilon * (double(layout.n_cells) + 64.0);
    bound.value = bound.action.mean() * (1.0 + rounding);
    return bound;
}

void mix(const Layout& layout, const Gauge& gauge, const StaggeredField& v, StaggeredField& u) {
    constexpr std::array<double, 5> shares = {0.0, 0.03, 0.1, 0.2, 0.4};
    const auto n = std::size_t(layout.n_cells);
    Points action(layout.n_times, Index(shares.size()));
    layout.for_slices([&](int s) {
        const SliceRows from(layout), to(layout), mixed(layout);
        interpolate(layout, u, s, from.rows());
        interpolate(layout, v, s, to.rows());
        for (std::size_t k = 0; k < shares.size(); ++k) {
            for (std::size_t i = 0; i < mixed.rows().size(); ++i)
                kernels::add_two(nullptr, from[i], 1.0 - shares[k], to[i], shares[k], n, mixed.rows()[i]);
            action(s, Index(k)) = slice_action(layout, gauge, mixed);
        }
    });
    Index best = 0;
    action.colwise().sum().minCoeff(&best);
    const double share = shares[std::size_t(best)];
    if (share == 0.0) return;
    layout.for_slices([&](int s) {
        const auto blend = [&](const Plane& other, Plane& plane) {
            double* row = plane.row(s).data();
            kernels::add_two(nullptr, row, 1.0 - share, other.row(s).data(), share, n, row);
        };
        if (s > 0) blend(v.rho, u.rho);
        for (std::size_t a = 0; a < u.m.size(); ++a) blend(v.m[a], u.m[a]);
    });
}

bool make_positive(const Layout& layout, const PoissonSolver& solver, double floor, int max_rounds, StaggeredField& u,
                   Plane& phi) {
    // In the first and last slice one of the two masses is given, and the other must rise twice as far. Measured: with
    // these steps the fewest rounds, between far from the solution and near it.
    constexpr double step = 1.0, step_at_ends = 3.0;
    const auto n = std::size_t(layout.n_cells);
    // The momenta follow at the end, from the sum of all potentials.
    Plane rise = Plane::Zero(layout.n_times, layout.n_cells), sum = rise, sum_before = rise, rho_before = u.rho;
    std::vector<double> missing(std::size_t(layout.n_times));
    double worst = 0.0;
    for (int round = 0;; ++round) {
        const double momentum = round > 0 ? (round - 1.0) / (round + 2.0) : 0.0;
        layout.for_slices([&](int s) {
            kernels::relax(u.rho.row(s).data(), rho_before.row(s).data(), momentum, 1.0, n);
            kernels::relax(sum.row(s).data(), sum_before.row(s).data(), momentum, 1.0, n);
        });
        layout.for_slices([&](int s) {
            auto lack = rise.row(s);
            lack = (floor - 0.5 * (u.rho.row(s) + u.rho.row(s + 1)).array()).max(0.0);
            for (Index c = 0; c < layout.n_cells && !layout.inside.empty(); ++c)
                if (!layout.is_inside(c)) lack[c] = 0.0;
            missing[std::size_t(s)] = lack.maxCoeff();
            if (s == 0 || s + 1 == layout.n_times) lack *= step_at_ends / step;
        });
        worst = *std::max_element(missing.begin(), missing.end());
        if (worst <= 0.9 * floor || round == max_rounds) break;
        solver.solve(phi,
                     [&](int s, int) { add_divergence_of_masses(layout, rise, step, s, nullptr, phi.row(s).data()); });
        layout.for_slices([&](int s) {
            sum.row(s) += phi.row(s);
            if (s == 0) return;
            Vector spare(layout.n_cells);
            step_masses(layout, rise, -step, phi, 1.0, s, u, spare.data());
        });
    }
    subtract_gradient_of_momenta(layout, sum, u);
    return worst < 0.999 * floor;
}

LowerBound lower_bound(const Layout& layout, const Gauge& gauge, const PoissonSolver& solver, const StaggeredField& u,
                       const CellField& w, const std::vector<Matrix>& metrics, double mass, StaggeredField& scratch,
                       Plane& phi) {
    // φ: the projection of Iᵀw onto the range of Dᵀ, with its sign changed; g becomes Dᵀφ.
    std::vector<Plane> momenta(std::size_t(layout.n_workers()), Plane(Index(u.m.size()), layout.n_cells));
    solver.solve(phi, [&](int s, int worker) {
        std::array<double*, 3> rows{};
        for (std::size_t a = 0; a < u.m.size(); ++a) rows[a] = momenta[std::size_t(worker)].row(Index(a)).data();
        divergence_of_adjoint(layout, w, -1.0, s, {rows.data(), u.m.size()}, phi.row(s).data());
    });
    remove_alternating(layout, phi);
    StaggeredField& g = scratch;
    g.rho.setZero();
    for (Plane& m : g.m) m.setZero();
    subtract_gradient(layout, phi, g);
    CellField fitted = w;
    fit(layout, g, fitted);
    hide_outside(layout, fitted);

    const Index d = layout.dimension();
    const Matrix centre = gauge.active(Matrix::Identity(d, d));
    Vector part(layout.n_times), size(layout.n_times), worst(layout.n_times);
    LowerBound bound;
    bound.metrics = metrics;
    layout.for_slices([&](int s) {
        const SliceRows v(layout);
        interpolate(layout, u, s, v.rows());
        part[s] = size[s] = 0.0;
        for (std::size_t i = 0; i < fitted.v.size(); ++i) {
            const Eigen::Map<const Eigen::RowVectorXd> row(v[i], layout.n_cells);
            part[s] += fitted.v[i].row(s).dot(row);
            size[s] += fitted.v[i].row(s).cwiseAbs().dot(row.cwiseAbs());
        }
        worst[s] = infinity;
        for (const double share : {0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0}) {
            Matrix Q = (1.0 - share) * metrics[std::size_t(s)] + share * centre;
            Q /= 1.0 + gauge.membership_excess(Q);
            const double found = violation(fitted, s, Q);
            if (found >= worst[s] && found < infinity) break;  // convex in Q, but for the division
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
