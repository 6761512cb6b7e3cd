/// The gradient flow of a two-homogeneous objective, on the sphere (math.md §8): with the canonical selector
/// v(rω) = r(bω + τ), directions follow ω̇ = τ and masses ṁ = 2bm, which is Π₂ of the ambient flow.
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/flow/objective.hpp"
#include "spectralot/gauge/gauge.hpp"
#include "spectralot/sphere/measure.hpp"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace spectralot::sphere {

enum class Method { Euler, Heun, Rk4 };

constexpr auto names(Method) {
    return std::to_array<std::pair<std::string_view, Method>>(
        {{"euler", Method::Euler}, {"heun", Method::Heun}, {"rk4", Method::Rk4}});
}

struct SphereFlowOptions {
    double step = 0.1;             ///< time step, > 0
    int n_steps = 100;             ///< ≥ 0
    Method method = Method::Heun;  ///< explicit Runge–Kutta of order 1, 2 or 4
    int record_every = 1;          ///< keep every k-th state (the first and the last always)
};

template <class Visitor>
void visit_fields(SphereFlowOptions& o, Visitor&& visit) {
    visit("step", o.step, "time step");
    visit("n_steps", o.n_steps, "number of steps");
    visit("method", o.method, "euler, heun or rk4");
    visit("record_every", o.record_every, "keep every k-th state");
}

/// One row per recorded state. When something is not finite the flow stops with `Stalled` at the last finite state.
struct SphereTrajectory {
    std::vector<double> times;
    std::vector<SphericalMeasure> measures;
    std::vector<double> energy;
    std::vector<double> dissipation;  ///< N*² = -df/dt at the recorded states
    Status status = Status::Solved;
};

/// Steps in (ω, log m): masses stay positive, zero masses stay zero, and directions are brought back to length one
/// after each step, which keeps the method's order. The objective sees particles √M·ω_i with weights m_i/M, M the
/// total mass: the same Π₂, and weights that sum to one. That it is two-homogeneous is up to the caller.
/// Throws InvalidArgument for bad measures (dirs, masses) or options, total mass zero, a gauge that is not monotone.
///
///     const auto t = sphere::flow(f, sphere::project(x, w), operator_gauge(), {.step = 1e-2, .n_steps = 500});
SphereTrajectory flow(const flow::Objective& objective, SphericalMeasure start, const Gauge& gauge,
                      const SphereFlowOptions& options, const Observer& observer = {});

}  // namespace spectralot::sphere
