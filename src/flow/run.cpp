#include "spectralot/flow/run.hpp"

#include "core/compensated_sum.hpp"
#include "core/weights.hpp"
#include "flow/batch.hpp"
#include "flow/velocity.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/discrete/measure.hpp"
#include "spectralot/gauge/gauges.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

namespace spectralot::flow {
namespace {

void check_options(const FlowOptions& o, const Objective& objective, const Gauge& gauge) {
    if (!(o.step > 0.0) || std::isinf(o.step)) throw_invalid("step", "must be positive and finite", to_text(o.step));
    if (o.n_steps < 0) throw_invalid("n_steps", "must be non-negative", std::to_string(o.n_steps));
    if (o.record_every < 1) throw_invalid("record_every", "must be at least 1", std::to_string(o.record_every));
    if (!(o.step_cap > 0.0)) throw_invalid("step_cap", "must be positive", to_text(o.step_cap));
    if (o.momentum != 0.0 && !(o.momentum >= o.step && std::isfinite(o.momentum)))
        throw_invalid("momentum", "must be 0 or at least the step (" + to_text(o.step) + ")", to_text(o.momentum));
    if (o.batch_size < 0) throw_invalid("batch_size", "must be non-negative", std::to_string(o.batch_size));
    if (o.batch_size > 0 && objective.n_data() == 0)
        throw_invalid("batch_size", "must be 0: this objective is no average over data", std::to_string(o.batch_size));
    if (o.method == Method::Descent && (o.momentum > 0.0 || o.batch_size > 0))
        throw_invalid("method", "must be other than descent with momentum or mini-batches, which need not descend",
                      "descent");
    if (!gauge.is_monotone())
        throw_invalid("gauge", "must be monotone: a flow needs a norm on velocities", gauge.repr());
    if (o.selector == Schedule::Exact) return;
    if (gauge.repr() != operator_gauge().repr())
        throw_invalid("gauge", "must be the operator's: Newton-Schulz approximates the selector of p = inf",
                      gauge.repr());
    (void)newton_schulz_map(Matrix::Identity(1, 1), Schedule::Cubic, o.selector_iterations, 1.0);
    if (!(o.selector_bound >= 0.0) || std::isinf(o.selector_bound))
        throw_invalid("selector_bound", "must be non-negative and finite", to_text(o.selector_bound));
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
    Points force;       ///< g
    Points relaxed;     ///< A, with momentum: it drives, else the force does
    Points relaxation;  ///< dA/dt = (g - A)/τ
    Matrix map;         ///< dx/dt = map of what drives, row by row
};

class System {
public:
    System(const Objective& objective, const Gauge& gauge, const FlowOptions& options, const Vector& weights, Index d)
        : objective_(objective), options_(options), weights_(weights), rule_(gauge, options, weights, d) {}

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
        if (energy && !std::isfinite(*energy)) return false;
        if (has_momentum()) {
            if (!is_finite(slope.force)) return false;
            if (at.a.size() == 0) at.a = slope.force;
            slope.relaxed = at.a;
            slope.relaxation = (slope.force - at.a) / options_.momentum;
        }
        try {
            slope.map = rule_.map(driving(slope));
        } catch (const InvalidArgument&) {  // the moment reads every entry and tells if one is not finite
            if (is_finite(driving(slope))) throw;
            return false;
        }
        return slope.map.allFinite();
    }

    double energy(const Points& x) const { return objective_.energy(x, weights_); }

    /// to = from + h·slope, `to` may be `from`; the dissipation along the slope, NaN if a particle is not finite there.
    double move(const Phase& from, double h, const Slope& slope, Phase& to) const {
        if (has_momentum()) to.a = from.a + h * slope.relaxation;
        return rule_.move(from.x, h, driving(slope), slope.map, slope.force, to.x);
    }

    VelocityRule::Rates rates(const Slope& slope) const { return rule_.rates(driving(slope), slope.map, slope.force); }

private:
    const Points& driving(const Slope& slope) const { return has_momentum() ? slope.relaxed : slope.force; }

