#include "spectralot/flow/run.hpp"

#include "core/compensated_sum.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/discrete/measure.hpp"
#include "spectralot/gauge/selector.hpp"

#include <chrono>
#include <cmath>

namespace spectralot::flow {
namespace {

void check_options(const FlowOptions& options) {
    if (!(options.step > 0.0) || std::isinf(options.step))
        throw_invalid("step", "positive and finite", to_text(options.step));
    if (options.n_steps < 0) throw_invalid("n_steps", "non-negative", std::to_string(options.n_steps));
    if (options.record_every < 1) throw_invalid("record_every", "at least 1", std::to_string(options.record_every));
}

Vector normalised(const Vector& weights, Index n) {
    if (weights.size() == 0) return Vector::Constant(n, 1.0 / static_cast<double>(n));
    const Vector scaled = weights / weights.maxCoeff();
    return scaled / scaled.sum();
}

/// v = J(g) in the chosen clock.
Points velocity(const Gauge& gauge, Clock clock, const Points& force, const Vector& weights) {
    if (clock == Clock::Force) return selector(gauge, force, weights).direction;
    return selector(gauge, weights.asDiagonal() * force).direction;
}

/// The force, and the energy where it is wanted (else 0).
double evaluate(const Objective& objective, const Points& x, const Vector& weights, bool with_energy, Points& force) {
    if (with_energy) return objective.energy_and_force(x, weights, force);
    objective.force(x, weights, force);
    return 0.0;
}

/// -Σ w_i <g_i, v_i>, the rate at which the energy falls.
double dissipation(const Points& force, const Points& velocity, const Vector& weights) {
    double sum = 0.0;
    for (Index i = 0; i < force.rows(); ++i) sum -= weights[i] * force.row(i).dot(velocity.row(i));
    return sum;
}

/// A state of the flow with everything that one row of the trajectory needs.
struct State {
    int step = 0;
    Points points;
    double energy = 0.0;
    double dissipation = 0.0;
    double dissipated = 0.0;  ///< ∫ dissipation from the start
};

class Recorder {
public:
    Recorder(const FlowOptions& options, const Observer& observer) : step_(options.step), observer_(observer) {}

    void add(const State& state) {
        if (points_.empty()) start_ = state.energy;
        times_.push_back(step_ * state.step);
        points_.push_back(state.points);
        energy_.push_back(state.energy);
        dissipation_.push_back(state.dissipation);
        residual_.push_back(std::abs((start_ - state.energy) - state.dissipated));
        last_step_ = state.step;
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began_;
        observer_.report({state.step, state.energy, state.energy, elapsed.count()});
    }

    bool has(int step) const { return step == last_step_; }

    Trajectory finish(Status status, const Vector& weights) {
        const auto vector = [](const std::vector<double>& v) -> Vector {
            return Eigen::Map<const Vector>(v.data(), static_cast<Index>(v.size()));
        };
        return {vector(times_),       std::move(points_), weights, vector(energy_),
                vector(dissipation_), vector(residual_),  status,  last_step_};
    }

private:
    double step_;
    const Observer& observer_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::vector<double> times_, energy_, dissipation_, residual_;
    std::vector<Points> points_;
    double start_ = 0.0;
    int last_step_ = -1;
};

}  // namespace

Trajectory run(const Objective& objective, const Points& x0, const Vector& weights, const Gauge& gauge,
               const FlowOptions& options, const Observer& observer) {
    check_options(options);
    check_measure({x0, weights}, "x0", "weights");
    if (!gauge.is_monotone()) throw_invalid("gauge", "monotone: a flow needs a norm on velocities", gauge.repr());
    gauge.check_dimension(static_cast<int>(x0.cols()));

    const Vector w = normalised(weights, x0.rows());
    Recorder recorder(options, observer);
    CompensatedSum dissipated;
    State state, next;
    Points force, direction;  // at `state`, once it is evaluated
    for (int k = 0;; ++k) {
        const bool interrupted = k < options.n_steps && observer.cancel.requested();
        const bool last = interrupted || k == options.n_steps;
        const bool record = last || k % options.record_every == 0;

        next.step = k;
        if (k == 0)
            next.points = x0;
        else
            next.points = state.points + options.step * direction;
        next.energy = evaluate(objective, next.points, w, record, force);
        const bool finite = std::isfinite(next.energy) && force.allFinite();
        if (finite) direction = velocity(gauge, options.clock, force, w);
        next.dissipation = finite ? dissipation(force, direction, w) : std::numeric_limits<double>::quiet_NaN();

        if (!std::isfinite(next.dissipation)) {
            if (k == 0) {
                recorder.add(next);
            } else if (!recorder.has(state.step)) {
                state.energy = objective.energy(state.points, w);
                recorder.add(state);
            }
            return recorder.finish(Status::Stalled, w);
        }
        if (k > 0) dissipated.add(0.5 * options.step * (state.dissipation + next.dissipation));
        next.dissipated = dissipated.value();
        std::swap(state, next);
        if (record) recorder.add(state);
        if (last) return recorder.finish(interrupted ? Status::Interrupted : Status::Solved, w);
    }
}

}  // namespace spectralot::flow
