/// The saddle problem over the metric Q and the potentials at once, for the set K of a gauge's program, by a
/// primal–dual interior point on the pairs that are nearly tight:
///
///     min Σ a_i u_i + Σ b_j v_j - tr(Q S0)   over   2√(u_i v_j) - 2 x_iᵀQy_j ≥ 0   (multipliers C_ij),   Q in K,
///
/// S0 = Σ a_i x_i x_iᵀ + Σ b_j y_j y_jᵀ. The unknowns are α = log u and β = log v, in which each atom has its own unit,
/// and those of the metric (metric_path.hpp), which answer the moment S = S0 - ΣC(xyᵀ + yxᵀ). Stationarity says
/// a_i u_i = Σ_j P_ij, b_j v_j = Σ_i P_ij with P = C√(u v).
///
/// One path for the whole solve instead of one transport for each metric: fifteen to sixty steps. It starts with a few
/// pairs for every atom (soft_transport.hpp) and prices all pairs at every step: those that a step would make nearly
/// tight join, and where it would exhaust one of them the direction is computed again, with the pair in it. For N pairs
/// in use, some ten for every atom, a step costs O(nmd + N²/n + m³ + m²d² + Nd⁴ + d⁶), for d⁶ the cube of the number of
/// the metric's unknowns, and the memory is O(N + m² + md² + d⁴).
#pragma once

#include "spectralot/core/observer.hpp"
#include "sphere/metric_path.hpp"
#include "sphere/pairs.hpp"
#include "sphere/reduced_pair.hpp"

#include <Eigen/SparseCore>

namespace spectralot::sphere {

class CentralPath {
public:
    /// Is the problem small enough to price and to factor, and are its masses well enough scaled?
    static bool suits(const ReducedPair& pair, const GaugeProgram& program);

    /// Starts from a softened transport at the isotropic metric. `norm`: of no Q in K is the norm larger.
    CentralPath(const ReducedPair& pair, const GaugeProgram& program, double norm, CancelToken cancel);

    /// One predictor–corrector step; false when precision is exhausted, or when cancelled before it is found.
    bool advance();

    [[nodiscard]] Matrix metric() const;                ///< in K, to rounding
    [[nodiscard]] GrowthPotentials potentials() const;  ///< feasible for `metric` and all pairs, to rounding
    [[nodiscard]] Coupling coupling() const;            ///< on all pairs in use
    [[nodiscard]] Matrix moment() const;                ///< of it, in plain sums

private:
    struct Step {
        Vector phi;  // of α and β
        Vector C, slack;
        MetricPath::Step metric;
    };
    class Newton;

    using PairMatrix = Eigen::Map<const Eigen::SparseMatrix<double, Eigen::RowMajor>>;
    [[nodiscard]] PairMatrix matrix(const Vector& values) const;  // a number for each pair in use
    [[nodiscard]] Vector pair_sums(const Vector& phi) const;      // φ_i + φ_{n+j}
    [[nodiscard]] Vector atom_sums(const Vector& values) const;   // over the pairs of every atom
    [[nodiscard]] Vector products(const Matrix& Q) const;         // x_iᵀQy_j
    [[nodiscard]] double near() const;                            // slack over √(u v) at which pairs join
    [[nodiscard]] bool exhausts(const PairList& pairs, const Matrix& Q, const Vector& alpha, const Vector& beta) const;
    void join(const PairList& found);
    [[nodiscard]] Step corrected_step(const Newton& newton) const;

    void update();
    [[nodiscard]] double degree() const;
    /// Towards products of `target`, with this share of the second-order terms of the predictor if there is one.
    [[nodiscard]] Step direction(const Newton& newton, double target, const Step* predictor, double share) const;
    [[nodiscard]] std::pair<double, double> lengths(const Step& step, double share) const;

    const ReducedPair& pair_;
    CancelToken cancel_;
    double emphasis_ = 1.0;  // of the metric's products beside the many of pairs
    Matrix S0_;
    Vector alpha_, beta_;
    MetricPath metric_;
    PairList arcs_;           // the pairs in use, sorted
    std::vector<int> first_;  // of every row
    Vector C_, slack_;        // slacks are variables of their own: what the exponentials bend is made up for later
    // At the present point:
    Vector u_, v_, nodes_;  // nodes: a u and b v
    Vector e_, K_;          // √(u v) and xᵀQy
    double mu_ = 0.0;       // mean product of complementary variables
};

}  // namespace spectralot::sphere
