/// Barycenters: min over probability measures ν of Σ λ_i W_γ²(ν, N_i), reached at a Gaussian.
///
/// = max over Q_i in K of D(Q) = min_ν Σ λ_i W_{Q_i}²(ν, N_i), convex in the mean and covariance of ν, concave in Q. A
/// point ν proves the upper end; metrics Q_i and any W_i ≻ 0 with Σ λ_i (Q_i - Q_iF_iW_i⁻¹F_iᵀQ_i) ⪰ 0, Σ_i = F_iF_iᵀ,
/// the lower end Σ λ_i (tr Q_iΣ_i - tr W_i) + min over m of Σ λ_i (m-m_i)ᵀQ_i(m-m_i).
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/gauge/gauges.hpp"
#include "spectralot/gaussian/gaussian.hpp"

#include <vector>

namespace spectralot::gaussian {

struct BarycenterOptions {
    double tol = 1e-6;   ///< certified relative gap (upper - lower)/upper of the value at which to stop
    int max_iter = 200;  ///< steps, each one equation or Gaussian problem per component
};

template <class Visitor>
void visit_fields(BarycenterOptions& o, Visitor&& visit) {
    visit("tol", o.tol, "certified relative gap of the value at which to stop");
    visit("max_iter", o.max_iter, "steps, each one equation or Gaussian problem per component");
}

struct BarycenterResult {
    Gaussian gaussian;        ///< the best point found
    double value = 0.0;       ///< no less than Σ λ_i W_γ²(gaussian, N_i): the upper end of the certificate
    Certificate certificate;  ///< of the least value
    bool converged = false;   ///< relative gap ≤ tol, or zero to rounding
    Status status = Status::IterationLimit;
    int n_iter = 0;
    double seconds = 0.0;
    std::vector<Matrix> metrics;  ///< the Q_i that prove `lower`

    [[nodiscard]] double distance() const;  ///< √value
};

/// Schatten p > 2 and Ky Fan gauges, the operator norm among them, up to d = 50: an interior point for the saddle in
/// (ν, Q), 20 to 55 steps (130 for singular components), each O(k d⁶). Others: an ascent of D along Q_i → the metric
/// best for W_γ(ν, N_i), ν the minimiser for the Q_i at hand (for p = 1 the fixed point of Álvarez-Esteban et al.
/// 2016); fewer digits for sums with corners. Both ends are proved, their rounding included. `weights` λ: normalised
/// inside, empty = uniform. Throws InvalidArgument for bad input and for gauges that are not monotone.
///
///     const auto b = gaussian::barycenter({n0, n1, n2}, {}, Schatten{.p = 2.0});
BarycenterResult barycenter(const std::vector<Gaussian>& given, const Vector& weights, const Gauge& gauge,
                            const BarycenterOptions& options = {}, const Observer& observer = {});

}  // namespace spectralot::gaussian
