/// The linear two-layer network in diagonal modes: two scalars per mode instead of a covariance (math.md §6).
///
/// Mode j has a = s+r, b = s-r ≥ 0 (eigenvalues of its 2×2 covariance), target β: with e = r-β, ψ(e) = e|e|^{q-2},
/// q = 2p/(2p-1), 𝒩^q = Σ|e|^q(a^{q/2}+b^{q/2}):  ȧ = -2𝒩^{2-q}ψ(e)a^{q/2},  ḃ = +2𝒩^{2-q}ψ(e)b^{q/2}.
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/core/types.hpp"

#include <vector>

namespace spectralot::gaussian {

struct ModalEvent {
    double time = 0.0;
    int mode = 0;
    enum class Kind {
        LostA,    ///< a reached zero and stays there
        LostB,    ///< b likewise
        Settled,  ///< p > 1: |r-β| fell below 100·rtol of its scale, and r stays there
    } kind = Kind::LostA;
};

struct ModalOptions {
    double rtol = 1e-10;     ///< error of a step
    int max_steps = 100000;  ///< accepted and rejected
};

/// One row per accepted step, one column per mode.
struct ModalTrajectory {
    Vector times;
    Points r, s;
    Points invariant;         ///< p = 1: ab; p > 1: a^η + b^η, η = 1-q/2. Constant in time while a, b > 0
    Vector energy;            ///< ½Σ(r-β)²
    Vector dissipation;       ///< 𝒩²
    Vector balance_residual;  ///< |f(0) - f(t) - ∫𝒩²|
    std::vector<ModalEvent> events;
    Status status = Status::Solved;
};

/// Integrates a^η and b^η (p = 1: log a and log b), in which the invariant is linear and kept to rounding, and which
/// reach zero with a finite speed: the loss of an eigenvalue is a located event, not a singularity. Throws
/// InvalidArgument for |r| > s, p < 1, different sizes, NaN.
///
///     const auto t = gaussian::modal_flow(r0, s0, beta, infinity, 18.0);
ModalTrajectory modal_flow(const Vector& r0, const Vector& s0, const Vector& beta, double p, double t_max,
                           const ModalOptions& options = {}, const CancelToken& cancel = {});

}  // namespace spectralot::gaussian
