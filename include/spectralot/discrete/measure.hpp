/// Discrete probability measures Σ a_i δ_{x_i} and sparse couplings between two of them (paper §3, math.md §0).
#pragma once

#include "spectralot/core/types.hpp"

#include <string>
#include <vector>

namespace spectralot {

/// Points are rows (n×d). Weights are non-negative with a positive sum; empty = uniform. They need not sum to one:
/// the measure meant is the one with the exact rational weights a_i/Σa.
struct DiscreteMeasure {
    Points points;
    Vector weights;

    [[nodiscard]] Index size() const { return points.rows(); }
    [[nodiscard]] Index dimension() const { return points.cols(); }
};

/// Throws InvalidArgument naming `points_name`/`weights_name`: empty cloud, NaN or infinity, wrong number of weights,
/// negative weight, zero total mass.
void check_measure(const DiscreteMeasure& measure, const std::string& points_name, const std::string& weights_name);
/// The above for both, plus equal dimension and total masses that agree to 1e-9 relative (only when both are given).
void check_pair(const DiscreteMeasure& mu, const DiscreteMeasure& nu);

/// Sparse coupling: mass[t] goes from row[t] (a point of μ) to col[t] (a point of ν); n_rows×n_cols.
/// Sorted by (row, col), no duplicates, masses > 0, total mass one.
struct SparsePlan {
    Index n_rows = 0;
    Index n_cols = 0;
    std::vector<int> row;
    std::vector<int> col;
    std::vector<double> mass;

    [[nodiscard]] std::size_t size() const { return mass.size(); }
};

/// S(P) = Σ P_ij (y_j-x_i)(y_j-x_i)ᵀ, with compensated sums. Squared units. O(nnz·d²).
Matrix second_moment(const SparsePlan& plan, const Points& x, const Points& y);

/// Σ_k weights[k]·plans[k], entries below `drop`·(total) left out only if drop > 0.
SparsePlan mix(const std::vector<const SparsePlan*>& plans, const std::vector<double>& weights);

/// How far a plan is from the marginals: Σ_i |Σ_j P_ij - a_i/Σa| + Σ_j |Σ_i P_ij - b_j/Σb|, rounded upwards.
double marginal_error(const SparsePlan& plan, const DiscreteMeasure& mu, const DiscreteMeasure& nu);

}  // namespace spectralot
