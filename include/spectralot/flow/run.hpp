/// Spectral gradient flows of particles, Ẋ = J(force): explicit integrators with their energy balance (paper §6).
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/flow/newton_schulz.hpp"
#include "spectralot/flow/objective.hpp"
#include "spectralot/gauge/gauge.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spectralot::flow {

enum class Method {
    Euler,    ///< order 1
    Heun,     ///< order 2
    Rk4,      ///< order 4
    Descent,  ///< Euler whose step is halved until the energy falls by half of what the slope promises
};

enum class Clock {
    Force,       ///< mean-field: the measure selector applied to the force g_i
    Coordinate,  ///< the matrix selector applied to the gradient rows w_i g_i, as in the published runs
};

/// The names that Python, JSON and the command line use.
constexpr auto names(Method) {
    return std::to_array<std::pair<std::string_view, Method>>(
        {{"euler", Method::Euler}, {"heun", Method::Heun}, {"rk4", Method::Rk4}, {"descent", Method::Descent}});
}
constexpr auto names(Clock) {
    return std::to_array<std::pair<std::string_view, Clock>>(
        {{"force", Clock::Force}, {"coordinate", Clock::Coordinate}});
}

struct FlowOptions {
    double step = 0.1;  ///< time step, > 0; for `Descent` the largest one
    int n_steps = 100;  ///< ≥ 0
    Method method = Method::Euler;
    Clock clock = Clock::Force;
    double step_cap = infinity;           ///< largest Frobenius norm of step·velocity: longer steps are shortened
    double momentum = 0.0;                ///< relaxation time τ of τȦ + A = g, Ẋ = J(A); 0 = none, else ≥ step
    Schedule selector = Schedule::Exact;  ///< of J; all but Exact: Newton–Schulz, p = ∞ only
    int selector_iterations = 5;          ///< of Newton–Schulz
    double selector_bound = 0.0;  ///< fixed α of Newton–Schulz: v = -Z(G/α), no longer one-homogeneous; 0: α = ‖G‖_F
    int batch_size = 0;           ///< terms of the data per force, drawn uniformly with repetition; 0 = all
    std::int64_t seed = 0;        ///< of the mini-batches: that of step k depends on seed and k only
    int record_every = 1;         ///< keep every k-th state (the first and the last always)
};

template <class Visitor>
void visit_fields(FlowOptions& o, Visitor&& visit) {
    visit("step", o.step, "time step (descent: the largest)");
    visit("n_steps", o.n_steps, "number of steps");
    visit("method", o.method, "euler, heun, rk4 or descent");
    visit("clock", o.clock, "force (mean-field) or coordinate (gradient of X -> f)");
    visit("step_cap", o.step_cap, "largest Frobenius norm of a whole step");
    visit("momentum", o.momentum, "relaxation time of the force, at least the step; 0 = none");
    visit("selector", o.selector, "exact, or Newton-Schulz: cubic, quintic, muon, polar_express");
    visit("selector_iterations", o.selector_iterations, "Newton-Schulz iterations");
    visit("selector_bound", o.selector_bound, "fixed bound of the force for Newton-Schulz; 0 = its Frobenius norm");
    visit("batch_size", o.batch_size, "terms of the data per force; 0 = all");
    visit("seed", o.seed, "seed of the mini-batches");
    visit("record_every", o.record_every, "keep every k-th state");
}

/// All that a flow knows between two steps: from it `run` goes on with the same bits as if it had not stopped.
/// A sum is kept as value + rest.
struct FlowState {
    Points points;
    Vector weights;   ///< as given; empty = uniform
    Points momentum;  ///< A; empty = the force at `points`
    int step = 0;     ///< steps taken from the start of the flow
    double time = 0.0, time_rest = 0.0;
    double dissipated = 0.0, dissipated_rest = 0.0;  ///< ∫ dissipation from the start
    double start_energy = 0.0;                       ///< f at step 0 (set by `run`)
    double trial_step = 0.0;                         ///< `Descent`: the step to try next; 0 = choose
};

/// One row per recorded state (k rows). When a force, a velocity or a recorded energy is not finite the flow stops
/// with `Stalled` and its last row is the last state where they were (k = 1 with a NaN dissipation if the start is no
/// such state); cancelled, it stops with `Interrupted` and its last row is the state reached.
struct Trajectory {
    Vector times;                ///< (k)
    std::vector<Points> points;  ///< k clouds n×d
    Vector weights;              ///< (n), normalised
    Vector energy;               ///< f at the recorded states
    Vector dissipation;          ///< -Σ w_i <g_i, v_i> at the recorded states, with the force that drives the step
    Vector balance_residual;     ///< |f(0) - f(t) - ∫ dissipation|
    Vector kinetic;              ///< with momentum ½τN*(A)² (f + kinetic falls at the rate N*(A)²), else 0
    std::vector<bool> descent;   ///< f did not rise since the previous record
    bool dissipation_is_dual = false;  ///< dissipation = N*², the squared dual norm of the driving force
    Status status = Status::Solved;    ///< Solved: all the steps were taken
    std::string reason;                ///< why a flow stalled, with the number of the step
    int n_steps = 0;                   ///< steps taken
    FlowState state;                   ///< where to go on
};

/// Ẋ = v with v = J^μ(g) (force clock) or v = J(diag(w) g) (coordinate clock; for equal weights the same path, slower
/// by the factor n). ∫ dissipation is integrated as one more component of the system, by the method's own quadrature
/// (Euler: rectangles; Heun: trapezoids; Rk4: Simpson weights on its stages), so that the balance residual is of the
/// method's order along a smooth flow. One force and one selector per stage, energies only where recorded.
/// `Descent` starts at 1/L where the objective knows its smoothness, L in the norm of the gauge, doubles after each
/// step that needed no halving, and stalls where no step of double precision descends.
/// Mini-batches make dissipation and balance those of the sampled force, which are noisy estimates.
/// The observer hears of every recorded state, with lower = upper = energy. The same input gives the same bits.
/// Memory: a few n×d arrays beside the record. Between records nothing of that size is allocated, but by objectives
/// that do and by the selector of an ill-conditioned force (condition number above 6).
/// Throws InvalidArgument for step ≤ 0, n_steps < 0, record_every < 1, bad points or weights, a non-monotone gauge,
/// 0 < momentum < step, Descent with momentum or mini-batches, Newton–Schulz for another gauge than the operator's; and
/// where a state has a momentum of another shape than its points, or its count of steps would leave an int.
///
///     const flow::Mmd f(DiscreteMeasure{y, {}});
///     const auto t = flow::run(f, x, {}, operator_gauge(), {.step = 1e-2, .n_steps = 500, .record_every = 10});
///     t.points.back(), t.energy, t.balance_residual.maxCoeff();
Trajectory run(const Objective& objective, const Points& x0, const Vector& weights, const Gauge& gauge,
               const FlowOptions& options, const Observer& observer = {});

/// `n_steps` more steps from a state. Same bits as without the stop, for the same other arguments.
Trajectory run(const Objective& objective, FlowState state, const Gauge& gauge, const FlowOptions& options,
               const Observer& observer = {});

}  // namespace spectralot::flow
