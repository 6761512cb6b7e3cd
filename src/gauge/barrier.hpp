/// Minimises a smooth convex function of Q over the set K of a gauge by following the central path of its program.
///
/// Every variable of the program (program_point.hpp) has its logarithmic barrier. Newton's equations are written in the
/// eigenbasis of each leaf and in coordinates relative to its eigenvalues, where the barrier of log det Q is the
/// identity: eigenvalues keep their relative accuracy however small they get. They are solved as a least-squares
/// problem: its condition number is the square root of theirs.
/// Cost of a step: O((d² + N)N²), N the number of variables (d(d+1)/2 per matrix leaf; d when everything is diagonal).
#pragma once

#include "gauge/program_point.hpp"

#include <functional>
#include <vector>

namespace spectralot::detail {

/// Second-order model of the objective at Q: f(Q + H) ≈ ½‖L H Rᵀ + residual‖² up to a constant.
struct LocalModel {
    Matrix left;   ///< L
    Matrix right;  ///< R
    Matrix residual;
};

class CentralPath {
public:
    using Objective = std::function<LocalModel(const CentralPath&)>;

    /// `diagonal`: all leaves are spectral on all coordinates and the objective only needs diagonal matrices.
    CentralPath(const GaugeProgram& program, bool diagonal);

    /// Calls `at_centre(path, μ·degree)` for every centred point, with μ decreasing, until it returns true or double
    /// precision ends. The second argument bounds the suboptimality of Q.
    void follow(const Objective& objective, const std::function<bool(const CentralPath&, double)>& at_centre);

    /// Q of the current point.
    [[nodiscard]] Matrix metric() const { return point_.metric(); }
    /// Upper triangular R with Q = RᵀR, from the leaves without forming Q: where Q is nearly singular R keeps the
    /// digits that Q has lost. Needs PSD points.
    [[nodiscard]] Matrix root() const;

private:
    using Leaf = LeafPoint;
    struct Direction {
        Vector step;
        double decrement = 0.0;  ///< Newton decrement in the metric of the barrier
    };

    [[nodiscard]] Matrix branch_points(int branch) const;
    [[nodiscard]] Matrix scaled_step(const Leaf& leaf, const Vector& step) const;
    [[nodiscard]] Matrix scaled_room_step(const Leaf& leaf, const Matrix& Y, const Vector& step) const;
    [[nodiscard]] Index slack_unknown(const Leaf& leaf) const;
    [[nodiscard]] Matrix null_space() const;
    Direction newton(const Objective& objective, double target_mu, double barrier_mu) const;
    double longest_step(const Vector& step) const;
    void move(const Vector& step, double length);
    template <class Visit>
    void for_each_pair(const Leaf& leaf, Visit visit) const;

    ProgramPoint point_;
    bool diagonal_;
    std::vector<Matrix> point_roots_;  ///< F with FFᵀ = weight·point, one per leaf of the program (empty otherwise)
    Index n_unknowns_ = 0;
};

/// Whether K is invariant under rotations by the form of its program: only spectral leaves on all coordinates.
bool is_spectral(const GaugeProgram& program);

}  // namespace spectralot::detail
