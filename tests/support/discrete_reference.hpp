/// Slow, readable references for exact transport: brute force, integer successive shortest paths, and the checks that
/// every result must pass.
#pragma once

#include "spectralot/discrete/exact_transport.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace spectralot::test {

using Random = std::mt19937_64;

inline Points gaussian_points(Index n, Index d, Random& random) {
    std::normal_distribution<double> normal;
    return Points::NullaryExpr(n, d, [&] { return normal(random); });
}

inline Points integer_points(Index n, Index d, int side, Random& random) {
    std::uniform_int_distribution<int> coordinate(-side, side);
    return Points::NullaryExpr(n, d, [&] { return static_cast<double>(coordinate(random)); });
}

inline Vector uniform_weights(Index n, double low, double high, Random& random) {
    std::uniform_real_distribution<double> weight(low, high);
    return Vector::NullaryExpr(n, [&] { return weight(random); });
}

/// A random positive definite matrix.
inline Matrix random_metric(Index d, Random& random) {
    const Matrix root = gaussian_points(d, d, random);
    const Matrix product = root * root.transpose() / static_cast<double>(d);
    return (product + product.transpose()) / 2.0;
}

inline long double pair_cost(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Matrix& Q, Index i, Index j) {
    long double sum = 0.0L;
    const Index d = mu.dimension();
    for (Index r = 0; r < d; ++r) {
        const long double at_r = static_cast<long double>(nu.points(j, r)) - mu.points(i, r);
        for (Index s = 0; s < d; ++s) {
            sum += at_r * Q(r, s) * (static_cast<long double>(nu.points(j, s)) - mu.points(i, s));
        }
    }
    return sum;
}

inline long double weight_of(const DiscreteMeasure& measure, Index i) {
    if (measure.weights.size() == 0) return 1.0L / static_cast<long double>(measure.size());
    long double total = 0.0L;
    for (const double w : measure.weights) total += w;
    return measure.weights[i] / total;
}

/// An upper bound on the costs, ‖Q‖(max |x - mean μ| + max |y - mean ν| + |shift|)², the means being rounded: the scale
/// of every rounding error.
inline double cost_scale(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Matrix& Q) {
    const Vector at_a = mu.points.colwise().mean();
    const Vector at_b = nu.points.colwise().mean();
    const double reach = (mu.points.rowwise() - at_a.transpose()).rowwise().norm().maxCoeff() +
                         (nu.points.rowwise() - at_b.transpose()).rowwise().norm().maxCoeff() + (at_b - at_a).norm() +
                         epsilon * (at_a.norm() + at_b.norm());
    return Q.norm() * reach * reach;
}

/// The certificate proves itself: the plan has the marginals, the potentials hold for every pair, they prove the lower
/// end, the plan proves the upper end, and both ends meet. Nothing here trusts the solver.
inline void expect_certified(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Matrix& Q,
                             const ExactResult& result, double width_in_eps = 2000.0) {
    const double scale = cost_scale(mu, nu, Q);
    const double tolerance = width_in_eps * epsilon * scale + std::numeric_limits<double>::min();
    EXPECT_EQ(result.status, Status::Solved);

    const SparsePlan& plan = result.plan;
    ASSERT_EQ(plan.n_rows, mu.size());
    ASSERT_EQ(plan.n_cols, nu.size());
    ASSERT_LE(plan.size(), static_cast<std::size_t>(mu.size() + nu.size() - 1));
    std::vector<long double> row(static_cast<std::size_t>(mu.size()), 0.0L);
    std::vector<long double> col(static_cast<std::size_t>(nu.size()), 0.0L);
    long double primal = 0.0L;
    for (std::size_t t = 0; t < plan.size(); ++t) {
        EXPECT_GT(plan.mass[t], 0.0);
        if (t > 0) {
            EXPECT_TRUE(plan.row[t - 1] < plan.row[t] ||
                        (plan.row[t - 1] == plan.row[t] && plan.col[t - 1] < plan.col[t]));
        }
        row[plan.row[t]] += plan.mass[t];
        col[plan.col[t]] += plan.mass[t];
        primal += plan.mass[t] * pair_cost(mu, nu, Q, plan.row[t], plan.col[t]);
    }
    long double dual = 0.0L;
    for (Index i = 0; i < mu.size(); ++i) {
        const long double wanted = weight_of(mu, i);
        EXPECT_NEAR(static_cast<double>(row[i] - wanted), 0.0, 4.0 * epsilon * static_cast<double>(wanted) + 1e-27);
        dual += wanted * result.potentials.a[i];
    }
    for (Index j = 0; j < nu.size(); ++j) {
        const long double wanted = weight_of(nu, j);
        EXPECT_NEAR(static_cast<double>(col[j] - wanted), 0.0, 4.0 * epsilon * static_cast<double>(wanted) + 1e-27);
        dual += wanted * result.potentials.b[j];
    }
    long double worst = 0.0L;
    for (Index i = 0; i < mu.size(); ++i) {
        for (Index j = 0; j < nu.size(); ++j) {
            const long double slack = pair_cost(mu, nu, Q, i, j) - result.potentials.a[i] - result.potentials.b[j];
            worst = std::min(worst, slack);
        }
    }
    EXPECT_GE(static_cast<double>(worst), -tolerance);
    EXPECT_LE(result.certificate.lower, static_cast<double>(dual + worst) + 1e-18 * scale);
    EXPECT_GE(result.certificate.upper, static_cast<double>(primal) - 1e-18 * scale);
    EXPECT_LE(result.certificate.upper - result.certificate.lower, tolerance);
    EXPECT_NEAR(static_cast<double>((Q.cwiseProduct(result.moment)).sum()), static_cast<double>(primal), tolerance);
}

