/// The two kinds of leaves of a gauge's program, as the interior point sees them.
#pragma once

#include "saddle/curvature.hpp"
#include "spectralot/gauge/program.hpp"

#include <optional>
#include <utility>

namespace spectralot::saddle {

/// Point and Schatten leaves: φ is a differentiable function of S.
template <class Real>
struct SmoothGauge {
    using Matrix = RealMatrix<Real>;
    using Vector = RealVector<Real>;

    const GaugeLeaf* spec;
    Matrix gradient;

    explicit SmoothGauge(const GaugeLeaf& leaf) : spec(&leaf), gradient(leaf.point.template cast<Real>()) {}

    [[nodiscard]] bool is_linear() const { return spec->kind == GaugeLeaf::Kind::Point; }
    /// Moves the gradient to S, where φ is not linear.
    void differentiate(const Matrix& S);

    /// ∇²φ(S) there: pack(basisᵀ S_k basis, root), without its component along `along`, are the rows of a root of it.
    struct Second {
        Matrix basis, root;
        Vector along;
    };
    [[nodiscard]] Second second() const;

private:
    // Of the moment: eigenvalues, bounded away from zero, and eigenvectors; λ = φ q^(1/(p-1)).
    Vector lambda_, q_;
    Matrix vectors_;
};

/// With the atoms that it sees.
template <class Atoms>
struct SmoothLeaf : SmoothGauge<typename Atoms::Real> {
    using Real = typename Atoms::Real;
    using Vector = RealVector<Real>;
    using SmoothGauge<Real>::gradient, SmoothGauge<Real>::is_linear;

    typename Atoms::Part atoms;
    Real value = 0.0;
    Vector slopes;  // tr(gradient·S_k)

    SmoothLeaf(const GaugeLeaf& leaf, typename Atoms::Part part) : SmoothGauge<Real>(leaf), atoms(std::move(part)) {}

    /// Value, gradient and slopes at Σ w_k S_k.
    void update(const Vector& w) {
        if (!is_linear()) this->differentiate(atoms.combine(w));
        slopes = atoms.slopes(gradient);
        value = slopes.dot(w);  // φ is one-homogeneous
    }

    /// T with T Tᵀ = (<S_k, ∇²φ S_l>)_kl at the last update; nothing where φ is linear.
    [[nodiscard]] std::optional<LeafCurvature<Atoms>> curvature() const {
        if (is_linear()) return std::nullopt;
        auto [basis, root, along] = this->second();
        return LeafCurvature<Atoms>{atoms.turned(basis), std::move(root), std::move(along)};
    }
};

/// Iterate of a spectral leaf.
template <class Real>
struct SpectralPoint {
    Real theta = 0.0;
    RealMatrix<Real> Q, Z, R, V;

    template <class Wide>
    [[nodiscard]] SpectralPoint<Wide> cast() const {
        return {Wide(theta), Q.template cast<Wide>(), Z.template cast<Wide>(), R.template cast<Wide>(),
                V.template cast<Wide>()};
    }
};

/// Ky Fan leaf: φ = min kθ + tr V with Z = θI + V - S ⪰ 0, V ⪰ 0, and dual Q + R = t I, tr Q = k t.
/// For k = 1 the bound Q ⪯ tI is implied and V, R are absent.
template <class Real>
struct SpectralGauge : SpectralPoint<Real> {
    using Matrix = RealMatrix<Real>;
    using Vector = RealVector<Real>;
    using SpectralPoint<Real>::theta, SpectralPoint<Real>::Q, SpectralPoint<Real>::Z, SpectralPoint<Real>::R,
        SpectralPoint<Real>::V;

