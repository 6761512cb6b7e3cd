/// Primal-dual interior point for min γ(Σ w_k S_k) over w ≥ 0, N w = r, with γ given by its program (math.md §1, §3).
///
/// Unknowns: w with slacks s = tr(Q S_k) - (Nᵀφ)_k; the weights τ of the branches with slacks u = M - h; the maxima M;
/// and the pairs (Q, Z), (R, V) and θ of the spectral leaves.
#pragma once

#include "saddle/leaves.hpp"
#include "saddle/newton.hpp"

#include <utility>
#include <vector>

namespace spectralot::saddle {

template <class Atoms>
struct NewtonFor;
template <class Real>
struct NewtonFor<PlanAtoms<Real>> {
    using Type = PlanNewton<Real>;
};
template <class Real>
struct NewtonFor<ArcAtoms<Real>> {
    using Type = ArcNewton<Real>;
};

/// The part of an iterate that does not depend on the atoms: another problem with the same program can start from it.
template <class Real>
struct GaugePoint {
    RealVector<Real> tau, u, maxima;
    std::vector<SpectralPoint<Real>> spectral;

    template <class Wide>
    [[nodiscard]] GaugePoint<Wide> cast() const {
        GaugePoint<Wide> wide{tau.template cast<Wide>(), u.template cast<Wide>(), maxima.template cast<Wide>(), {}};
        for (const SpectralPoint<Real>& leaf : spectral) wide.spectral.push_back(leaf.template cast<Wide>());
        return wide;
    }
};

/// Where a step leads when it is taken in full length, across the boundary: the equations hold there to rounding, and
/// the gap is that of the next iterate. Masses and metric are brought back to their cones.
template <class Real>
struct Aim {
    RealVector<Real> masses, multipliers;
    RealMatrix<Real> metric;  ///< in K
};

template <class Atoms>
class InteriorPoint {
public:
    using Real = typename Atoms::Real;
    using Matrix = RealMatrix<Real>;
    using Vector = RealVector<Real>;

    /// `atoms` and `program` must outlive it. Starts far from the boundary, at equal weights in the simplex.
    InteriorPoint(const GaugeProgram& program, const Atoms& atoms);
    /// Starts from given masses, slacks, multipliers and gauge variables.
    InteriorPoint(const GaugeProgram& program, const Atoms& atoms, Vector w, Vector s, Vector phi,
                  GaugePoint<Real> gauge);

    /// One predictor-corrector iteration; false when Real precision is exhausted.
    bool advance();

    /// After the atoms have changed: the new masses and slacks.
    void replace_atoms(Vector w, Vector s);

    [[nodiscard]] const Vector& masses() const { return w_; }
    [[nodiscard]] const Vector& slacks() const { return s_; }
    [[nodiscard]] const Vector& multipliers() const { return phi_; }
    [[nodiscard]] GaugePoint<Real> gauge_point() const;
    /// The element of K that the dual point stands for.
    [[nodiscard]] Matrix metric() const;
    /// Of the last step, until the atoms change.
    [[nodiscard]] Aim<Real> aim() const;
    /// Sum of the products of complementary variables and their number: the distance to the optimum, once feasible.
    [[nodiscard]] Real complementarity() const;
    [[nodiscard]] Index degree() const;
    [[nodiscard]] Real last_step() const { return last_step_; }

private:
    [[nodiscard]] Real branch_weight(int branch) const { return branch == 0 ? Real(1) : tau_(branch - 1); }
    [[nodiscard]] Index at_branch(int branch) const { return branch - 1; }
    [[nodiscard]] Index at_maximum(Index maximum) const { return n_branches_ + maximum; }
    [[nodiscard]] Index at_theta(std::size_t leaf) const { return n_branches_ + n_maxima_ + Index(leaf); }
    [[nodiscard]] Index n_corner() const { return n_branches_ + n_maxima_ + Index(spectral_.size()); }

    void make_leaves();
    void start();
    /// h_v for every branch, root included: what each branch adds up to at the current primal point.
    [[nodiscard]] Vector branch_values() const;
    /// tr(Q S_k) with the current, possibly infeasible, dual point.
    [[nodiscard]] Vector atom_slopes() const;
    [[nodiscard]] Real complementarity_after(Real primal, Real dual) const;
    void factor();
    /// Newton direction towards complementarity μ, with the second-order terms set beforehand.
    bool solve_direction(Real mu);
    bool correct_centrality(Real target);
    [[nodiscard]] bool spoils_equations(Real step) const;
    /// Longest primal and dual steps inside the cones (at most 1).
    [[nodiscard]] std::pair<Real, Real> step_lengths() const;
    /// Σ weights_k |tr(Q S_k) - (Nᵀφ)_k - s_k|: zero but for the curvature of the leaves.
    [[nodiscard]] Real stationarity_error(const Vector& weights) const;
    void move_curved(Real target);
    void move(Real primal, Real dual);
    /// τ with the sums of every maximum put exactly right, root first.
    [[nodiscard]] Vector feasible_branch_weights(const Vector& tau) const;
    /// The element of K put together from those of the leaves: gradient(leaf) and part(leaf, t).
    template <class Gradient, class Part>
    [[nodiscard]] Matrix assemble_metric(const Vector& tau, Gradient gradient, Part part) const;

    const GaugeProgram& program_;
    const Atoms& atoms_;
    Index n_branches_, n_maxima_;
    std::vector<SmoothLeaf<Atoms>> smooth_;
    std::vector<SpectralLeaf<Atoms>> spectral_;
    bool curved_ = false;  // some gradient moves with w: the Newton step needs a line search
    Real last_step_ = 1.0, primal_step_ = 1.0, dual_step_ = 1.0;  // the shorter of the two, and both
    Vector w_, s_, phi_, tau_, u_, maxima_;
    Vector dw_, ds_, dphi_, dtau_, du_, d_maxima_;
    Vector second_w_, second_branch_;  // products of the changes of complementary variables, to be made up for
    Index first_spectral_ = 0;         // column of T at which those of the spectral leaves begin
    typename NewtonFor<Atoms>::Type newton_;
};

}  // namespace spectralot::saddle
