#include "spectralot/dynamic/solve.hpp"

#include "core/ending.hpp"
#include "dynamic/iteration.hpp"
#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace spectralot::dynamic {

namespace {

constexpr double mass_tol = 1e-9;  // relative difference of the total masses that counts as rounding
constexpr int first_check = 40;    // iterations before the first certificate, and between later ones at least
constexpr int last_wait = 400;     // and at most
constexpr int coarse_iterations = 400;
constexpr Index coarsest = 8;  // cells per axis, and slices

void check(const Gauge& gauge, int d, const DynamicOptions& options) {
    check_static(gauge, d);
    if (!gauge.is_monotone())
        throw_invalid("gauge", "must be monotone: others have no dynamic formulation", gauge.repr());
    if (!(options.tol > 0.0 && options.tol < 1.0)) throw_invalid("tol", "must lie in (0, 1)", to_text(options.tol));
    if (options.n_times < 2) throw_invalid("n_times", "must be at least 2", std::to_string(options.n_times));
    if (options.max_iter < 1) throw_invalid("max_iter", "must be at least 1", std::to_string(options.max_iter));
    if (!(options.max_seconds > 0.0)) throw_invalid("max_seconds", "must be positive", to_text(options.max_seconds));
    if (options.n_threads < 0) throw_invalid("n_threads", "must be at least 0", std::to_string(options.n_threads));
}

/// The total of non-negative finite masses.
double check_masses(const Vector& masses, Index n_cells, const std::string& name) {
    if (masses.size() != n_cells)
        throw_invalid(name, "must have one entry per cell, " + std::to_string(n_cells), std::to_string(masses.size()));
    for (Index c = 0; c < masses.size(); ++c)
        if (!(masses[c] >= 0.0 && masses[c] < infinity))
            throw_invalid(name, "must be finite and non-negative",
                          to_text(masses[c]) + " in cell " + std::to_string(c));
    const double largest = masses.maxCoeff();
    if (!(largest > 0.0)) throw_invalid(name, "must have a positive sum", "0");
    return largest * (masses / largest).sum();
}

void check_grid(const Grid& grid) {
    const int d = grid.dimension();
    if (d < 1 || d > 3) throw_invalid("shape", "must have 1, 2 or 3 axes", std::to_string(d));
    for (const int n : grid.shape)
        if (n < 1) throw_invalid("shape", "must be positive", std::to_string(n));
    if (!grid.lengths.empty() && int(grid.lengths.size()) != d)
        throw_invalid("lengths", "must have one side per axis, " + std::to_string(d),
                      std::to_string(grid.lengths.size()));
    for (const double length : grid.lengths)
        if (!(length > 0.0 && length < infinity)) throw_invalid("lengths", "must be positive", to_text(length));
    if (grid.mask.empty()) return;
    if (Index(grid.mask.size()) != grid.n_cells())
        throw_invalid("mask", "must have one entry per cell, " + std::to_string(grid.n_cells()),
                      std::to_string(grid.mask.size()));
    if (grid.boundary == Boundary::Periodic)
        throw_invalid("mask", "needs the boundary no-flux", "a mask on a periodic grid");
}

/// The faces between two cells inside the mask.
void open_faces(Layout& layout) {
    for (Axis& axis : layout.axes) {
        axis.open.assign(std::size_t(layout.n_cells), 0.0);
        for (Index c = 0; c + axis.stride < layout.n_cells; ++c) {
            const bool wall = c / axis.stride % axis.n == axis.n - 1;
            if (!wall && layout.is_inside(c) && layout.is_inside(c + axis.stride)) axis.open[std::size_t(c)] = 1.0;
        }
    }
}

Layout layout_of(const Grid& grid, double unit, const DynamicOptions& options) {
    Layout layout{.n_times = options.n_times, .n_cells = grid.n_cells(), .n_threads = options.n_threads};
    Index stride = layout.n_cells;
    for (int a = 0; a < grid.dimension(); ++a) {
        const Index n = grid.shape[std::size_t(a)];
        stride /= n;
        layout.axes.push_back({.n = n,
                               .stride = stride,
                               .h = grid.length(a) / unit / double(n),
                               .periodic = grid.boundary == Boundary::Periodic && n > 1});
    }
    if (grid.mask.empty()) return layout;
    layout.inside.assign(grid.mask.begin(), grid.mask.end());
    open_faces(layout);
    return layout;
}

/// Every connected part of the mask must hold the same mass of both measures; parts with none are closed.
void check_parts(Layout& layout, const Vector& rho_0, const Vector& rho_1) {
    std::vector<char> seen(std::size_t(layout.n_cells), 0);
    for (Index c = 0; c < layout.n_cells; ++c) {
        if (!layout.is_inside(c) && (rho_0[c] > 0.0 || rho_1[c] > 0.0))
            throw_invalid("mask", "must contain both measures", "mass in the blocked cell " + std::to_string(c));
    }
    for (Index start = 0; start < layout.n_cells; ++start) {
        if (!layout.is_inside(start) || seen[std::size_t(start)]) continue;
        std::vector<Index> part(1, start);
        seen[std::size_t(start)] = 1;
        double mass_0 = 0.0, mass_1 = 0.0;
        for (std::size_t k = 0; k < part.size(); ++k) {
            mass_0 += rho_0[part[k]];
            mass_1 += rho_1[part[k]];
            for_neighbours(layout, part[k], [&](Index other) {
                if (seen[std::size_t(other)]) return;
                seen[std::size_t(other)] = 1;
                part.push_back(other);
            });
        }
        if (std::abs(mass_0 - mass_1) > mass_tol * rho_0.sum())
            throw_invalid("mask", "must not keep the measures apart",
                          "a connected part with the masses " + to_text(mass_0 / rho_0.sum()) + " and " +
                              to_text(mass_1 / rho_1.sum()));
        if (mass_0 == 0.0 && mass_1 == 0.0)
            for (const Index c : part) layout.inside[std::size_t(c)] = 0;
    }
    open_faces(layout);
}

void add_angles(Layout& layout) {
    layout.growth = true;
    layout.cosine.resize(layout.n_cells);
    layout.sine.resize(layout.n_cells);
    for (Index c = 0; c < layout.n_cells; ++c) {
        const double angle = 2.0 * std::numbers::pi * (double(c) + 0.5) / double(layout.n_cells);
        layout.cosine[c] = std::cos(angle);
        layout.sine[c] = std::sin(angle);
    }
}

/// Half of everything that is even and large enough; false when nothing is. A coarse cell is inside the mask if a part
/// of it is: doors may widen, but stay.
bool halve(const Layout& fine, Layout& coarse) {
    coarse = fine;
    bool changed = false;
    Index stride = 1;
    for (std::size_t a = coarse.axes.size(); a-- > 0;) {
        Axis& axis = coarse.axes[a];
        if (axis.n % 2 == 0 && axis.n >= 2 * coarsest) {
            axis.n /= 2;
            axis.h *= 2.0;
            changed = true;
        }
        axis.stride = stride;
        stride *= axis.n;
    }
    if (!changed) return false;
    if (coarse.n_times % 2 == 0 && coarse.n_times >= 2 * coarsest) coarse.n_times /= 2;
    coarse.n_cells = stride;
    if (coarse.growth) add_angles(coarse);
    if (!fine.inside.empty()) {
        coarse.inside.assign(std::size_t(coarse.n_cells), 0);
        for (Index c = 0; c < fine.n_cells; ++c)
            if (fine.is_inside(c)) coarse.inside[std::size_t(parent_of(fine, coarse, c))] = 1;
        open_faces(coarse);
    }
    return true;
}

/// Mean masses over the children: the mean mass of a cell stays 1.
Vector coarsen(const Layout& fine, const Layout& coarse, const Vector& rho) {
    Vector out = Vector::Zero(coarse.n_cells);
    for (Index c = 0; c < fine.n_cells; ++c) out[parent_of(fine, coarse, c)] += rho[c];
    return out * (double(coarse.n_cells) / double(fine.n_cells));
}

/// One solve, in units where the mean mass of a cell and the longest side are 1: `scale` is a unit of action.
class Solve {
public:
    Solve(const Gauge& gauge, const DynamicOptions& options, const Observer& observer, double scale)
        : gauge_(gauge),
          options_(options),
          observer_(observer),
          cancel_(observer.cancel.within(options.max_seconds)),
          scale_(scale) {}

