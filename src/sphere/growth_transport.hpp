/// Unbalanced transport at a fixed metric: with K_ij = (ω_iᵀQω'_j)_+,
///     max Σ 2√(A_ij B_ij) K_ij over A, B ≥ 0 with row sums a and column sums b
///   = min Σ a_i u_i + Σ b_j v_j over u, v ≥ 0 with u_i v_j ≥ K_ij².
///
/// In α = log u and β = log v the dual is convex with linear constraints α_i + β_j ≥ 2 log K_ij, and its multipliers
/// P_ij are a transport plan from a_i u_i to b_j v_j. Any P ≥ 0 gives a coupling: A_ij = a_i P_ij / Σ_j P_ij,
/// B_ij = b_j P_ij / Σ_i P_ij.
#pragma once

#include "spectralot/core/observer.hpp"
#include "sphere/pairs.hpp"
#include "sphere/reduced_pair.hpp"

namespace spectralot::sphere {

class GrowthTransport {
public:
    GrowthTransport(const SphericalMeasure& nu0, const SphericalMeasure& nu1) : pair_(nu0, nu1) {}

    [[nodiscard]] const ReducedPair& pair() const { return pair_; }

    struct Solution {
        Coupling coupling;            ///< row sums at most ν0, column sums at most ν1, to rounding
        GrowthPotentials potentials;  ///< feasible for all pairs, to rounding; 0 at atoms of mass zero
        int n_steps = 0;              ///< of the interior point
    };
    /// To a gap between the two sides of `tol` relative to the dual value, or as far as double precision goes; where
    /// cancelled, with what there is.
    Solution solve(const Matrix& metric, double tol, const CancelToken& cancel = {});

private:
    struct Iterate {
        Vector alpha, beta;                     // -infinity: no partner
        PairList arcs;                          // sorted
        std::vector<double> cost, slack, flow;  // -2 log K, α_i + β_j + cost > 0, P > 0
    };
    /// Where an iterate stands.
    struct State {
        Vector nodes;               // a u and b v: what the flow should be at every atom
        double mu = 0.0;            // mean of slack times flow
        double near = 0.0;          // slack at which a pair outside joins
        double relative_gap = 0.0;  // between the two sides
    };
    struct Step {
        Vector phi;                       // of α and β
        std::vector<double> slack, flow;  // per arc
    };
    class Newton;

    void embed(const Matrix& metric);
    void start(const CancelToken& cancel);
    void add_arcs(const PairList& found, double mu);
    void update_slacks();
    [[nodiscard]] State measure() const;
    /// Towards products of `target`, with the second-order terms of the predictor if there is one.
    [[nodiscard]] Step direction(const Newton& newton, const State& state, double target, const Step* predictor) const;
    [[nodiscard]] double corrected_target(const Step& predictor, double mu) const;
    /// Pairs outside that would be nearly tight after a step of this length; where they would be violated the length
    /// is cut, and they are those of the shorter step.
    [[nodiscard]] PairList joining_pairs(const Vector& phi, double near, double& length) const;
    [[nodiscard]] PairList tight_pairs(const Vector& alpha, const Vector& beta, int cap, double slack) const;
    [[nodiscard]] double product(int i, int j) const { return pair_.x.row(i).dot(z_.row(j)); }
    [[nodiscard]] Solution finish() const;

    ReducedPair pair_;
    Points z_;            // yQ
    double norm_ = 0.0;   // at least the norm of Q: no K is larger
    double floor_ = 0.0;  // K at most this is rounding
    Iterate at_;
};

}  // namespace spectralot::sphere
