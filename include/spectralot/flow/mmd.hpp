/// Squared maximum mean discrepancy with the smoothed energy-distance kernel (paper §6, math.md §6).
#pragma once

#include "spectralot/discrete/measure.hpp"
#include "spectralot/flow/objective.hpp"

namespace spectralot::flow {

struct MmdOptions {
    double eps = 1e-2;  ///< smoothing of the distance: d_ε(x,y) = √(|x-y|²+ε²), in the unit of the points; > 0
};

/// f(X) = 2ΣΣ a_i b_j d_ε(x_i,y_j) - ΣΣ a a d_ε(x,x) - ΣΣ b b d_ε(y,y);
/// force g(x_i) = 2[Σ_j b_j (x_i-y_j)/d_ε - Σ_k a_k (x_i-x_k)/d_ε].
///
/// O(n(n+m)d) time, O((n+m)d) memory. Each term is accurate to a few eps and the sum is compensated, so the error of
/// f is a few eps times the diameter, also near f = 0 (where f may come out negative by that much). Any scale of
/// the points is safe; an ε below 1e-150 times the largest coordinate counts as that.
///
/// Throws InvalidArgument for a bad target, ε ≤ 0, points of another dimension, or the wrong number of weights.
///
///     const Mmd f(DiscreteMeasure{y, {}}, {.eps = 1e-2});
///     Points g;
///     const double value = f.energy_and_force(x, weights, g);
class Mmd final : public Objective {
public:
    explicit Mmd(const DiscreteMeasure& target, const MmdOptions& options = {});
    [[nodiscard]] double energy(const Points& x, const Vector& weights) const override;
    void force(const Points& x, const Vector& weights, Points& out) const override;
    double energy_and_force(const Points& x, const Vector& weights, Points& out) const override;

private:
    double evaluate(const Points& x, const Vector& weights, bool with_energy, Points* out) const;

    Points target_;
    Vector weights_;  // sum to one
    double eps_;
    double largest_;                   // largest absolute coordinate of the target, or ε
    double self_energy_, self_error_;  // ΣΣ b b d_ε(y,y) as an unevaluated sum, in units of 2^self_exponent_
    int self_exponent_;
};

}  // namespace spectralot::flow
