/// What a flow minimises: an energy of measures and its force field, the gradient of the first variation (math.md §6).
#pragma once

#include "spectralot/core/types.hpp"

namespace spectralot::flow {

class Objective {
public:
    virtual ~Objective() = default;
    /// f(Σ w_i δ_{x_i}); weights sum to one.
    [[nodiscard]] virtual double energy(const Points& x, const Vector& weights) const = 0;
    /// g_i = ∇(δf/δμ)(x_i), n×d into `out` (resized). The gradient of X ↦ f is w_i g_i.
    virtual void force(const Points& x, const Vector& weights, Points& out) const = 0;
};

}  // namespace spectralot::flow
