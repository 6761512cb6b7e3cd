/// Singular values and right singular vectors of a tall matrix, accurate whatever its condition (algorithms.md §4).
#pragma once

#include "spectralot/core/types.hpp"

namespace spectralot::linalg {

enum class SvdPath { Zero, Gram, CholeskyQR, QR };

struct RightSvd {
    Vector sigma;  ///< decreasing, > rtol·σ_max, size r
    Matrix right;  ///< d×r, orthonormal columns: G ≈ U diag(sigma) rightᵀ
    SvdPath path = SvdPath::Zero;
};

/// Compact SVD factors (without U) of diag(√weights)·G, weights empty = ones. G is n×d, any n, d (n < d included).
///
/// Errors: 2(d+4)·eps·σ_max for each sigma; 2(50+κ)·eps relative for the polar factor G·(right·diag(1/sigma)·rightᵀ),
/// about what rounding that d×d matrix costs. The path follows the condition number κ: Gram matrix for κ ≤ 6, a
/// second Gram pass over orthonormalised rows (CholeskyQR2) up to 1e7, else (or for n < d) Householder QR and
/// one-sided Jacobi. rtol < 0: eps·max(n, d). Any scale of G and weights is safe. O(nd² + d³); the first two paths
/// read G once and twice.
/// Throws InvalidArgument on NaN or infinity and on weights that are negative or not one per row.
RightSvd right_svd(const Eigen::Ref<const Points>& G, const Vector& weights = {}, double rtol = -1.0);

/// Gᵀ diag(weights) G (d×d), weights of any sign, empty = ones; wide kernel chosen at run time. n×d input, O(nd²).
Matrix gram(const Eigen::Ref<const Points>& G, const Vector& weights = {});

/// max |G_ij| by a wide kernel; NaN if an entry is not finite.
double largest_magnitude(const Eigen::Ref<const Points>& G);

/// out = alpha·G·B with B d×d, `out` n×d and not aliasing G; wide kernel chosen at run time.
void apply_right(const Eigen::Ref<const Points>& G, const Matrix& B, double alpha, Eigen::Ref<Points> out);

}  // namespace spectralot::linalg
