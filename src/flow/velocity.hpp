/// The velocity of every particle from the force: v_i = -s_i B g_i, B the d×d map of the selector, s_i the clock.
#pragma once

#include "spectralot/flow/run.hpp"

namespace spectralot::flow {

class VelocityRule {
public:
    /// `weights` sum to one. Refers to its arguments.
    VelocityRule(const Gauge& gauge, const FlowOptions& options, const Vector& weights);

    /// Velocities of a finite driving force, into `velocity` (resized); returns -Σ w_i <force_i, velocity_i>. NaN
    /// where Newton–Schulz does not apply. Both are read twice, block by block.
    double apply(const Points& driving, const Points& force, Points& velocity) const;

private:
    Matrix velocity_map(const Points& force) const;

    const Gauge& gauge_;
    const FlowOptions& options_;
    const Vector& weights_;
    bool equal_;          // all weights
    Vector row_weights_;  // of the second moment that the selector sees: w or w²; empty where they are equal, since
                          // the map does not change with the scale of the force
};

/// Every entry is finite.
bool is_finite(const Points& x);

/// to = from + h·by; false if an entry is not finite.
bool move(const Points& from, double h, const Points& by, Points& to);

/// Σ w_i <a_i, b_i>
double inner(const Points& a, const Points& b, const Vector& weights);

/// Weights divided by their sum; empty: uniform.
Vector normalised(const Vector& weights, Index n);

}  // namespace spectralot::flow
