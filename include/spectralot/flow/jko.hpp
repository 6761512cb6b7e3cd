/// Implicit (JKO) steps of a spectral gradient flow, in Lagrangian form (paper §6, math.md §6).
#pragma once

#include "spectralot/flow/objective.hpp"
#include "spectralot/transport/solve.hpp"

namespace spectralot::flow {

struct JkoOptions {
    double tol = 1e-8;            ///< of the gap below, relative to the decrease f(X) - f(Y)
    int max_iter = 10000;         ///< force evaluations, about
    bool certify = true;          ///< solve the static problem between X and Y
    double transport_tol = 1e-6;  ///< its certified relative gap
};

template <class Visitor>
void visit_fields(JkoOptions& o, Visitor&& visit) {
    visit("tol", o.tol, "stationarity gap relative to the decrease of the energy");
    visit("max_iter", o.max_iter, "iterations");
    visit("certify", o.certify, "certify the distance between both clouds");
    visit("transport_tol", o.transport_tol, "certified relative gap of the squared distance");
}

struct JkoResult {
    Points points;               ///< Y
    double energy_before = 0.0;  ///< f(X)
    double energy_after = 0.0;   ///< f(Y)
    double pairing_cost = 0.0;   ///< N(Y-X)² = γ(Σ w_i (y_i-x_i)(y_i-x_i)ᵀ) ≥ W_γ²(X, Y)
    double gap = 0.0;            ///< <g(Y), Y-X> + N(Y-X)²/(2τ) + τN*(g(Y))²/2 ≥ 0: 0 where stationary
    int n_iter = 0;
    bool converged = false;  ///< gap ≤ tol·(f(X) - f(Y)), or X stationary to rounding
    Status status = Status::IterationLimit;
    Certificate transport;   ///< of W_γ²(X, Y); lower = 0, upper = pairing_cost without `certify`
    bool certified = false;  ///< the static solve reached `transport_tol`

    /// By how much the fixed pairing i → i exceeds the optimal coupling, at most.
    [[nodiscard]] double pairing_excess() const { return pairing_cost - transport.lower; }
};

/// min over Y of F(Y) = f(Y) + N(Y-X)²/(2τ), N(V)² = γ(Σ w_i v_i v_iᵀ): the JKO functional for the coupling that keeps
/// the pairing of X and Y. Stationary is Y = X + τJ(g(Y)), backward Euler.
///
/// The gap measures Y against Z = X + τJ(g(Y)), the minimiser of the problem linearised in f. For convex f it bounds
/// F(Y) - min F, whatever the gauge, also where N is not smooth; for any f it vanishes exactly at stationary points.
/// Steps go to Z while that descends (small τ: a few iterations); beyond, by proximal gradients for weighted traces,
/// Schatten p and the operator norm, linearly at about 1 + τL iterations a digit, also where the force loses rank and
/// J jumps; for other gauges by parts of the way to Z, which is slow at such points.
/// Throws InvalidArgument for τ ≤ 0, bad options, points or weights, a gauge that is not monotone or (with `certify`)
/// has no static problem.
///
///     const JkoResult r = jko_step(f, x, {}, operator_gauge(), 0.1);
///     r.points, r.transport.upper, r.pairing_excess();
JkoResult jko_step(const Objective& objective, const Points& x, const Vector& weights, const Gauge& gauge, double tau,
                   const JkoOptions& options = {}, const Observer& observer = {});

}  // namespace spectralot::flow