    DynamicResult run(const Layout& layout, const Vector& rho_0, const Vector& rho_1, double mass_unit, double length) {
        const std::unique_ptr<Iteration> finest = solve_level(layout, rho_0, rho_1, true);
        DynamicResult result = std::move(result_);
        result.value = finest->bracket().upper * scale_;
        result.certificate = {.lower = finest->bracket().lower * scale_, .upper = result.value};
        result.action = finest->best().action * scale_;
        result.metrics = finest->best_metrics();
        result.density = finest->best_field().rho * mass_unit;
        const std::size_t n_axes = layout.axes.size();
        for (std::size_t a = 0; a < n_axes; ++a)
            result.momentum.emplace_back(finest->best_field().m[a] * (mass_unit * length));
        if (layout.growth) result.growth = finest->best_field().m.back() * mass_unit;
        result.seconds = seconds();
        return result;
    }

private:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

    std::unique_ptr<Iteration> solve_level(const Layout& layout, const Vector& rho_0, const Vector& rho_1,
                                           bool finest) {
        std::unique_ptr<Iteration> coarse;
        Layout half;
        if (options_.coarse_start && halve(layout, half))
            coarse = solve_level(half, coarsen(layout, half, rho_0), coarsen(layout, half, rho_1), false);
        auto iteration = std::make_unique<Iteration>(layout, gauge_);
        iteration->start(rho_0, rho_1);
        if (coarse) iteration->start_from(*coarse, rho_0, rho_1);
        coarse.reset();

        const int limit = finest ? options_.max_iter : std::min(coarse_iterations, options_.max_iter);
        for (int k = 1, next_check = first_check;; ++k) {
            iteration->advance();
            ++(finest ? result_.n_iter : result_.n_coarse);
            const bool stopped = cancel_.requested();
            if (k < next_check && k < limit && !stopped) continue;
            iteration->certify();
            next_check = k + wait(k, iteration->bracket().relative_gap());
            if (finest) report(*iteration, k);
            const std::optional<Status> end =
                ending(iteration->bracket(), k, {zero_level, options_.tol, limit},
                       {.interrupted = observer_.cancel.requested(), .out_of_time = stopped});
            if (!end) continue;
            result_.status = *end;
            result_.converged = is_converged(*end);
            return iteration;
        }
    }

