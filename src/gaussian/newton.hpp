/// What the ascents of the dual share: Newton's equation for h(Q) - r(Q), h the dual function of a pair and r a sum
/// over the eigenvalues of Q.
///
/// With the coupling U diag(c) Vᵀ, -h''[H] = P K Rᵀ + R Kᵀ Pᵀ + …, P = F0 U, R = F1 V, X = PᵀHR,
/// K_ij = ½(X_ij - X_ji)(c_i + c_j)/(s_i + s_j) + ½(X_ij + X_ji)(c_i - c_j)/(s_i - s_j). For a polar factor, c = 1,
/// only the antisymmetric part is left.
#pragma once

#include "gaussian/couple.hpp"

#include <algorithm>
#include <cmath>
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

/// What conjugate gradients found of the solution of a positive definite equation, in whatever space.
template <class X>
struct Descent {
    X step;
    double slope = 0.0;    ///< <residual, step>
    bool reached = false;  ///< the goal
};

/// Until the preconditioned residual² falls below `goal` and a thirtieth of it remains. `precondition(r)` returns z
/// and may take multipliers out of r; the step stays in the space of the z.
template <class X, class Image, class Precondition>
Descent<X> conjugate_gradients(const Image& image_of, const Precondition& precondition, X r, double goal,
                               int max_steps) {
    constexpr double relative = 0.03;
    Descent<X> result{X::Zero(r.rows(), r.cols())};
    X z = precondition(r), p = z;
    double rz = r.cwiseProduct(z).sum();
    goal = std::min(goal, relative * relative * rz);
    for (int i = 0; i < max_steps && rz > goal; ++i) {
        const X image = image_of(p);
        const double length = rz / p.cwiseProduct(image).sum();
        if (!(length > 0.0) || std::isinf(length)) return result;
        result.step += length * p;
        result.slope += length * rz;
        r -= length * image;
        z = precondition(r);
        const double next = r.cwiseProduct(z).sum();
        p = z + next / rz * p;
        rz = next;
    }
    result.reached = rz <= goal;
    return result;
}

/// Divided differences of q ↦ q^a: (q_i^a - q_j^a)/(q_i - q_j), the derivative of Q ↦ Q^a in the eigenbasis of Q.
Matrix power_differences(const Vector& q, double a);

/// Smallest eigenvalue of H relative to scale: H_ij/√(scale_i scale_j).
double least_relative(const Matrix& H, const Vector& scale);

}  // namespace spectralot::gaussian
