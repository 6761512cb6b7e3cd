/// The master over single arcs: min γ(Σ w_k D_k D_kᵀ) over arc masses w ≥ 0 with the marginals of both measures, for a
/// growing set of arcs. Where whole plans are poor atoms (high dimension), this is what closes the gap.
#pragma once

#include "saddle/interior_point.hpp"

#include <memory>

namespace spectralot::saddle {

/// Pairs (row, col) with the slack (y_j-x_i)ᵀQ(y_j-x_i) - f_i - g_j they have now and the mass they start with.
struct ArcList {
    std::vector<int> row;
    std::vector<int> col;
    std::vector<double> slack;
    std::vector<double> mass;
};

class ArcMaster {
public:
    /// `x`, `y`: points of positive mass; `a`, `b`: their masses, sums one. Solves the master over whole plans first,
    /// to the absolute gap `tol`: the end of its central path is where the arcs will start.
    ArcMaster(const GaugeProgram& program, const Points& x, const Points& y, const Vector& a, const Vector& b,
              const std::vector<Matrix>& plan_moments, double tol);
    ArcMaster(const ArcMaster&) = delete;
    ArcMaster& operator=(const ArcMaster&) = delete;
    ~ArcMaster() = default;

    [[nodiscard]] const Vector& plan_weights() const { return plan_path_.back().weights; }
    /// Back on the plans' central path to a gap a hundred times as large: a start too near the boundary for arcs cuts
    /// their steps short. False at the beginning of the path.
    bool retreat();
    /// Q in K, at any time.
    [[nodiscard]] Matrix metric() const;

    /// Begins with these arcs, sorted by (row, col), and the potentials their slacks belong to.
    void start(ArcList arcs, const Vector& f, const Vector& g);
    /// One interior-point iteration, in double and, where that is exhausted and the problem small, in long double;
    /// false when precision is exhausted for good.
    bool advance();
    /// Adds the arcs that are not there yet, sorted by (row, col); their masses are chosen here.
    void add(const ArcList& arcs);

    [[nodiscard]] const std::vector<int>& rows() const { return atoms_.rows(); }
    [[nodiscard]] const std::vector<int>& cols() const { return atoms_.cols(); }
    [[nodiscard]] Vector masses() const;
    /// Of the last iteration, until arcs are added: nearer to the optimum than the iterate.
    [[nodiscard]] Aim<double> aim() const;
    [[nodiscard]] Vector row_potentials() const { return scale_ * multipliers().head(atoms_.n_rows()); }
    [[nodiscard]] Vector col_potentials() const { return scale_ * multipliers().tail(atoms_.n_cols()); }
    /// Σ |marginals of w - (a, b)|.
    [[nodiscard]] double infeasibility() const { return atoms_.defect(masses()).lpNorm<1>(); }
    /// Gap between primal and dual over the arcs there are, once feasible.
    [[nodiscard]] double gap() const;
    [[nodiscard]] double last_step() const;

private:
    template <class Real>
    using Iterate = InteriorPoint<ArcAtoms<Real>>;

    [[nodiscard]] Vector multipliers() const;
    [[nodiscard]] Points displacements(const std::vector<int>& row, const std::vector<int>& col) const;
    template <class Real>
    void grow(ArcAtoms<Real>& atoms, Iterate<Real>& iterate, const ArcList& arcs) const;
    [[nodiscard]] bool is_small() const;
    void widen();

    const GaugeProgram& program_;
    Points x_, y_;
    double scale_;  // squared unit of the caller in which the problem has size one
    struct PlanPoint {
        Vector weights;
        Matrix metric;
        double mu;
        GaugePoint<double> gauge;
    };
    std::vector<PlanPoint> plan_path_;
    ArcAtoms<double> atoms_;
    ArcAtoms<long double> wide_atoms_;
    std::unique_ptr<Iterate<double>> iterate_;
    std::unique_ptr<Iterate<long double>> wide_;  // takes over when present
};

}  // namespace spectralot::saddle
