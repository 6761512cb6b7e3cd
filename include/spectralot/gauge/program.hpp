/// The set K of a gauge as a small convex program: sums and maxima over three kinds of leaves.
///
/// γ(S) = root sum;  a sum adds weight·(value) of its members;  a member is a leaf or a maximum;  a maximum over
/// branches v is max_v (sum of the members that belong to v). Weights τ of the branches of a maximum are dual
/// variables: τ_v ≥ 0 and Σ_v τ_v = weight·(τ of the branch the maximum belongs to); the root branch has τ = 1.
/// Every gauge of math.md §1 has this form (block and conic sums: sums; block max, polyhedral, entrywise: maxima).
#pragma once

#include "spectralot/core/types.hpp"

#include <vector>

namespace spectralot {

struct GaugeLeaf {
    enum class Kind {
        Point,     ///< tr(A S_bb)
        Schatten,  ///< (Σ λ_i(S_bb)^p)^{1/p}, 1 < p < ∞
        KyFan,     ///< λ_1+…+λ_k of S_bb, 1 ≤ k < block size (k = 1: operator norm)
    };
    Kind kind = Kind::Point;
    std::vector<int> block{};  ///< coordinates of S it acts on, increasing
    Matrix point{};            ///< A, for Point only
    double p = 0.0;            ///< for Schatten only
    int k = 0;                 ///< for KyFan only
    double weight = 1.0;       ///< > 0 (Entrywise: A carries the sign)
    int branch = 0;            ///< the branch it belongs to; 0 is the root
};

/// max over `n_branches` consecutive branches starting at `first_branch` (≥ 1), times weight, inside `branch`.
struct GaugeMaximum {
    int first_branch = 1;
    int n_branches = 0;
    double weight = 1.0;
    int branch = 0;
};

struct GaugeProgram {
    int dimension = 0;
    int n_branches = 1;  ///< including the root
    std::vector<GaugeLeaf> leaves{};
    std::vector<GaugeMaximum> maxima{};  ///< parents before children
};

}  // namespace spectralot
