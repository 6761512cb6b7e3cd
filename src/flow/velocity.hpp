/// The velocity of every particle from the force: v_i = -s_i B g_i, B the d×d map of the selector, s_i the clock.
#pragma once

#include "spectralot/flow/run.hpp"

namespace spectralot::flow {

class VelocityRule {
public:
    /// `weights` sum to one. Refers to its arguments.
    VelocityRule(const Gauge& gauge, const FlowOptions& options, const Vector& weights);

    /// Velocities of a finite force, into `velocity` (resized). NaN where Newton–Schulz does not apply.
    void apply(const Points& force, Points& velocity) const;

private:
    Matrix velocity_map(const Points& force) const;

    const Gauge& gauge_;
    const FlowOptions& options_;
    const Vector& weights_;
    Vector row_weights_;  // of the second moment that the selector sees: w or w²
};

/// Σ w_i <a_i, b_i>
double inner(const Points& a, const Points& b, const Vector& weights);

/// Weights divided by their sum; empty: uniform.
Vector normalised(const Vector& weights, Index n);

}  // namespace spectralot::flow
