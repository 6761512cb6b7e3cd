/// The velocity of every particle: v_i = -s_i B a_i, a the force that drives, B the d×d map of the selector, s_i the
/// clock. It exists block by block only: writing and reading n×d numbers costs as much as making them again.
#pragma once

#include "spectralot/flow/run.hpp"

namespace spectralot::flow {

class VelocityRule {
public:
    /// `weights` sum to one; points have d coordinates. Refers to its arguments.
    VelocityRule(const Gauge& gauge, const FlowOptions& options, const Vector& weights, Index d);

    /// B for a finite driving force; not finite where Newton–Schulz does not apply.
    Matrix map(const Points& driving) const;

    struct Rates {
        double dissipation = 0.0;  ///< -Σ w_i <force_i, v_i>
        double work = 0.0;         ///< -Σ w_i <driving_i, v_i>
        double speed = 0.0;        ///< Frobenius norm of v
    };
    Rates rates(const Points& driving, const Matrix& B, const Points& force) const;

    /// to = from + h·v (`to` is resized and may be `from`); returns -Σ w_i <force_i, v_i>, or NaN if a coordinate of
    /// `to` is not finite.
    double move(const Points& from, double h, const Points& driving, const Matrix& B, const Points& force,
                Points& to) const;

private:
    /// use(first, count, velocities) for blocks of rows that stay in the cache.
    template <class Use>
    void for_blocks(const Points& driving, const Matrix& B, const Use& use) const;
    double weighted_inner(const double* a, const double* b, Index first, Index count) const;

    const Gauge& gauge_;
    const FlowOptions& options_;
    const Vector& weights_;
    bool equal_;          // all weights
    Vector row_weights_;  // of the second moment that the selector sees: w or w²; empty where they are equal, since
                          // the map does not change with the scale of the force
    mutable Points block_;
};

/// Every entry is finite.
bool is_finite(const Points& x);

/// Σ w_i <a_i, b_i>
double inner(const Points& a, const Points& b, const Vector& weights);

}  // namespace spectralot::flow
