/// Square roots of covariances with a proved error: everything the certificate needs to know of Σ.
#pragma once

#include "spectralot/core/types.hpp"

#include <string>

namespace spectralot::gaussian {

/// Σ = F*F*ᵀ for some F* with ‖F* - F‖_F ≤ error. F is d×r, r the rank.
struct Factor {
    Matrix root;
    double error = 0.0;
};

/// The average of a matrix and its transpose. Throws InvalidArgument unless it is a finite d×d matrix, symmetric to
/// rounding.
Matrix symmetric_part(const Matrix& matrix, Index d, const std::string& argument);

/// Cholesky with diagonal pivoting in twice the working precision: the rank of an exactly singular matrix is found, and
/// the error stays near eps·√trΣ whatever the condition number. An eigenvalue of 1e-16 beside 1 moves the
/// Bures cost by 1e-8: working precision would not do. O(d²r).
/// Throws InvalidArgument when Σ (symmetric, entries near one) is not PSD to rounding.
Factor factor(const Matrix& covariance, const std::string& argument);

}  // namespace spectralot::gaussian
