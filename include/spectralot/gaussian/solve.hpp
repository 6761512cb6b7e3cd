/// The generalized Bures cost: W_γ² between two Gaussians, with a certificate (math.md §4).
///
/// W_γ² = min over contractions C of γ(δδᵀ+Σ0+Σ1-A-Aᵀ), A = Σ0^{1/2} C Σ1^{1/2}, δ = m1-m0
///      = max over Q in K of δᵀQδ + tr Q(Σ0+Σ1) - 2‖Σ0^{1/2} Q Σ1^{1/2}‖_*.
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/gauge/gauges.hpp"
#include "spectralot/gaussian/gaussian.hpp"

namespace spectralot::gaussian {

struct GaussianOptions {
    double tol = 1e-9;   ///< certified relative gap (upper - lower)/upper of the squared cost at which to stop
    int max_iter = 500;  ///< metrics tried, each one singular value decomposition of a d×d matrix
};

template <class Visitor>
void visit_fields(GaussianOptions& o, Visitor&& visit) {
    visit("tol", o.tol, "certified relative gap of the squared cost at which to stop");
    visit("max_iter", o.max_iter, "metrics tried, each one singular value decomposition");
}

struct GaussianResult {
    double value = 0.0;       ///< W_γ² (squared): the upper end of the certificate
    Certificate certificate;  ///< lower ≤ W_γ² ≤ upper, proved for the exact input doubles
    bool converged = false;   ///< relative gap ≤ tol, or zero to rounding
    Status status = Status::IterationLimit;
    int n_iter = 0;
    double seconds = 0.0;
    Matrix cross_covariance;  ///< A = E[(X-m0)(Y-m1)ᵀ] of the coupling that proves `upper`
    Matrix metric;            ///< Q in K that proves `lower`
    Matrix moment;            ///< second moment of Y-X under that coupling

    [[nodiscard]] double distance() const;  ///< W_γ = √value
    void require_solved() const;            ///< throws NotSolved unless converged
};

/// Any gauge with a convex static problem, any means, singular covariances. For fixed Q the best C is the polar factor
/// of Σ0^{1/2}QΣ1^{1/2}, so linear gauges take one decomposition. p = ∞ first tries metrics of rank one. Schatten and
/// Ky Fan gauges follow the central path of the concave dual by a truncated Newton method (7 metrics at p = 2, 15 at 4,
/// 40 for Ky Fan; hundreds where the best coupling splits mass); others mix couplings by cutting planes. O(d³) per
/// metric. The ends are moved outwards by the rounding of the evaluation, of order d·eps·(√trΣ0+√trΣ1)·W: Gaussians
/// closer than that are `ZeroToRounding`. Throws InvalidArgument for bad input, naming m0, S0, m1 or S1, and for
/// Schatten p < 1.
///
///     const auto r = gaussian::solve({m0, S0}, {m1, S1}, Schatten{.p = 2.0});
///     r.value, r.certificate.lower, r.metric
GaussianResult solve(const Gaussian& mu, const Gaussian& nu, const Gauge& gauge, const GaussianOptions& options = {},
                     const Observer& observer = {});

/// W_γ (not squared). Throws NotSolved when the certificate does not close.
double distance(const Gaussian& mu, const Gaussian& nu, const Gauge& gauge, const GaussianOptions& options = {});

/// The Gaussian at time t of the displacement interpolation (1-t)X + tY under the coupling of a result: mean
/// (1-t)m0+t·m1, covariance (1-t)²Σ0+t²Σ1+t(1-t)(A+Aᵀ). A constant-speed geodesic of W_γ for monotone γ. Throws
/// InvalidArgument for t outside [0, 1] or a gauge that is not monotone.
Gaussian geodesic(const Gaussian& mu, const Gaussian& nu, const Gauge& gauge, const Matrix& cross_covariance, double t);

/// The affine map x ↦ mean_image + T(x - m0), T = AᵀΣ0⁻¹ (d×d), that the coupling follows where it is one: Σ0 positive
/// definite and TΣ0Tᵀ = Σ1 to 1e-8 relative. Throws InvalidArgument otherwise.
Matrix affine_map(const Gaussian& mu, const Gaussian& nu, const Matrix& cross_covariance);

}  // namespace spectralot::gaussian
