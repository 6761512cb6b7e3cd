#include "dynamic/iteration.hpp"

#include "discrete/context.hpp"
#include "dynamic/kernels.hpp"
#include "dynamic/refine.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace spectralot::dynamic {

namespace {

// Measured: both ends make progress. With growth mass need not travel, and densities matter more than velocities.
constexpr double sigma_balanced = 0.13, sigma_growth = 4.0;
constexpr double relaxation = 1.8;  // below 2
constexpr int max_positive_rounds = 60;
constexpr double floor_ratio = 5.0;

}  // namespace

Iteration::Iteration(const Layout& layout, const Gauge& gauge)
    : layout_(layout),
      gauge_(gauge),
      solver_(make_poisson_solver(layout)),
      prox_(std::size_t(layout.n_times), SliceProx(gauge, layout.dimension())),
      u_(layout),
      next_(layout),
      w_(layout),
      phi_(Plane::Zero(layout.n_times, layout.n_cells)),
      scratch_(std::size_t(layout.n_workers()), Plane::Zero(Index(2 * w_.v.size() + u_.m.size() + 4), layout.n_cells)),
      best_u_(layout),
      best_metrics_(std::size_t(layout.n_times), prox_[0].metric()) {}

void Iteration::start(const Vector& rho_0, const Vector& rho_1) {
    for (int k = 0; k <= layout_.n_times; ++k) {
        const double t = double(k) / layout_.n_times;
        u_.rho.row(k) = rho_0 + t * (rho_1 - rho_0);
    }
    u_.rho.row(layout_.n_times) = rho_1;
    project(layout_, *solver_, u_, phi_);
    offer(u_);  // between equal measures rest is best, and costs nothing
    // A first finite upper bound: through a positive density.
    next_ = u_;
    for (int k = 1; k < layout_.n_times; ++k) {
        const double mean = next_.rho.row(k).mean();
        next_.rho.row(k) = 0.5 * next_.rho.row(k);
        for (Index c = 0; c < layout_.n_cells; ++c)
            if (layout_.is_inside(c)) next_.rho(k, c) += 0.5 * mean;
    }
    project(layout_, *solver_, next_, phi_);
    if (make_positive(layout_, *solver_, 0.05, max_positive_rounds, next_, phi_)) offer(next_);
}

void Iteration::start_from(const Iteration& coarse, const Vector& rho_0, const Vector& rho_1) {
    const Layout& from = coarse.layout_;
    const int time_ratio = layout_.n_times / from.n_times;
    assert(time_ratio > 0);
    std::vector<Index> parent(std::size_t(layout_.n_cells));
    for (Index c = 0; c < layout_.n_cells; ++c) parent[std::size_t(c)] = parent_of(layout_, from, c);
    const auto refine = [&](const Plane& plane, Plane& out) {
        layout_.for_slices([&](int s) {
            // Linear between the middles of the coarse slices.
            const double at = (s + 0.5) / time_ratio - 0.5;
            const int before = std::clamp(int(std::floor(at)), 0, from.n_times - 1);
            const int after = std::min(before + 1, from.n_times - 1);
            const double t = std::clamp(at - before, 0.0, 1.0);
            for (Index c = 0; c < layout_.n_cells; ++c) {
                const Index p = parent[std::size_t(c)];
                if (layout_.is_inside(c)) out(s, c) = (1.0 - t) * plane(before, p) + t * plane(after, p);
            }
        });
    };
    Vector spare(layout_.n_cells);
    const auto smooth = [&](Plane& plane) {
        for (Index k = 0; k < plane.rows(); ++k) smooth_cells(from, layout_, plane.row(k).data(), spare.data());
    };
    for (std::size_t k = 0; k < w_.v.size(); ++k) {
        refine(coarse.w_.v[k], w_.v[k]);
        smooth(w_.v[k]);
    }
    for (int k = 0; k <= layout_.n_times; ++k) {
        const double at = double(k) / time_ratio;
        const int before = std::min(int(at), from.n_times - 1);
        const double t = at - before;
        for (Index c = 0; c < layout_.n_cells; ++c) {
            if (!layout_.is_inside(c)) continue;
            const Index p = parent[std::size_t(c)];
            u_.rho(k, c) = (1.0 - t) * coarse.u_.rho(before, p) + t * coarse.u_.rho(before + 1, p);
        }
    }
    smooth(u_.rho);
    u_.rho.row(0) = rho_0;
    u_.rho.row(layout_.n_times) = rho_1;
    for (std::size_t a = 0; a < u_.m.size(); ++a) {
        refine(coarse.u_.m[a], u_.m[a]);
        for (int s = 0; s < layout_.n_times && a < layout_.axes.size(); ++s)
            smooth_faces(from, layout_, a, u_.m[a].row(s).data(), spare.data());
        if (a == layout_.axes.size()) smooth(u_.m[a]);  // growth, in cells
    }
    for (int s = 0; s < layout_.n_times; ++s)
        prox_[std::size_t(s)].set_metric(coarse.prox_[std::size_t(s / time_ratio)].metric());
    project(layout_, *solver_, u_, phi_);
}

