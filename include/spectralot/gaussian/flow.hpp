/// Spectral gradient flows that stay Gaussian: an affine force g(x) = H(x-m) + b gives ṁ = -Pb, Σ̇ = -PHΣ - ΣHP
/// (math.md §6), P the selector's velocity map for the force second moment F = HΣH + bbᵀ.
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/gauge/gauges.hpp"
#include "spectralot/gaussian/gaussian.hpp"

#include <functional>
#include <vector>

namespace spectralot::gaussian {

/// KL(N(m,Σ) | N(m̄,Σ̄)); infinity for singular Σ. Throws InvalidArgument unless Σ̄ is positive definite.
double kl(const Gaussian& gaussian, const Gaussian& target);

/// g(x) = H(x-m) + b: H = 2∂f/∂Σ (symmetric d×d), b = ∂f/∂m.
struct AffineForce {
    Matrix H;
    Vector b;
};

/// What a Gaussian flow minimises. A force that is not finite says that the Gaussian lies outside the domain.
class Objective {
public:
    virtual ~Objective() = default;
    [[nodiscard]] virtual double energy(const Gaussian& at) const = 0;
    [[nodiscard]] virtual AffineForce force(const Gaussian& at) const = 0;
};

/// f = KL(·|target): H = Σ̄⁻¹ - Σ⁻¹, b = Σ̄⁻¹(m - m̄).
class KullbackLeibler final : public Objective {
public:
    explicit KullbackLeibler(const Gaussian& target);
    [[nodiscard]] double energy(const Gaussian& at) const override;
    [[nodiscard]] AffineForce force(const Gaussian& at) const override;

private:
    Gaussian target_;
    Matrix precision_;
    double log_determinant_;
};

/// Linear two-layer network: x = (u, v), M = ∫uvᵀ, f = ½E|Mz - A⋆z|², z of covariance C. H = [[0,E],[Eᵀ,0]] with
/// E = (M - A⋆)C, b = H m. `teacher` is A⋆ (d_u×d_v); `inputs` is C, empty = identity.
class LinearNetwork final : public Objective {
public:
    explicit LinearNetwork(Matrix teacher, Matrix inputs = {});
    [[nodiscard]] double energy(const Gaussian& at) const override;
    [[nodiscard]] AffineForce force(const Gaussian& at) const override;

private:
    [[nodiscard]] Matrix residual(const Gaussian& at) const;
    Matrix teacher_, inputs_;
};

/// An objective given by two functions.
class CallbackObjective final : public Objective {
public:
    CallbackObjective(std::function<double(const Gaussian&)> energy, std::function<AffineForce(const Gaussian&)> force)
        : energy_(std::move(energy)), force_(std::move(force)) {}
    [[nodiscard]] double energy(const Gaussian& at) const override { return energy_(at); }
    [[nodiscard]] AffineForce force(const Gaussian& at) const override { return force_(at); }

private:
    std::function<double(const Gaussian&)> energy_;
    std::function<AffineForce(const Gaussian&)> force_;
};

struct FlowOptions {
    double rtol = 1e-8;      ///< error of a step, relative to the largest entry of mean and root covariance
    double rank_tol = 1e-6;  ///< singular values of the force below this part of its norm at the start count as zero
    int max_steps = 100000;  ///< accepted and rejected
};

template <class Visitor>
void visit_fields(FlowOptions& o, Visitor&& visit) {
    visit("rtol", o.rtol, "relative error of a step");
    visit("rank_tol", o.rank_tol,
          "singular values of the force below this part of its norm at the start count as zero");
    visit("max_steps", o.max_steps, "steps, accepted and rejected");
}

/// One row per accepted step.
struct Trajectory {
    Vector times;
    std::vector<Gaussian> gaussians;
    Vector energy;                   ///< f
    Vector dissipation;              ///< 𝒩² = N*(force)² = -df/dt
    Vector balance_residual;         ///< |f(0) - f(t) - ∫𝒩²|, the integral carried along by the integrator
    Vector event_times;              ///< where the force lost rank, in order
    std::vector<int> event_ranks;    ///< its numerical rank from then on
    Status status = Status::Solved;  ///< Stalled: the flow left the domain or the step fell below rounding
};

/// (ṁ, Σ̇) at one Gaussian, and 𝒩².
struct Velocity {
    Vector mean;
    Matrix covariance;
    double dissipation = 0.0;
    int rank = 0;
};
Velocity velocity(const Objective& objective, const Gaussian& at, const Gauge& gauge, double rank_tol = 1e-14);

/// Follows the flow to t_max. Integrated is a square root of the covariance, Ṙ = -PHR, Σ = RRᵀ: covariances are PSD by
/// construction. Where a singular value of the force falls below rank_tol the rank loss is located and the flow goes on
/// with P zero there. For gauges without a closed-form selector every right-hand side costs a small optimisation.
/// Throws InvalidArgument for bad Gaussians or options, and for a gauge that is not monotone.
///
///     const auto t = gaussian::flow(gaussian::KullbackLeibler(target), start, operator_gauge(), 5.0);
Trajectory flow(const Objective& objective, const Gaussian& start, const Gauge& gauge, double t_max,
                const FlowOptions& options = {}, const Observer& observer = {});

}  // namespace spectralot::gaussian
