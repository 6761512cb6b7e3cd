#include "spectralot/flow/run.hpp"

#include "core/compensated_sum.hpp"
#include "flow/batch.hpp"
#include "flow/velocity.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/discrete/measure.hpp"
#include "spectralot/gauge/gauges.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace spectralot::flow {
namespace {

void check_options(const FlowOptions& o, const Objective& objective, const Gauge& gauge) {
    if (!(o.step > 0.0) || std::isinf(o.step)) throw_invalid("step", "positive and finite", to_text(o.step));
    if (o.n_steps < 0) throw_invalid("n_steps", "non-negative", std::to_string(o.n_steps));
    if (o.record_every < 1) throw_invalid("record_every", "at least 1", std::to_string(o.record_every));
    if (!(o.step_cap > 0.0)) throw_invalid("step_cap", "positive", to_text(o.step_cap));
    if (o.momentum != 0.0 && !(o.momentum >= o.step && std::isfinite(o.momentum)))
        throw_invalid("momentum", "0 or at least the step (" + to_text(o.step) + ")", to_text(o.momentum));
    if (o.batch_size < 0) throw_invalid("batch_size", "non-negative", std::to_string(o.batch_size));
    if (o.batch_size > 0 && objective.n_data() == 0)
        throw_invalid("batch_size", "0: this objective is no average over data", std::to_string(o.batch_size));
    if (o.method == Method::Descent && (o.momentum > 0.0 || o.batch_size > 0))
        throw_invalid("method", "other than descent with momentum or mini-batches, which need not descend", "descent");
    if (!gauge.is_monotone()) throw_invalid("gauge", "monotone: a flow needs a norm on velocities", gauge.repr());
    if (o.selector == Schedule::Exact) return;
    if (gauge.repr() != operator_gauge().repr())
        throw_invalid("gauge", "the operator's: Newton-Schulz approximates the selector of p = inf", gauge.repr());
    (void)newton_schulz_map(Matrix::Identity(1, 1), Schedule::Cubic, o.selector_iterations, 1.0);
    if (!(o.selector_bound >= 0.0) || std::isinf(o.selector_bound))
        throw_invalid("selector_bound", "non-negative and finite", to_text(o.selector_bound));
}

/// (value, rest) += term, an unevaluated sum.
void add_to(double& value, double& rest, double term) {
    CompensatedSum sum;
    sum.add(value);
    sum.add(rest);
    sum.add(term);
    value = sum.value();
    sum.add(-value);
    rest = sum.value();
}

/// One point of phase space: particles and, with momentum, the relaxed force.
struct Phase {
    Points x, a;
};

/// The right-hand side of the system there.
struct Slope {
    Points force;              ///< g
    Points velocity;           ///< dx/dt
    Points relaxation;         ///< dA/dt = (g - A)/τ
    double dissipation = 0.0;  ///< -Σ w <g, v>
};

class System {
public:
    System(const Objective& objective, const Gauge& gauge, const FlowOptions& options, const Vector& weights)
        : objective_(objective), options_(options), weights_(weights), rule_(gauge, options, weights) {}

    bool has_momentum() const { return options_.momentum > 0.0; }

    /// False where something is not finite. `energy`, where wanted, comes with the force.
    bool evaluate(Phase& at, int step, Slope& slope, double* energy) {
        if (options_.batch_size > 0) {
            if (energy) *energy = objective_.energy(at.x, weights_);
            draw_batch(options_.seed, step, objective_.n_data(), options_.batch_size, batch_);
            objective_.batch_force(at.x, weights_, batch_, slope.force);
        } else if (energy) {
            *energy = objective_.energy_and_force(at.x, weights_, slope.force);
        } else {
            objective_.force(at.x, weights_, slope.force);
        }
        if (!is_finite(slope.force) || (energy && !std::isfinite(*energy))) return false;
        if (has_momentum()) {
            if (at.a.size() == 0) at.a = slope.force;
            slope.relaxation = (slope.force - at.a) / options_.momentum;
        }
        slope.dissipation = rule_.apply(has_momentum() ? at.a : slope.force, slope.force, slope.velocity);
        return std::isfinite(slope.dissipation);
    }

    double energy(const Points& x) const { return objective_.energy(x, weights_); }
    /// ½τN*(A)², or 0.
    double kinetic(const Phase& at, const Slope& slope) const {
        return has_momentum() ? -0.5 * options_.momentum * inner(at.a, slope.velocity, weights_) : 0.0;
    }

private:
    const Objective& objective_;
    const FlowOptions& options_;
    const Vector& weights_;
    VelocityRule rule_;
    std::vector<Index> batch_;
};

/// to = from + h·slope; false if a particle is not finite there.
bool move(const Phase& from, double h, const Slope& slope, Phase& to) {
    if (from.a.size()) to.a = from.a + h * slope.relaxation;
    return flow::move(from.x, h, slope.velocity, to.x);
}

/// A state of the flow with everything that one row of the trajectory needs.
struct Node {
    Phase at;
    Slope slope;
    double energy = std::nan("");  ///< NaN: not computed yet
};

class Stepper {
public:
    Stepper(System& system, const FlowOptions& options, double descent_step)
        : system_(system), options_(options), descent_step_(descent_step) {}

