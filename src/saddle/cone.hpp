/// Small-matrix tools of the interior point: inner products, step lengths in cones, Nesterov–Todd scaling.
#pragma once

#include "spectralot/core/types.hpp"

#include <optional>

namespace spectralot::saddle {

using Index = Eigen::Index;

Matrix symmetric(const Matrix& m);

/// tr(ab) for symmetric a, b.
double inner(const Matrix& a, const Matrix& b);

/// Upper triangle as a vector with <pack(a), pack(b)> = tr(ab), after entrywise scaling by `root_scale`.
Eigen::RowVectorXd pack(const Matrix& m, const Matrix& root_scale);

/// Largest α with m + α·dm ⪰ 0, m ≻ 0.
double longest_step(const Matrix& m, const Matrix& dm);
/// Largest α with v + α·dv ≥ 0, v > 0.
double longest_step(const Vector& v, const Vector& dv);

/// G with G Gᵀ = W, the Nesterov–Todd scaling point of (q, z): W z W = q. Empty when one of them is numerically singular.
std::optional<Matrix> scaling_root(const Matrix& q, const Matrix& z);

}  // namespace spectralot::saddle
