/// The two kinds of leaves of a gauge's program, as the interior point sees them.
#pragma once

#include "saddle/cone.hpp"
#include "spectralot/gauge/program.hpp"

#include <utility>
#include <vector>

namespace spectralot::saddle {

/// Point and Schatten leaves: φ is a differentiable function of S.
template <class Real>
struct SmoothLeaf {
    using Matrix = RealMatrix<Real>;
    using Vector = RealVector<Real>;

    const GaugeLeaf* spec;
    std::vector<Matrix> atoms;  // blocks of the moments
    Real value = 0.0;
    Matrix gradient;
    Vector slopes;     // tr(gradient·atom_k)
    Matrix curvature;  // rows pack to the Hessian: tᵀt = <S_k, ∇²φ S_j>, but for the rank-one part
    Real radial = 0.0;  // ∇²φ = curvature - radial·gradient⊗gradient

    SmoothLeaf(const GaugeLeaf& leaf, std::vector<Matrix> blocks) : spec(&leaf), atoms(std::move(blocks)) {}

    /// Value, gradient and curvature at Σ w_k S_k.
    void update(const Vector& w);
};

/// Ky Fan leaf: φ = min kθ + tr V with Z = θI + V - S ⪰ 0, V ⪰ 0, and dual Q + R = t I, tr Q = k t.
/// For k = 1 the bound Q ⪯ tI is implied and V, R are absent.
template <class Real>
struct SpectralLeaf {
    using Matrix = RealMatrix<Real>;
    using Vector = RealVector<Real>;

    const GaugeLeaf* spec;
    std::vector<Matrix> atoms;
    bool bounded;  // k > 1
    Real theta = 0.0;
    Matrix Q, Z, R, V;
    // Scaling of the iterate, W1 = B Bᵀ and W2 = B diag(ω) Bᵀ, and the factors that eliminate (dV, dZ, dQ, dR):
    // F = 1/(1 + ωωᵀ), E = 1 - F, G = BᵀB, C = (BᵀB)⁻¹ in the basis of B.
    Matrix B, B_inverse, G, C, E, F, rows;
    std::vector<Matrix> turned;  // Bᵀ S_k B
    // Residuals and direction.
    Matrix r1, r2, primal_defect, dual_defect, rho, turned_defect;
    Real d_theta = 0.0;
    Matrix dQ, dZ, dR, dV;

    SpectralLeaf(const GaugeLeaf& leaf, std::vector<Matrix> blocks)
        : spec(&leaf), atoms(std::move(blocks)), bounded(leaf.k > 1) {}

    /// Σ w_k S_k on the leaf's block.
    [[nodiscard]] Matrix combine(const Vector& w) const;

    void start(const Vector& w, Real t);

    [[nodiscard]] Real value() const { return spec->k * theta + V.trace(); }
    [[nodiscard]] Real complementarity() const { return inner(Q, Z) + (bounded ? inner(R, V) : 0.0); }
    [[nodiscard]] Index degree() const { return Q.rows() * (bounded ? 2 : 1); }

    /// Computes the scaling of the iterate; false when it is numerically singular.
    bool rescale();

    /// Residuals for complementarity target μ; t is the leaf's weight times its branch's τ.
    void aim(Real mu, Real t, const Vector& w);

    /// (dQ, dZ, dR, dV) from the solution of the reduced system; dt is the change of t.
    void direction(const Vector& dw, Real dt, Real dth);

    /// The nearest-in-spirit element of t·{0 ⪯ Q ⪯ I, tr Q = k}: clamp the eigenvalues after a common shift.
    [[nodiscard]] Matrix feasible_metric(Real t) const;
};

}  // namespace spectralot::saddle
