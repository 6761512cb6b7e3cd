/// The gauges of the library, as aggregates that convert to `Gauge` (math.md §1, api.md).
///
/// Each conversion validates what does not depend on d and throws InvalidArgument otherwise.
#pragma once

#include "spectralot/gauge/gauge.hpp"

#include <functional>
#include <vector>

namespace spectralot {

/// (Σ λ_i^p)^{1/p}. p = 1 trace, p = ∞ operator norm; ½ ≤ p < 1: norms and selectors only.
struct Schatten {
    double p = 2.0;
    operator Gauge() const;
};
/// λ_1 + … + λ_k: subspace-robust Wasserstein. 1 ≤ k ≤ d.
struct KyFan {
    int k = 1;
    operator Gauge() const;
};
/// tr(AS), A symmetric positive definite.
struct WeightedTrace {
    Matrix A;
    operator Gauge() const;
};
/// max_k tr(A_k S), A_k ⪰ 0, ΣA_k ≻ 0.
struct Polyhedral {
    std::vector<Matrix> matrices;
    operator Gauge() const;
};
/// Σ_b γ_b(S_bb) over disjoint blocks that cover every coordinate.
struct BlockSum {
    std::vector<std::vector<int>> blocks;
    std::vector<Gauge> gauges;
    operator Gauge() const;
};
/// max_b γ_b(S_bb)/η_b²; eta empty = ones.
struct BlockMax {
    std::vector<std::vector<int>> blocks;
    std::vector<Gauge> gauges;
    std::vector<double> eta;
    operator Gauge() const;
};
/// Σ c_k γ_k(S), c_k > 0.
struct ConicSum {
    std::vector<Gauge> gauges;
    std::vector<double> weights;
    operator Gauge() const;
};
/// tr S + M Σ_{i<j} |S_ij|, M ≥ 0: a static cost only (`is_monotone` is false whatever d).
struct Entrywise {
    double M = 1.0;
    operator Gauge() const;
};
/// A gauge known through two functions of S. `active` must return a maximiser of tr(QS) over a fixed convex K.
struct CustomGauge {
    std::function<double(const Matrix&)> value;
    std::function<Matrix(const Matrix&)> active;
    bool monotone = true;
    operator Gauge() const;
};

inline Gauge trace_gauge() {
    return Schatten{.p = 1.0};
}
inline Gauge operator_gauge() {
    return Schatten{.p = infinity};
}

}  // namespace spectralot
