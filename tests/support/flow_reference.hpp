/// Slow reference of the MMD energy and force (long double, pair by pair) and clouds for the flow tests.
#pragma once

#include "spectralot/core/types.hpp"

#include <cmath>
#include <random>

namespace spectralot::testing {

using Real = long double;

/// √(|x-y|²+ε²)
inline Real smoothed_distance(const Points& x, Index i, const Points& y, Index j, double eps) {
    Real sum = static_cast<Real>(eps) * eps;
    for (Index c = 0; c < x.cols(); ++c) {
        const Real difference = static_cast<Real>(x(i, c)) - y(j, c);
        sum += difference * difference;
    }
    return std::sqrt(sum);
}

inline Real mean_distance(const Points& x, const Vector& a, const Points& y, const Vector& b, double eps) {
    Real sum = 0;
    for (Index i = 0; i < x.rows(); ++i)
        for (Index j = 0; j < y.rows(); ++j) sum += static_cast<Real>(a[i]) * b[j] * smoothed_distance(x, i, y, j, eps);
    return sum;
}

inline Real reference_mmd(const Points& x, const Vector& a, const Points& y, const Vector& b, double eps) {
    return 2 * mean_distance(x, a, y, b, eps) - mean_distance(x, a, x, a, eps) - mean_distance(y, b, y, b, eps);
}

inline Points reference_mmd_force(const Points& x, const Vector& a, const Points& y, const Vector& b, double eps) {
    Points force(x.rows(), x.cols());
    for (Index i = 0; i < x.rows(); ++i) {
        for (Index c = 0; c < x.cols(); ++c) {
            Real sum = 0;
            for (Index j = 0; j < y.rows(); ++j)
                sum += b[j] * (static_cast<Real>(x(i, c)) - y(j, c)) / smoothed_distance(x, i, y, j, eps);
            for (Index k = 0; k < x.rows(); ++k)
                sum -= a[k] * (static_cast<Real>(x(i, c)) - x(k, c)) / smoothed_distance(x, i, x, k, eps);
            force(i, c) = static_cast<double>(2 * sum);
        }
    }
    return force;
}

inline Points normal_cloud(Index n, Index d, unsigned seed) {
    std::mt19937_64 generator(seed);
    std::normal_distribution<double> normal;
    return Points::NullaryExpr(n, d, [&] { return normal(generator); });
}

inline Vector random_weights(Index n, unsigned seed) {
    std::mt19937_64 generator(seed);
    std::uniform_real_distribution<double> uniform(0.1, 1.0);
    const Vector w = Vector::NullaryExpr(n, [&] { return uniform(generator); });
    return w / w.sum();
}

inline Vector equal_weights(Index n) {
    return Vector::Constant(n, 1.0 / static_cast<double>(n));
}

}  // namespace spectralot::testing