    const GaugeLeaf* spec;
    bool bounded;  // k > 1
    // Scaling points of (Q, Z) and (R, V), W1 = B Bᵀ and W2 = B diag(ω) Bᵀ, and the factors that eliminate
    // (dV, dZ, dQ, dR): F = 1/(1 + ωωᵀ), E = 1 - F, G = BᵀB, C = (BᵀB)⁻¹. In the basis of B, the scaled pairs
    // diag(values) are O₁ᵀ diag(values₁) O₁ and O₂ᵀ diag(values₂) O₂.
    ScalingPoint<Real> first, second;
    Matrix B, B_inverse, G, C, E, F, O1, O2;
    // Second-order terms of complementarity, in scaled coordinates.
    Matrix second_order1, second_order2;
    // Residuals, in the basis of B but for the first two, and direction.
    Matrix primal_defect, dual_defect, turned_defect, centring, lag;
    Real d_theta = 0.0;
    Matrix dQ, dZ, dR, dV;

    explicit SpectralGauge(const GaugeLeaf& leaf) : spec(&leaf), bounded(leaf.k > 1) {}

    /// At the moment S; t is the leaf's weight times its branch's τ.
    void start(const Matrix& S, Real t);

    [[nodiscard]] Real value() const { return spec->k * theta + V.trace(); }
    [[nodiscard]] Real complementarity() const { return inner(Q, Z) + (bounded ? inner(R, V) : 0.0); }
    [[nodiscard]] Index degree() const { return Q.rows() * (bounded ? 2 : 1); }

    /// Computes the scaling of the iterate; false when it is numerically singular.
    bool rescale();

    [[nodiscard]] Index curvature_size() const { return Q.rows() * (Q.rows() + 1) / 2; }
    /// P: how T pulls on θ, so that T·(this) = -tr(S_k B (E∘G) Bᵀ).
    [[nodiscard]] Vector theta_coupling() const { return -pack<Real>(G, E.cwiseSqrt()); }

    /// B M Bᵀ.
    [[nodiscard]] Matrix turned_back(const Matrix& M) const;

    /// Takes `share` of the second-order terms of the present direction into account from now on.
    void correct(Real share);

    /// Residuals at the moment S for complementarity target μ.
    void aim(Real mu, Real t, const Matrix& S);
    /// What dQ is, in the basis of B, while nothing else moves.
    [[nodiscard]] Matrix pull() const { return centring - lag - E.cwiseProduct(turned_defect); }

    /// (dQ, dZ, dR, dV) from the solution of the Newton system, u its part for this leaf; dt is the change of t.
    void direction(const Matrix& dS, const Vector& u, Real dt, Real dth);

    /// The nearest-in-spirit element of t·{0 ⪯ Q ⪯ I, tr Q = k}: clamp the eigenvalues after a common shift.
    [[nodiscard]] Matrix feasible_metric(Real t) const;
};

/// With the atoms that it sees.
template <class Atoms>
struct SpectralLeaf : SpectralGauge<typename Atoms::Real> {
    using Real = typename Atoms::Real;
    using Matrix = RealMatrix<Real>;
    using Vector = RealVector<Real>;
    using Gauge = SpectralGauge<Real>;

    typename Atoms::Part atoms;

    SpectralLeaf(const GaugeLeaf& leaf, typename Atoms::Part part) : Gauge(leaf), atoms(std::move(part)) {}

    void start(const Vector& w, Real t) { Gauge::start(atoms.combine(w), t); }
    void aim(Real mu, Real t, const Vector& w) { Gauge::aim(mu, t, atoms.combine(w)); }
    void direction(const Vector& dw, const Vector& u, Real dt, Real dth) {
        Gauge::direction(atoms.combine(dw), u, dt, dth);
    }

    /// T with T Tᵀ = (tr(S_k W S_l W))_kl for the scaling of the iterate (of both cones, if bounded).
    [[nodiscard]] LeafCurvature<Atoms> curvature() const { return {atoms.turned(Gauge::B), Gauge::E.cwiseSqrt()}; }
    /// tr(BᵀS_kB M) for every atom.
    [[nodiscard]] Vector turned_slopes(const Matrix& M) const { return atoms.slopes(Gauge::turned_back(M)); }
};

}  // namespace spectralot::saddle
