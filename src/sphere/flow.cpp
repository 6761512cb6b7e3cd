#include "spectralot/sphere/flow.hpp"

#include "spectralot/core/errors.hpp"
#include "sphere/coupling.hpp"

#include <cmath>

namespace spectralot::sphere {

namespace {

struct State {
    Points directions;
    Vector log_growth;  ///< m = m(0)·exp(log_growth)
};

struct Slope {
    Points tangential;
    Vector growth;  ///< 2b
    double energy = 0.0;
    double dissipation = 0.0;
};

class System {
public:
    System(const flow::Objective& objective, const Gauge& gauge, Vector masses)
        : objective_(objective), gauge_(gauge), masses_(std::move(masses)) {}

    [[nodiscard]] Vector masses(const State& at) const {
        return masses_.cwiseProduct(at.log_growth.array().exp().matrix());
    }

    /// False where something is not finite.
    bool evaluate(const State& at, Slope& slope) const {
        const Vector m = masses(at);
        const double total = m.sum();
        if (!(total > 0.0 && std::isfinite(total))) return false;
        const Points x = std::sqrt(total) * at.directions;
        const Vector w = m / total;
        Points force;
        slope.energy = objective_.energy_and_force(x, w, force);
        if (!std::isfinite(slope.energy) || !force.allFinite()) return false;
        const GaugeModel::SelectorMap selector = gauge_.model().force_map(force, w, -1.0).map;
        const SphericalFields split = fields(x, -force * selector.velocity_map);
        slope.tangential = split.tangential;
        slope.growth = 2.0 * split.growth;
        slope.dissipation = selector.dual_norm * selector.dual_norm;
        return std::isfinite(slope.dissipation);
    }

    /// The state h·slope away, directions of length one.
    [[nodiscard]] static State moved(const State& from, double h, const Slope& slope) {
        State to{from.directions + h * slope.tangential, from.log_growth + h * slope.growth};
        to.directions.rowwise().normalize();
        return to;
    }

private:
    const flow::Objective& objective_;
    const Gauge& gauge_;
    Vector masses_;
};

/// One step from `at`, whose slope is known; false where something is not finite.
bool advance(const System& system, const SphereFlowOptions& options, const State& at, const Slope& first, State& next) {
    const double h = options.step;
    const auto combined = [](const Slope& a, double s, const Slope& b) {
        Slope sum = a;
        sum.tangential += s * b.tangential;
        sum.growth += s * b.growth;
        return sum;
    };
    if (options.method == Method::Euler) {
        next = System::moved(at, h, first);
        return true;
    }
    Slope second;
    if (options.method == Method::Heun) {
        if (!system.evaluate(System::moved(at, h, first), second)) return false;
        next = System::moved(at, 0.5 * h, combined(first, 1.0, second));
        return true;
    }
    Slope third, fourth;
    if (!system.evaluate(System::moved(at, 0.5 * h, first), second)) return false;
    if (!system.evaluate(System::moved(at, 0.5 * h, second), third)) return false;
    if (!system.evaluate(System::moved(at, h, third), fourth)) return false;
    next = System::moved(at, h / 6.0, combined(combined(combined(first, 2.0, second), 2.0, third), 1.0, fourth));
    return true;
}

void check_options(const SphereFlowOptions& o) {
    if (!(o.step > 0.0 && std::isfinite(o.step))) throw_invalid("step", "must be positive", to_text(o.step));
    if (o.n_steps < 0) throw_invalid("n_steps", "must be at least 0", std::to_string(o.n_steps));
    if (o.record_every < 1) throw_invalid("record_every", "must be at least 1", std::to_string(o.record_every));
}

}  // namespace

SphereTrajectory flow(const flow::Objective& objective, SphericalMeasure start, const Gauge& gauge,
                      const SphereFlowOptions& options, const Observer& observer) {
    check_spherical(start, "dirs", "masses");
    check_options(options);
    check_gauge(gauge, int(start.dimension()));
    if (!(start.masses.sum() > 0.0)) throw_invalid("masses", "must have a positive sum", "0");

    const System system(objective, gauge, start.masses);
    State here{std::move(start.directions), Vector::Zero(start.masses.size())}, next;
    Slope slope, next_slope;
    SphereTrajectory result;
    const auto record = [&](int step) {
        result.times.push_back(step * options.step);
        result.measures.push_back({here.directions, system.masses(here)});
        result.energy.push_back(slope.energy);
        result.dissipation.push_back(slope.dissipation);
        observer.report({step, slope.energy, slope.energy, 0.0});
    };
    if (!system.evaluate(here, slope)) slope.energy = slope.dissipation = std::nan("");
    bool finite = std::isfinite(slope.energy);
    for (int step = 0;; ++step) {
        const bool stops = !finite || observer.cancel.requested();
        if (stops || step == options.n_steps || step % options.record_every == 0) record(step);
        if (stops) result.status = finite ? Status::Interrupted : Status::Stalled;
        if (stops || step == options.n_steps) return result;
        finite = advance(system, options, here, slope, next) && system.evaluate(next, next_slope);
        if (!finite) {
            if (step % options.record_every != 0) record(step);
            result.status = Status::Stalled;
            return result;
        }
        std::swap(here, next);
        std::swap(slope, next_slope);
    }
}

}  // namespace spectralot::sphere
