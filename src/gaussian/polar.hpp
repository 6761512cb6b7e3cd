/// Polar decomposition in a nearly singular basis: all that a coupling needs of a singular value decomposition.
#pragma once

#include "spectralot/core/types.hpp"

namespace spectralot::gaussian {

/// G = U diag(s) Vᵀ + Δ, U (n0×r) and V (n1×r) with orthonormal columns to rounding, r = min(n0, n1), s ≥ 0 in no
/// order.
struct Polar {
    Matrix U, V;
    Vector s;
    double residual = 0.0;  ///< ‖Δ‖_F beyond rounding; UᵀGV is symmetric up to the square of it over s
};

/// From the eigenvectors of the Gram matrix, corrected to first or second order, where G is well enough conditioned
/// (about 1e6), for which this takes a fifth of the time; else by the singular value decomposition.
Polar polar(const Matrix& G);

}  // namespace spectralot::gaussian
