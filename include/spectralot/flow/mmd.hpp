/// Squared maximum mean discrepancy with the smoothed energy-distance kernel (paper §6, math.md §6).
#pragma once

#include "spectralot/discrete/measure.hpp"
#include "spectralot/flow/objective.hpp"

namespace spectralot::flow {

struct MmdOptions {
    double eps = 1e-2;  ///< smoothing of the distance: d_ε(x,y) = √(|x-y|²+ε²), in the unit of the points
};

/// f(X) = 2ΣΣ a_i b_j d_ε(x_i,y_j) - ΣΣ a a d_ε(x,x) - ΣΣ b b d_ε(y,y);
/// force g(x_i) = 2[Σ_j b_j (x_i-y_j)/d_ε - Σ_k a_k (x_i-x_k)/d_ε]. O(n(n+m)d) time, O(n+m) memory.
class Mmd final : public Objective {
public:
    explicit Mmd(const DiscreteMeasure& target, const MmdOptions& options = {});
    [[nodiscard]] double energy(const Points& x, const Vector& weights) const override;
    void force(const Points& x, const Vector& weights, Points& out) const override;

private:
    Points target_;
    Vector weights_;
    double eps_;
    double self_energy_;
};

}  // namespace spectralot::flow