/// min over permutations of Σ_i cost(i, σ(i)).
template <class Cost>
std::int64_t best_assignment(int n, const Cost& cost) {
    std::vector<int> permutation(static_cast<std::size_t>(n));
    std::iota(permutation.begin(), permutation.end(), 0);
    std::int64_t best = std::numeric_limits<std::int64_t>::max();
    do {
        std::int64_t sum = 0;
        for (int i = 0; i < n; ++i) sum += cost(i, permutation[i]);
        best = std::min(best, sum);
    } while (std::next_permutation(permutation.begin(), permutation.end()));
    return best;
}

/// The transport problem with integer supplies and costs by successive shortest paths (Bellman-Ford): exact.
template <class Cost>
std::int64_t cheapest_flow(std::vector<std::int64_t> a, std::vector<std::int64_t> b, const Cost& cost) {
    const int n = static_cast<int>(a.size());
    const int m = static_cast<int>(b.size());
    constexpr auto far = std::numeric_limits<std::int64_t>::max() / 4;
    std::vector<std::vector<std::int64_t>> flow(a.size(), std::vector<std::int64_t>(b.size(), 0));
    std::int64_t total = 0;
    while (true) {
        std::vector<std::int64_t> distance(a.size() + b.size(), far);
        std::vector<int> from(distance.size(), -1);
        for (int i = 0; i < n; ++i) distance[i] = a[i] > 0 ? 0 : far;
        for (bool changed = true; changed;) {
            changed = false;
            for (int i = 0; i < n; ++i) {
                for (int j = 0; j < m; ++j) {
                    const std::int64_t c = cost(i, j);
                    if (distance[i] < far && distance[i] + c < distance[n + j]) {
                        distance[n + j] = distance[i] + c;
                        from[n + j] = i;
                        changed = true;
                    }
                    if (flow[i][j] > 0 && distance[n + j] - c < distance[i]) {
                        distance[i] = distance[n + j] - c;
                        from[i] = n + j;
                        changed = true;
                    }
                }
            }
        }
        int sink = -1;
        for (int j = 0; j < m; ++j) {
            if (b[j] > 0 && distance[n + j] < far && (sink < 0 || distance[n + j] < distance[n + sink])) sink = j;
        }
        if (sink < 0) return total;
        std::int64_t step = b[sink];
        int source = n + sink;
        for (; from[source] >= 0; source = from[source]) {
            if (source < n) step = std::min(step, flow[source][from[source] - n]);
        }
        step = std::min(step, a[source]);
        for (int v = n + sink; from[v] >= 0; v = from[v]) {
            if (v < n) {
                flow[v][from[v] - n] -= step;
            } else {
                flow[from[v]][v - n] += step;
            }
        }
        a[source] -= step;
        b[sink] -= step;
        total += step * distance[n + sink];
    }
}

/// lower ≤ numerator/denominator ≤ upper, decided exactly: a fused product and sum is rounded once, which keeps its
/// sign.
inline void expect_brackets(const Certificate& certificate, std::int64_t numerator, std::int64_t denominator) {
    EXPECT_LE(std::fma(certificate.lower, static_cast<double>(denominator), -static_cast<double>(numerator)), 0.0);
    EXPECT_GE(std::fma(certificate.upper, static_cast<double>(denominator), -static_cast<double>(numerator)), 0.0);
}

}  // namespace spectralot::test
