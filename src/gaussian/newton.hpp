/// What the ascents of the dual share: Newton's equation for h(Q) - r(Q), h the dual function of a pair and r a sum
/// over the eigenvalues of Q.
///
/// With the coupling U diag(c) Vᵀ, -h''[H] = P K Rᵀ + R Kᵀ Pᵀ + …, P = F0 U, R = F1 V, X = PᵀHR,
/// K_ij = ½(X_ij - X_ji)(c_i + c_j)/(s_i + s_j) + ½(X_ij + X_ji)(c_i - c_j)/(s_i - s_j). For a polar factor, c = 1,
/// only the antisymmetric part is left.
#pragma once

#include "gaussian/couple.hpp"

#include <limits>

namespace spectralot::gaussian {

/// -h'' at `scale` times the metric of a coupling, in the eigenbasis of that metric.
class Curvature {
public:
    Curvature(const Pair& pair, const Coupling& at, double scale, const Matrix& basis);
    [[nodiscard]] Matrix operator()(const Matrix& H) const;
    /// The contraction C + dC, dC its derivative along H: its second moment is exactly S + h''[H]. `at` as constructed.
    [[nodiscard]] Matrix moved(const Coupling& at, const Matrix& H) const;

private:
    [[nodiscard]] Matrix turned(const Matrix& H) const;  ///< K
    Matrix P_, R_, turning_, stretching_, unseen_;
    Vector gain_;  ///< c/s
    bool source_is_thin_ = true;
};

struct NewtonStep {
    Matrix step;         ///< H
    double slope = 0.0;  ///< tr(residual·H), without the cancellation of that sum where the residual has a multiplier
};

/// Solves (r'' - h'')[H] = residual by preconditioned conjugate gradients, to a thirtieth and to √goal; r'' multiplies
/// entry by entry by `weights` and is the preconditioner. `traceless`: tr H = 0.
NewtonStep newton_step(const Curvature& curvature, const Matrix& weights, const Matrix& residual, bool traceless,
                       double goal = std::numeric_limits<double>::infinity());

/// Divided differences of q ↦ q^a: (q_i^a - q_j^a)/(q_i - q_j), the derivative of Q ↦ Q^a in the eigenbasis of Q.
Matrix power_differences(const Vector& q, double a);

/// Smallest eigenvalue of H relative to scale: H_ij/√(scale_i scale_j).
double least_relative(const Matrix& H, const Vector& scale);

}  // namespace spectralot::gaussian
