/// What a flow minimises: an energy of measures and its force field, the gradient of the first variation (math.md §6).
#pragma once

#include "spectralot/core/types.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

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

    /// L with f(X+V) ≤ f(X) + Σ w_i <g_i,v_i> + ½ L Σ w_i |v_i|² for all X, V, where the objective knows one.
    [[nodiscard]] virtual std::optional<double> smoothness() const { return std::nullopt; }

    /// Number of terms of the data that f is an average of; 0 where mini-batches make no sense.
    [[nodiscard]] virtual Index n_data() const { return 0; }
    /// The force of the average over the terms `batch` only (repetitions count): unbiased when they are drawn
    /// uniformly. Throws InvalidArgument where n_data() is 0.
    virtual void batch_force(const Points& x, const Vector& weights, const std::vector<Index>& batch,
                             Points& out) const;
};

/// An objective given by functions. Forces must have one row per particle; else InvalidArgument.
class CallbackObjective final : public Objective {
public:
    using Energy = std::function<double(const Points& x, const Vector& weights)>;
    using Force = std::function<Points(const Points& x, const Vector& weights)>;
    using BatchForce = std::function<Points(const Points& x, const Vector& weights, const std::vector<Index>& batch)>;
    struct Extras {
        std::optional<double> smoothness;
        Index n_data = 0;        ///< with `batch_force`
        BatchForce batch_force;  ///< empty: no mini-batches
    };

    CallbackObjective(Energy energy, Force force) : CallbackObjective(std::move(energy), std::move(force), Extras()) {}
    CallbackObjective(Energy energy, Force force, Extras extras);
    [[nodiscard]] double energy(const Points& x, const Vector& weights) const override;
    void force(const Points& x, const Vector& weights, Points& out) const override;
    [[nodiscard]] std::optional<double> smoothness() const override { return extras_.smoothness; }
    [[nodiscard]] Index n_data() const override { return extras_.batch_force ? extras_.n_data : 0; }
    void batch_force(const Points& x, const Vector& weights, const std::vector<Index>& batch,
                     Points& out) const override;

private:
    Energy energy_;
    Force force_;
    Extras extras_;
};

/// Σ_t c_t f_t. Mini-batches are those of the terms with data, which must have equally many; the others enter in full.
/// Throws InvalidArgument for no terms, a number of coefficients other than that of the terms, or coefficients that are
/// not finite.
class SumObjective final : public Objective {
public:
    SumObjective(std::vector<std::shared_ptr<const Objective>> terms, std::vector<double> coefficients);
    [[nodiscard]] double energy(const Points& x, const Vector& weights) const override;
    void force(const Points& x, const Vector& weights, Points& out) const override;
    double energy_and_force(const Points& x, const Vector& weights, Points& out) const override;
    [[nodiscard]] std::optional<double> smoothness() const override;
    [[nodiscard]] Index n_data() const override { return n_data_; }
    void batch_force(const Points& x, const Vector& weights, const std::vector<Index>& batch,
                     Points& out) const override;

private:
    std::vector<std::shared_ptr<const Objective>> terms_;
    std::vector<double> coefficients_;
    Index n_data_ = 0;
};

}  // namespace spectralot::flow
