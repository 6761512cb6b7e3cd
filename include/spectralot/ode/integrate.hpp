/// Adaptive integration of y' = f(t, y) by the Dormand–Prince pair 5(4), with dense output and located events.
///
/// Source: Dormand & Prince 1980; dense output as in Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations
/// I, II.6.
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/core/types.hpp"

#include <functional>
#include <vector>

namespace spectralot::ode {

/// Writes f(t, y) into `slope` (resized by the caller). Entries that are not finite say that y lies outside the domain:
/// the step is then taken shorter.
using RightHandSide = std::function<void(double t, const Vector& y, Vector& slope)>;

/// An event happens where the function falls from positive to zero or below.
using Event = std::function<double(double t, const Vector& y)>;

struct IntegrateOptions {
    double rtol = 1e-8;       ///< error of a step relative to |y_i|
    double atol = 1e-12;      ///< error of a step, in the unit of y
    int max_steps = 1000000;  ///< accepted and rejected
    double first_step = 0.0;  ///< 0: chosen from f
};

struct Outcome {
    double t = 0.0;
    Vector y;
    int event = -1;  ///< which event stopped it; -1: none
    Status status =
        Status::Solved;  ///< reached the end or an event; IterationLimit, Stalled (step below rounding), Interrupted
    int n_steps = 0;     ///< accepted
    int n_rejected = 0;
};

/// Integrates from t0 to t1 ≥ t0 or to the first event, located on the dense output (fourth order) to rounding;
/// `on_step` hears of every accepted state. Order 5: halving all tolerances by 32 halves the step. Throws
/// InvalidArgument for tolerances ≤ 0 and t1 < t0.
///
///     const auto end = ode::integrate(f, 0.0, y0, 10.0, {.rtol = 1e-10}, {[](double, const Vector& y) { return y[0];
///     }});
///     // end.t is the time at which y[0] falls through zero, if end.event == 0
Outcome integrate(const RightHandSide& f, double t0, const Vector& y0, double t1, const IntegrateOptions& options = {},
                  const std::vector<Event>& events = {},
                  const std::function<void(double t, const Vector& y)>& on_step = {}, const CancelToken& cancel = {});

}  // namespace spectralot::ode
