/// Primal-dual interior point for min over the simplex of γ(Σ w_k S_k), γ given by its program (math.md §1, §3).
#pragma once

#include "spectralot/core/types.hpp"
#include "spectralot/gauge/program.hpp"

#include <vector>

namespace spectralot::saddle {

/// One primal and one dual point; both are feasible whatever the accuracy, so γ(Σ w_k S_k) and min_k tr(Q S_k)
/// always bracket the optimum.
struct SaddlePoint {
    Vector weights;  ///< w in the simplex
    Matrix metric;   ///< Q in K
    double upper = infinity;
    double lower = -infinity;
};

/// Stops when upper - lower ≤ tol or when double precision is exhausted.
SaddlePoint solve_saddle(const GaugeProgram& program, const std::vector<Matrix>& moments, double tol);

/// γ(S) evaluated through the program.
double evaluate(const GaugeProgram& program, const Matrix& moment);

}  // namespace spectralot::saddle
