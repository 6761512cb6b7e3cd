/// The restricted saddle problem min over w in the simplex of γ(Σ w_k S_k) = max over Q in K of min_k tr(Q S_k).
#pragma once

#include "spectralot/core/types.hpp"
#include "spectralot/gauge/gauge.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace spectralot {

struct MasterSolution {
    Vector weights;      ///< w in the simplex, one per atom
    Matrix metric;       ///< Q in K, central: stopped at the requested gap
    double upper = 0.0;  ///< γ(Σ w_k S_k)
    double lower = 0.0;  ///< min_k tr(Q S_k)
};

/// Solves the master to an absolute gap `tol` (or as far as double precision goes) by a primal-dual interior point
/// on the gauge's program, which goes on from where the last solve passed; a gauge without a program is handled
/// through conv{recorded active matrices}, which it returns.
class Master {
public:
    Master(const Gauge& gauge, int dimension);
    void add(const Matrix& moment) { moments_.push_back(moment); }
    [[nodiscard]] const std::vector<Matrix>& moments() const { return moments_; }
    MasterSolution solve(double tol);

private:
    struct Waypoint;
    MasterSolution solve_program(const GaugeProgram& program, double tol);

    Gauge gauge_;
    int dimension_;
    std::optional<GaugeProgram> program_;
    std::vector<Matrix> moments_;
    std::vector<Matrix> recorded_;  ///< active matrices of a gauge without program
    std::shared_ptr<const Waypoint> waypoint_;
};

}  // namespace spectralot
