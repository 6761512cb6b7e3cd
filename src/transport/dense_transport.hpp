/// Exact transport for a small dense cost matrix, by successive shortest paths.
#pragma once

#include "spectralot/core/types.hpp"

namespace spectralot {

struct DenseTransport {
    Matrix plan;         ///< n×m, marginals a and b to rounding
    Vector row, column;  ///< row_i + column_j ≤ cost_ij to rounding, equal where plan_ij > 0
};

/// `a` and `b` non-negative with equal sums to rounding. Each augmentation is one O(nm) search; about n+m of them.
DenseTransport dense_transport(const Matrix& cost, const Vector& a, const Vector& b);

}  // namespace spectralot