    /// From `here`, evaluated, to `next`, evaluated; accounts of time and dissipation in `state`. False, with
    /// `reason`, where it cannot.
    bool advance(Node& here, Node& next, FlowState& state, bool with_energy, std::string& reason) {
        return options_.method == Method::Descent ? descend(here, next, state, reason)
                                                  : integrate(here, next, state, with_energy, reason);
    }

private:
    /// At most `step`, and no longer than the cap allows.
    double capped(double step, const Slope& slope) const {
        if (std::isinf(options_.step_cap)) return step;
        const double speed = slope.velocity.stableNorm();
        return step * speed > options_.step_cap ? options_.step_cap / speed : step;
    }

    bool stage(const Phase& from, double h, const Slope& along, int step, Slope& slope) {
        return move(from, h, along, stage_) && system_.evaluate(stage_, step, slope, nullptr);
    }

    bool integrate(Node& here, Node& next, FlowState& state, bool with_energy, std::string& reason) {
        const double h = capped(options_.step, here.slope);
        double dissipation = here.slope.dissipation;
        bool finite = true;
        if (options_.method == Method::Euler) {
            finite = move(here.at, h, here.slope, next.at);
        } else if (options_.method == Method::Heun) {
            finite = stage(here.at, h, here.slope, state.step, slopes_[0]);
            finite = finite && combine(here, next, h, {0.5, 0.5}, dissipation);
        } else if (options_.method == Method::Rk4) {
            finite = stage(here.at, 0.5 * h, here.slope, state.step, slopes_[0]) &&
                     stage(here.at, 0.5 * h, slopes_[0], state.step, slopes_[1]) &&
                     stage(here.at, h, slopes_[1], state.step, slopes_[2]);
            finite = finite && combine(here, next, h, {1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0}, dissipation);
        }
        next.energy = std::nan("");
        finite = finite && system_.evaluate(next.at, state.step + 1, next.slope, with_energy ? &next.energy : nullptr);
        if (!finite) {
            reason = "energy, force or velocity not finite in step " + std::to_string(state.step + 1);
            return false;
        }
        account(state, h, dissipation);
        return true;
    }

    /// The Runge–Kutta update with the slope at `here` and those of the stages; false if it is not finite.
    bool combine(const Node& here, Node& next, double h, std::initializer_list<double> weights, double& dissipation) {
        const double* b = weights.begin();
        next.at.x = here.at.x + (h * b[0]) * here.slope.velocity;
        if (system_.has_momentum()) next.at.a = here.at.a + (h * b[0]) * here.slope.relaxation;
        dissipation = b[0] * here.slope.dissipation;
        for (std::size_t s = 1; s < weights.size(); ++s) {
            next.at.x += (h * b[s]) * slopes_[s - 1].velocity;
            if (system_.has_momentum()) next.at.a += (h * b[s]) * slopes_[s - 1].relaxation;
            dissipation += b[s] * slopes_[s - 1].dissipation;
        }
        return is_finite(next.at.x);
    }

    bool descend(Node& here, Node& next, FlowState& state, std::string& reason) {
        if (std::isnan(here.energy)) here.energy = system_.energy(here.at.x);
        double h = capped(state.trial_step > 0.0 ? state.trial_step : descent_step_, here.slope);
        bool halved = false;
        constexpr int halvings = 60;  // down to the rounding of the points
        for (int k = 0; k < halvings; ++k, h *= 0.5, halved = true) {
            if (!move(here.at, h, here.slope, next.at)) continue;
            if (!system_.evaluate(next.at, state.step + 1, next.slope, &next.energy)) continue;
            if (next.energy > here.energy - 0.5 * h * here.slope.dissipation) continue;
            account(state, h, here.slope.dissipation);
            state.trial_step = halved ? h : std::min(2.0 * h, options_.step);
            return true;
        }
        reason = "no descent in double precision in step " + std::to_string(state.step + 1);
        return false;
    }

    static void account(FlowState& state, double h, double dissipation) {
        add_to(state.time, state.time_rest, h);
        add_to(state.dissipated, state.dissipated_rest, h * dissipation);
        ++state.step;
    }

    System& system_;
    const FlowOptions& options_;
    double descent_step_;
    Phase stage_;
    Slope slopes_[3];
};

class Recorder {
public:
    explicit Recorder(const Observer& observer) : observer_(observer) {}

