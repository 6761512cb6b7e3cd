/// Slow references for the tall matrix kernels: long double, entry by entry.
#pragma once

#include "spectralot/core/types.hpp"

#include <Eigen/QR>
#include <Eigen/SVD>

#include <algorithm>
#include <cmath>
#include <random>

namespace spectralot::testing {

using LongMatrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;

inline Points normal_points(Index n, Index d, unsigned seed) {
    std::mt19937_64 generator(seed);
    std::normal_distribution<double> normal;
    return Points::NullaryExpr(n, d, [&] { return normal(generator); });
}

inline Vector uniform_weights(Index n, unsigned seed) {
    std::mt19937_64 generator(seed);
    std::uniform_real_distribution<double> uniform(0.1, 1.0);
    return Vector::NullaryExpr(n, [&] { return uniform(generator); });
}

/// n×d with singular values decreasing geometrically from 1 to 1/condition.
inline Points planted(Index n, Index d, double condition, unsigned seed) {
    const Index r = std::min(n, d);
    const Matrix U =
        Eigen::HouseholderQR<Matrix>(Matrix(normal_points(n, r, seed))).householderQ() * Matrix::Identity(n, r);
    const Matrix V =
        Eigen::HouseholderQR<Matrix>(Matrix(normal_points(d, r, seed + 1))).householderQ() * Matrix::Identity(d, r);
    Vector sigma(r);
    for (Index i = 0; i < r; ++i)
        sigma[i] = std::pow(condition, -static_cast<double>(i) / static_cast<double>(std::max<Index>(r - 1, 1)));
    return U * sigma.asDiagonal() * V.transpose();
}

inline Eigen::JacobiSVD<LongMatrix> long_svd(const Points& G) {
    return Eigen::JacobiSVD<LongMatrix>(G.cast<long double>(), Eigen::ComputeThinU | Eigen::ComputeThinV);
}

/// U Wᵀ over the singular values above rtol·σ_max.
inline LongMatrix reference_polar(const Points& G, double rtol) {
    const auto svd = long_svd(G);
    Index rank = 0;
    while (rank < svd.singularValues().size() && svd.singularValues()[rank] > rtol * svd.singularValues()[0]) ++rank;
    return svd.matrixU().leftCols(rank) * svd.matrixV().leftCols(rank).transpose();
}

}  // namespace spectralot::testing