    /// A certificate costs some twenty iterations, and the gap falls about as 1/k: longer waits far from the goal.
    [[nodiscard]] int wait(int k, double gap) const {
        const double excess = gap > 0.0 ? gap / options_.tol : 0.0;  // without an upper end the gap is NaN
        const double growth = std::clamp(std::sqrt(excess) - 1.0, 0.15, 3.0);
        return std::clamp(int(growth * k), first_check, last_wait);
    }

    void report(const Iteration& iteration, int k) {
        result_.history.push_back({.iteration = k,
                                   .lower = iteration.bracket().lower * scale_,
                                   .upper = iteration.bracket().upper * scale_,
                                   .seconds = seconds()});
        observer_.report(result_.history.back());
    }

    /// Of the action, in the units of the iteration: what rounding leaves of equal measures.
    static constexpr double zero_level = 1e-13;

    const Gauge& gauge_;
    const DynamicOptions& options_;
    const Observer& observer_;
    CancelToken cancel_;
    double scale_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    DynamicResult result_;
};

/// A gauge known through two functions may belong to an interpreter: one thread only.
DynamicOptions with_threads_for(const Gauge& gauge, int d, DynamicOptions options) {
    if (!gauge.program(d)) options.n_threads = 1;
    return options;
}

}  // namespace

Index Grid::n_cells() const {
    Index n = 1;
    for (const int axis : shape) n *= axis;
    return n;
}

double DynamicResult::distance() const {
    return std::sqrt(value);
}

Points DynamicResult::frames() const {
    Points out = density;
    const Index inner = density.rows() - 2;
    out.middleRows(1, inner) =
        0.5 * density.middleRows(1, inner) + 0.25 * (density.topRows(inner) + density.bottomRows(inner));
    return out;
}

void DynamicResult::require_solved() const {
    if (converged) return;
    throw NotSolved("not solved (" + std::string(to_string(status)) + "): the squared cost lies in [" +
                    to_text(certificate.lower) + ", " + to_text(certificate.upper) + "], relative gap " +
                    to_text(certificate.relative_gap()));
}

DynamicResult solve(const Vector& density_0, const Vector& density_1, const Grid& grid, const Gauge& gauge,
                    const DynamicOptions& options, const Observer& observer) {
    check_grid(grid);
    check(gauge, grid.dimension(), options);
    const double total_0 = check_masses(density_0, grid.n_cells(), "density_0");
    const double total_1 = check_masses(density_1, grid.n_cells(), "density_1");
    if (std::abs(total_0 - total_1) > mass_tol * std::max(total_0, total_1))
        throw_invalid(
            "density_1",
            "must have the total mass of density_0 (unequal masses are the unbalanced problem: solve_circle, or "
            "the static UW of the module sphere)",
            to_text(total_1) + " against " + to_text(total_0));
    const DynamicOptions used = with_threads_for(gauge, grid.dimension(), options);
    double unit = 0.0;
    for (int a = 0; a < grid.dimension(); ++a) unit = std::max(unit, grid.length(a));
    Layout layout = layout_of(grid, unit, used);
    const auto n_inside =
        double(grid.mask.empty() ? layout.n_cells : std::count(grid.mask.begin(), grid.mask.end(), true));
    const Vector rho_0 = density_0 * (n_inside / total_0), rho_1 = density_1 * (n_inside / total_1);
    if (!layout.inside.empty()) check_parts(layout, rho_0, rho_1);
    return Solve(gauge, used, observer, unit * unit / n_inside).run(layout, rho_0, rho_1, 1.0 / n_inside, unit);
}

DynamicResult solve_circle(const Vector& masses_0, const Vector& masses_1, const Gauge& gauge,
                           const DynamicOptions& options, const Observer& observer) {
    const Index n = masses_0.size();
    if (n < 3) throw_invalid("masses_0", "must have at least 3 cells", std::to_string(n));
    check(gauge, 2, options);
    const double total_0 = check_masses(masses_0, n, "masses_0"), total_1 = check_masses(masses_1, n, "masses_1");
    const DynamicOptions used = with_threads_for(gauge, 2, options);
    const double mass_unit = 0.5 * (total_0 + total_1) / double(n);
    Layout layout{.n_times = used.n_times, .n_cells = n, .n_threads = used.n_threads};
    layout.axes = {{.n = n, .stride = 1, .h = 2.0 * std::numbers::pi / double(n), .periodic = true}};
    add_angles(layout);
    return Solve(gauge, used, observer, mass_unit)
        .run(layout, masses_0 / mass_unit, masses_1 / mass_unit, mass_unit, 1.0);
}

}  // namespace spectralot::dynamic