/// u satisfies Du = 0 (to the rounding that `certify` removes), so that û = u - g with g = τIᵀw + Dᵀφ, where DDᵀφ is
/// -τDIᵀw: no second copy of u is needed.
void Iteration::advance() {
    ++n_steps_;
    const double sigma = layout_.growth ? sigma_growth : sigma_balanced, tau = 1.0 / sigma;
    const auto n = std::size_t(layout_.n_cells), parts = w_.v.size(), n_momenta = u_.m.size();
    const auto row = [&](int worker, std::size_t k) { return scratch_[std::size_t(worker)].row(Index(k)).data(); };
    const auto momenta = [&](int worker, std::array<double*, 3>& rows) {
        for (std::size_t a = 0; a < n_momenta; ++a) rows[a] = row(worker, a);
        return Rows(rows.data(), n_momenta);
    };
    solver_->solve(phi_, [&](int s, int worker) {
        std::array<double*, 3> m{};
        divergence_of_adjoint(layout_, w_, -tau, s, momenta(worker, m), phi_.row(s).data());
    });

    // Every worker has a stretch of slices, and takes masses along from slice to slice. The masses between two
    // stretches are made before any w changes.
    const auto n_workers = int(scratch_.size());
    const auto start_of = [&](int worker) { return int(Index(worker) * layout_.n_times / n_workers); };
    const std::size_t edge = n_momenta;
    for_each_block(n_workers, layout_.n_threads, [&](int worker) {
        if (worker > 0) step_masses(layout_, w_.v[0], tau, phi_, relaxation, start_of(worker), u_, row(worker, edge));
    });
    for_each_block(n_workers, layout_.n_threads, [&](int worker) {
        std::array<double*, 3> m_rows{};
        const Rows m = momenta(worker, m_rows);
        double* rho = row(worker, edge + 1);
        std::array<double*, 4> ahead{}, spare{}, w{};
        for (std::size_t k = 0; k < parts; ++k) {
            ahead[k] = row(worker, edge + 4 + k);
            spare[k] = row(worker, edge + 4 + parts + k);
        }
        const int first = start_of(worker), last = start_of(worker + 1);
        const double* before = first == 0 ? u_.rho.row(0).data() : row(worker, edge);
        for (int s = first; s < last; ++s) {
            const double* after = nullptr;
            if (s + 1 == layout_.n_times) {
                after = u_.rho.row(s + 1).data();
            } else if (s + 1 == last) {
                after = row(worker + 1, edge);
            } else {
                double* made = row(worker, edge + 2 + std::size_t(s % 2));
                step_masses(layout_, w_.v[0], tau, phi_, relaxation, s + 1, u_, made);
                after = made;
            }
            step_momenta(layout_, w_, tau, phi_, relaxation, s, MomentumRows(u_, s), m);
            for (std::size_t k = 0; k < parts; ++k) w[k] = w_.v[k].row(s).data();
            // Where the iteration ends, the masses times σ are what the prox finds.
            kernels::add_masses(w[0], before, after, 0.5 * sigma, n, rho, ahead[0]);
            add_momenta(layout_, {w.data(), parts}, sigma, {m.data(), n_momenta}, {ahead.data(), parts});
            prox_[std::size_t(s)].project({ahead.data(), parts}, {rho, n}, {spare.data(), parts}, relaxation,
                                          {w.data(), parts});
            before = after;
        }
    });
}

void Iteration::offer(const StaggeredField& u) {
    UpperBound found = action_of(layout_, gauge_, u);
    if (!(found.value < best_.value)) return;
    best_ = std::move(found);
    best_u_ = u;
}

void Iteration::certify() {
    project(layout_, *solver_, u_, phi_);  // what the iterations added in rounding
    // A high floor costs what is lifted, a low one what moves too fast there. Whenever the steps have doubled: upwards
    // from below the last best one, while that helps.
    const bool climbs = n_steps_ >= 2 * climbed_at_;
    if (climbs) climbed_at_ = n_steps_;
    StaggeredField lifted = u_;
    double least = infinity;
    for (double floor = climbs ? floor_ / floor_ratio : floor_; floor < 0.1; floor *= floor_ratio) {
        if (!make_positive(layout_, *solver_, floor, max_positive_rounds, lifted, phi_)) continue;
        const double found = action_of(layout_, gauge_, lifted).value;
        if (!(found < least)) break;
        least = found;
        next_ = lifted;
        floor_ = std::max(floor, 1e-7);
        if (!climbs) break;
    }
    if (least < infinity) {
        if (best_.value < infinity) mix(layout_, gauge_, best_u_, next_);
        offer(next_);
    }

    std::vector<Matrix> metrics;
    metrics.reserve(prox_.size());
    for (const SliceProx& prox : prox_) metrics.push_back(prox.metric());
    LowerBound proved = lower_bound(layout_, gauge_, *solver_, u_, w_, metrics, mass_bound(), next_, phi_);
    if (proved.value > lower_) {
        lower_ = proved.value;
        best_metrics_ = std::move(proved.metrics);
    }
    assert(lower_ <= best_.value * (1.0 + 1e-9) + 1e-12);
}

/// Balanced: the mass itself. With growth: √(mass) changes by at most √2·dt·√(tr S) in a slice, and tr S ≤ γ(S)/c, so
/// that along a path as cheap as the upper end it stays below √(mass of an end) + √(2·upper/c).
double Iteration::mass_bound() const {
    const double m0 = u_.rho.row(0).sum(), m1 = u_.rho.row(layout_.n_times).sum();
    if (!layout_.growth) return m0;
    const double c = gauge_.comparison_constants(layout_.dimension()).lower;
    const double root = std::sqrt(std::min(m0, m1)) + std::sqrt(2.0 * best_.value / c);
    return root * root;
}

}  // namespace spectralot::dynamic
