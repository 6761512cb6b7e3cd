/// What a flow minimises: an energy of measures and its force field, the gradient of the first variation (math.md §6).
#pragma once

#include "spectralot/core/types.hpp"

#include <functional>

namespace spectralot::flow {

class Objective {
public:
    virtual ~Objective() = default;
    /// f(Σ w_i δ_{x_i}); weights sum to one.
    [[nodiscard]] virtual double energy(const Points& x, const Vector& weights) const = 0;
    /// g_i = ∇(δf/δμ)(x_i), n×d into `out` (resized). The gradient of X ↦ f is w_i g_i.
    virtual void force(const Points& x, const Vector& weights, Points& out) const = 0;
    /// Both at once, for objectives where they share work; the energy is returned.
    virtual double energy_and_force(const Points& x, const Vector& weights, Points& out) const;
};

/// An objective given by two functions. `force` must return one row per particle; else InvalidArgument.
class CallbackObjective final : public Objective {
public:
    using Energy = std::function<double(const Points& x, const Vector& weights)>;
    using Force = std::function<Points(const Points& x, const Vector& weights)>;

    CallbackObjective(Energy energy, Force force);
    [[nodiscard]] double energy(const Points& x, const Vector& weights) const override;
    void force(const Points& x, const Vector& weights, Points& out) const override;

private:
    Energy energy_;
    Force force_;
};

}  // namespace spectralot::flow