    void add(const Node& node, const FlowState& state, double kinetic) {
        descent_.push_back(energy_.empty() || node.energy <= energy_.back());
        times_.push_back(state.time);
        points_.push_back(node.at.x);
        energy_.push_back(node.energy);
        dissipation_.push_back(node.slope.dissipation);
        residual_.push_back(std::abs(((state.start_energy - node.energy) - state.dissipated) - state.dissipated_rest));
        kinetic_.push_back(kinetic);
        last_step_ = state.step;
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began_;
        observer_.report({state.step, node.energy, node.energy, elapsed.count()});
    }

    bool has(int step) const { return step == last_step_; }

    Trajectory finish() {
        const auto vector = [](const std::vector<double>& v) -> Vector {
            return Eigen::Map<const Vector>(v.data(), static_cast<Index>(v.size()));
        };
        Trajectory t;
        t.times = vector(times_);
        t.points = std::move(points_);
        t.energy = vector(energy_);
        t.dissipation = vector(dissipation_);
        t.balance_residual = vector(residual_);
        t.kinetic = vector(kinetic_);
        t.descent = std::move(descent_);
        return t;
    }

private:
    const Observer& observer_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::vector<double> times_, energy_, dissipation_, residual_, kinetic_;
    std::vector<Points> points_;
    std::vector<bool> descent_;
    int last_step_ = -1;
};

/// 1/L in the norm of the gauge and the clock, at most the largest step; that one where no L is known.
/// Σ w|v|² ≤ N(V)²/c for the measure norm, ≤ max(w)·N(V)²/c for that of the coordinate clock.
double first_descent_step(const Objective& objective, const Gauge& gauge, const FlowOptions& options,
                          const Vector& weights, Index d) {
    const std::optional<double> L = objective.smoothness();
    if (!L || !(*L > 0.0)) return options.step;
    const double c = gauge.comparison_constants(static_cast<int>(d)).lower;
    const double mass = options.clock == Clock::Force ? 1.0 : weights.maxCoeff();
    return std::min(options.step, c / (*L * mass));
}

}  // namespace

Trajectory run(const Objective& objective, const Points& x0, const Vector& weights, const Gauge& gauge,
               const FlowOptions& options, const Observer& observer) {
    FlowState start;
    start.points = x0;
    start.weights = weights;
    return run(objective, std::move(start), gauge, options, observer);
}

Trajectory run(const Objective& objective, FlowState state, const Gauge& gauge, const FlowOptions& options,
               const Observer& observer) {
    check_options(options, objective, gauge);
    check_measure({state.points, state.weights}, "x0", "weights");
    gauge.model().check_columns(static_cast<int>(state.points.cols()));
    if (state.momentum.size() && (state.momentum.rows() != state.points.rows() ||
                                  state.momentum.cols() != state.points.cols() || !state.momentum.allFinite()))
        throw_invalid("momentum", "a finite array of the shape of the points", "another");

    const Vector w = normalised(state.weights, state.points.rows());
    System system(objective, gauge, options, w);
    Stepper stepper(system, options, first_descent_step(objective, gauge, options, w, state.points.cols()));
    Recorder recorder(observer);
    const int first = state.step, last = first + options.n_steps;
    const auto recorded = [&](int step) {
        return step == first || step == last || (step - first) % options.record_every == 0;
    };
    const auto finish = [&](Status status, Node& node, std::string reason) {
        Trajectory t = recorder.finish();
        t.weights = w;
        t.dissipation_is_dual =
            options.selector == Schedule::Exact && options.clock == Clock::Force && options.momentum == 0.0;
        t.status = status;
        t.reason = std::move(reason);
        t.n_steps = state.step - first;
        state.points = std::move(node.at.x);
        state.momentum = std::move(node.at.a);
        t.state = std::move(state);
        return t;
    };

    Node here, next;
    here.at.x = std::move(state.points);
    if (system.has_momentum()) here.at.a = std::move(state.momentum);
    const bool starts = system.evaluate(here.at, state.step, here.slope, &here.energy);
    if (state.step == 0) state.start_energy = here.energy;
    if (!starts) {
        here.slope.dissipation = std::nan("");
        recorder.add(here, state, 0.0);
        return finish(Status::Stalled, here, "energy, force or velocity not finite at the start");
    }
    const auto record = [&] {
        if (std::isnan(here.energy)) here.energy = system.energy(here.at.x);
        if (!recorder.has(state.step)) recorder.add(here, state, system.kinetic(here.at, here.slope));
    };
    for (;;) {
        if (recorded(state.step)) record();
        if (state.step == last) return finish(Status::Solved, here, {});
        if (observer.cancel.requested()) {
            record();
            return finish(Status::Interrupted, here, {});
        }
        std::string reason;
        if (!stepper.advance(here, next, state, recorded(state.step + 1), reason)) {
            record();
            return finish(Status::Stalled, here, std::move(reason));
        }
        std::swap(here, next);
    }
}

}  // namespace spectralot::flow
