/// The splitting on one grid: state, iteration, certificate.
#pragma once

#include "dynamic/bounds.hpp"
#include "dynamic/slice_prox.hpp"
#include "spectralot/core/status.hpp"

#include <chrono>

namespace spectralot::dynamic {

/// min F(Iu) over Du = 0, F the sum of the slices' actions, by the primal–dual method of Chambolle and Pock,
/// over-relaxed as by Condat:
///
///   û = projection of u - τIᵀw onto Du = 0,   ŵ = projection of w + σI(2û - u) onto B,   (u, w) += r(û - u, ŵ - w).
///
/// στ‖I‖² = 1. In units where the mean mass of a cell and the longest side are 1, all data are of order one.
class Iteration {
public:
    Iteration(const Layout& layout, const Gauge& gauge);

    /// The given masses at both ends; a straight path between them.
    void start(const Vector& rho_0, const Vector& rho_1);
    /// The solution on a grid of half the size, refined.
    void start_from(const Iteration& coarse, const Vector& rho_0, const Vector& rho_1);

    void advance();
    /// Improves both ends of the certificate from the present iterate.
    void certify();

    [[nodiscard]] Certificate bracket() const { return {.lower = lower_, .upper = best_.value}; }
    [[nodiscard]] const Layout& layout() const { return layout_; }
    [[nodiscard]] const StaggeredField& best_field() const { return best_u_; }
    [[nodiscard]] const UpperBound& best() const { return best_; }
    [[nodiscard]] const std::vector<Matrix>& best_metrics() const { return best_metrics_; }

private:
    void offer(const StaggeredField& u);
    [[nodiscard]] double mass_bound() const;

    const Layout& layout_;
    const Gauge& gauge_;
    std::unique_ptr<PoissonSolver> solver_;
    std::vector<SliceProx> prox_;
    StaggeredField u_, next_;
    CellField w_;
    Plane phi_;
    std::vector<Plane> scratch_;  // rows of one slice, per thread
    int n_steps_ = 0, climbed_at_ = 0;
    double floor_ = 1e-3;  ///< least mass of a cell in the field that proves the upper end
    double lower_ = 0.0;
    UpperBound best_;
    StaggeredField best_u_;
    std::vector<Matrix> best_metrics_;
};

}  // namespace spectralot::dynamic
