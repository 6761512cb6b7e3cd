/// Spectral gradient flow of particles: Ẋ = J(force) by explicit Euler, with its energy balance (paper §6, math.md §6).
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/flow/objective.hpp"
#include "spectralot/gauge/gauge.hpp"

#include <vector>

namespace spectralot::flow {

enum class Clock {
    Force,       ///< mean-field: the measure selector applied to the force g_i
    Coordinate,  ///< the matrix selector applied to the gradient rows w_i g_i, as in the published runs
};

struct FlowOptions {
    double step = 0.1;  ///< time step, > 0
    int n_steps = 100;  ///< ≥ 0
    Clock clock = Clock::Force;
    int record_every = 1;  ///< keep every k-th state (the first and the last always)
};

template <class Visitor>
void visit_fields(FlowOptions& o, Visitor&& visit) {
    visit("step", o.step, "time step");
    visit("n_steps", o.n_steps, "number of steps");
    visit("clock", o.clock, "force (mean-field) or coordinate (gradient of X -> f)");
    visit("record_every", o.record_every, "keep every k-th state");
}

/// One row per recorded state (k rows). When a force, a velocity or a recorded energy is not finite the flow stops
/// with `Stalled` and its last row is the last state where they were (k = 1 with a NaN dissipation if x0 is no such
/// state); cancelled, it stops with `Interrupted` and its last row is the state reached.
struct Trajectory {
    Vector times;                    ///< (k)
    std::vector<Points> points;      ///< k clouds n×d
    Vector weights;                  ///< (n), normalised
    Vector energy;                   ///< f at the recorded states
    Vector dissipation;              ///< -Σ w_i <g_i, v_i> at the recorded states; = N*² for the force clock
    Vector balance_residual;         ///< |f(0) - f(t) - ∫ dissipation| by the trapezoidal rule over all steps taken
    Status status = Status::Solved;  ///< Solved: all the steps were taken
    int n_steps = 0;                 ///< steps taken
};

/// x_{k+1} = x_k + step·v_k with v = J^μ(g) (force clock) or v = J(diag(w) g) (coordinate clock; for equal weights the
/// same path, slower by the factor n). One force evaluation and one selector per step, energies only where recorded.
/// `points` must be finite; weights empty = uniform, else they are divided by their sum. The observer hears of every
/// recorded state, with lower = upper = energy. The same input gives the same bits.
/// Throws InvalidArgument for step ≤ 0, n_steps < 0, record_every < 1, bad points or weights, a non-monotone gauge.
///
///     const flow::Mmd f(DiscreteMeasure{y, {}});
///     const auto t = flow::run(f, x, {}, operator_gauge(), {.step = 1e-2, .n_steps = 500, .record_every = 10});
///     t.points.back(), t.energy, t.balance_residual.maxCoeff();
Trajectory run(const Objective& objective, const Points& x0, const Vector& weights, const Gauge& gauge,
               const FlowOptions& options, const Observer& observer = {});

}  // namespace spectralot::flow