    const Objective& objective_;
    const FlowOptions& options_;
    const Vector& weights_;
    VelocityRule rule_;
    std::vector<Index> batch_;
};

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
        const double speed = system_.rates(slope).speed;
        return step * speed > options_.step_cap ? options_.step_cap / speed : step;
    }

    bool stage(const Phase& from, double h, const Slope& along, int step, Slope& slope) {
        return std::isfinite(system_.move(from, h, along, stage_)) && system_.evaluate(stage_, step, slope, nullptr);
    }

    bool integrate(Node& here, Node& next, FlowState& state, bool with_energy, std::string& reason) {
        const double h = capped(options_.step, here.slope);
        double dissipation = std::nan("");
        if (options_.method == Method::Euler) {
            dissipation = system_.move(here.at, h, here.slope, next.at);
        } else if (options_.method == Method::Heun) {
            if (stage(here.at, h, here.slope, state.step, slopes_[0])) dissipation = combine(here, next, h, {0.5, 0.5});
        } else if (options_.method == Method::Rk4) {
            if (stage(here.at, 0.5 * h, here.slope, state.step, slopes_[0]) &&
                stage(here.at, 0.5 * h, slopes_[0], state.step, slopes_[1]) &&
                stage(here.at, h, slopes_[1], state.step, slopes_[2]))
                dissipation = combine(here, next, h, {1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0});
        }
        next.energy = std::nan("");
        std::swap(here.slope, next.slope);  // it is spent: the next force goes where this one still is in the cache
        bool finite = std::isfinite(dissipation);
        finite = finite && system_.evaluate(next.at, state.step + 1, next.slope, with_energy ? &next.energy : nullptr);
        if (!finite) {
            system_.evaluate(here.at, state.step, here.slope, nullptr);
            reason = "energy, force or velocity not finite in step " + std::to_string(state.step + 1);
            return false;
        }
        account(state, h, dissipation);
        return true;
    }

    /// The Runge–Kutta update with the slope at `here` and those of the stages; their mean dissipation.
    double combine(const Node& here, Node& next, double h, std::initializer_list<double> weights) const {
        const double* b = weights.begin();
        double dissipation = b[0] * system_.move(here.at, h * b[0], here.slope, next.at);
        for (std::size_t s = 1; s < weights.size(); ++s)
            dissipation += b[s] * system_.move(next.at, h * b[s], slopes_[s - 1], next.at);
        return dissipation;
    }

    bool descend(Node& here, Node& next, FlowState& state, std::string& reason) {
        if (std::isnan(here.energy)) here.energy = system_.energy(here.at.x);
        double h = capped(state.trial_step > 0.0 ? state.trial_step : descent_step_, here.slope);
        bool halved = false;
        constexpr int halvings = 60;  // down to the rounding of the points
        for (int k = 0; k < halvings; ++k, h *= 0.5, halved = true) {
            const double dissipation = system_.move(here.at, h, here.slope, next.at);
            if (!std::isfinite(dissipation)) continue;
            if (!system_.evaluate(next.at, state.step + 1, next.slope, &next.energy)) continue;
            if (next.energy > here.energy - 0.5 * h * dissipation) continue;
            account(state, h, dissipation);
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

    void add(const Node& node, const FlowState& state, double dissipation, double kinetic) {
        descent_.push_back(energy_.empty() || node.energy <= energy_.back());
        times_.push_back(state.time);
        points_.push_back(node.at.x);
        energy_.push_back(node.energy);
        dissipation_.push_back(dissipation);
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
        throw_invalid("momentum", "must be a finite array of the shape of the points", "another");
    if (state.step < 0 || options.n_steps > std::numeric_limits<int>::max() - state.step)
        throw_invalid("n_steps", "must keep the count of steps within an int", std::to_string(options.n_steps));

    const Vector w = normalised_weights(state.weights, state.points.rows(), "weights", "particle");
    System system(objective, gauge, options, w, state.points.cols());
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
        recorder.add(here, state, std::nan(""), 0.0);
        return finish(Status::Stalled, here, "energy, force or velocity not finite at the start");
    }
    const auto record = [&] {
        if (std::isnan(here.energy)) here.energy = system.energy(here.at.x);
        if (recorder.has(state.step)) return;
        const VelocityRule::Rates rates = system.rates(here.slope);
        recorder.add(here, state, rates.dissipation, 0.5 * options.momentum * rates.work);  // ½τN*(A)²
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
