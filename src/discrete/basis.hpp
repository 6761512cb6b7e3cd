/// What every exact method hands over: a coupling and the potentials that go with it.
#pragma once

#include "spectralot/core/types.hpp"

#include <vector>

namespace spectralot {

struct PlanEntry {
    int row;
    int col;
    double mass;
};

/// Potentials as functions on space: f_i = |x_i|² - 2φ_i and g_j = |y_j|² - 2ψ_j are feasible for |x_i - y_j|² if and
/// only if φ_i + ψ_j ≥ <x_i, y_j>: the best φ is the envelope of the pieces y_j with offsets ψ_j, and vice versa.
struct Conjugates {
    Vector phi;
    Vector psi;
    Points row_hint;  ///< for each x_i the y_j it is coupled to: where its own piece should be the best; empty beyond
    Points col_hint;  ///< the dimensions in which an envelope uses it
};

struct Basis {
    std::vector<PlanEntry> plan;
    Conjugates dual;
    bool is_feasible = false;  ///< do the potentials hold for all pairs, to rounding?
};

template <class T>
std::vector<T> gather(const std::vector<T>& values, const std::vector<int>& index) {
    std::vector<T> result;
    result.reserve(index.size());
    for (const int k : index) result.push_back(values[k]);
    return result;
}

/// The rows of `points` with the given indices.
inline Points gather(const Points& points, const std::vector<int>& index) {
    Points result(static_cast<Index>(index.size()), points.cols());
    for (Index k = 0; k < result.rows(); ++k) result.row(k) = points.row(index[k]);
    return result;
}

}  // namespace spectralot
