#include "spectralot/dynamic/solve.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/dynamic/action.hpp"

#include <gtest/gtest.h>

#include <cmath>

using namespace spectralot;

namespace {

/// Masses of a Gaussian bump on an n×n grid of the unit square, on a floor that keeps every cell positive.
Vector bump(int n, double x0, double y0, double deviation) {
    Vector masses(n * n);
    for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) {
            const double x = (i + 0.5) / n - x0, y = (j + 0.5) / n - y0;
            masses[i * n + j] = std::exp(-(x * x + y * y) / (2.0 * deviation * deviation)) + 1e-3;
        }
    }
    return masses / masses.sum();
}

/// Largest |∂ρ + div m| of a result on the unit square without flux, in units of the mean mass per cell.
double continuity_defect(const dynamic::DynamicResult& r, int n) {
    const auto n_times = int(r.action.size());
    double worst = 0.0;
    for (int s = 0; s < n_times; ++s) {
        for (int i = 0; i < n; ++i) {
            for (int j = 0; j < n; ++j) {
                const int c = i * n + j;
                const double below_x = i > 0 ? r.momentum[0](s, c - n) : 0.0;
                const double below_y = j > 0 ? r.momentum[1](s, c - 1) : 0.0;
                const double rate = n_times * (r.density(s + 1, c) - r.density(s, c)) +
                                    n * (r.momentum[0](s, c) - below_x + r.momentum[1](s, c) - below_y);
                worst = std::max(worst, std::abs(rate) * n * n);
            }
        }
    }
    return worst;
}

/// γ of the averaged fields of a slice, by the evaluator of the action.
double action_of_slice(const dynamic::DynamicResult& r, int s, int n, const Gauge& gauge) {
    Points momentum(n * n, 2);
    for (int c = 0; c < n * n; ++c) {
        const double below_x = c >= n ? r.momentum[0](s, c - n) : 0.0;
        const double below_y = c % n > 0 ? r.momentum[1](s, c - 1) : 0.0;
        momentum.row(c) << 0.5 * (r.momentum[0](s, c) + below_x), 0.5 * (r.momentum[1](s, c) + below_y);
    }
    const Vector mass = 0.5 * (r.density.row(s) + r.density.row(s + 1));
    return dynamic::action(mass, momentum, gauge);
}

}  // namespace

TEST(Dynamic, EveryGaugeIsCertifiedAndSatisfiesTheContinuityEquation) {
    const int n = 12;
    const Vector a = bump(n, 0.3, 0.3, 0.12), b = bump(n, 0.7, 0.6, 0.15);
    const Matrix A = (Matrix(2, 2) << 2.0, 0.5, 0.5, 1.0).finished(), B = Matrix::Identity(2, 2);
    const std::vector<Gauge> gauges = {trace_gauge(),
                                       Schatten{.p = 2.0},
                                       operator_gauge(),
                                       KyFan{.k = 1},
                                       WeightedTrace{.A = A},
                                       Polyhedral{.matrices = {A, B}},
                                       BlockSum{.blocks = {{0}, {1}}, .gauges = {trace_gauge(), operator_gauge()}},
                                       ConicSum{.gauges = {trace_gauge(), operator_gauge()}, .weights = {0.2, 0.8}}};
    for (const Gauge& gauge : gauges) {
        const auto r = dynamic::solve(a, b, {.shape = {n, n}}, gauge, {.n_times = 8, .tol = 5e-3});
        EXPECT_TRUE(r.converged) << gauge.repr();
        EXPECT_LE(r.certificate.lower, r.certificate.upper);
        EXPECT_LE(continuity_defect(r, n), 1e-9) << gauge.repr();
        EXPECT_NEAR(r.action.mean(), r.value, 1e-12 * r.value);
        for (int s = 0; s < 8; ++s) EXPECT_NEAR(r.action[s], action_of_slice(r, s, n, gauge), 1e-12 * r.value);
        for (const Matrix& Q : r.metrics) EXPECT_TRUE(gauge.contains(Q, 1e-9)) << gauge.repr();
        for (Index k = 0; k < r.density.rows(); ++k) EXPECT_NEAR(r.density.row(k).sum(), 1.0, 1e-12);
        EXPECT_GE(r.frames().minCoeff(), 0.0);
        EXPECT_EQ(r.frames().row(0), r.density.row(0));
    }
}

TEST(Dynamic, BadInputIsNamed) {
    const Vector a = bump(4, 0.3, 0.3, 0.2);
    const dynamic::Grid grid{.shape = {4, 4}};
    EXPECT_THROW(dynamic::solve(-a, a, grid, trace_gauge()), InvalidArgument);
    EXPECT_THROW(dynamic::solve(a, 2.0 * a, grid, trace_gauge()), InvalidArgument);
    EXPECT_THROW(dynamic::solve(Vector::Zero(16), a, grid, trace_gauge()), InvalidArgument);
    EXPECT_THROW(dynamic::solve(a, a, {.shape = {4, 5}}, trace_gauge()), InvalidArgument);
    EXPECT_THROW(dynamic::solve(a, a, grid, Entrywise{.M = 4.0}), InvalidArgument);
}
