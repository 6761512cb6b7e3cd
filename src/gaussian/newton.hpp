/// What the ascents of the dual share: Newton's equation for h(Q) - r(Q), h the dual function of a pair and r a sum
/// over the eigenvalues of Q.
///
/// h'' sees antisymmetric matrices only: with the polar factor UVᵀ of F0ᵀQF1,
/// -h''[H] = P K Rᵀ + R Kᵀ Pᵀ + …, P = F0 U, R = F1 V, X = PᵀHR, K_ij = (X_ij - X_ji)/(s_i + s_j).
#pragma once

#include "gaussian/couple.hpp"

namespace spectralot::gaussian {

/// -h'' at `scale` times the metric of a coupling, in the eigenbasis of that metric.
class Curvature {
public:
    Curvature(const Pair& pair, const Coupling& at, double scale, const Matrix& basis);
    [[nodiscard]] Matrix operator()(const Matrix& H) const;

private:
    Matrix P_, R_, sums_, rest_, spread_;
};

/// Solves (r'' - h'')[H] = residual to a thirtieth by preconditioned conjugate gradients; r'' multiplies entry by entry by
/// `weights` and is the preconditioner. `traceless`: tr H = 0.
Matrix newton_step(const Curvature& curvature, const Matrix& weights, const Matrix& residual, bool traceless);

/// Smallest eigenvalue of H relative to scale: H_ij/√(scale_i scale_j).
double least_relative(const Matrix& H, const Vector& scale);

}  // namespace spectralot::gaussian
