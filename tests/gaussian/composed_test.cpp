/// Gauges put together from others: closed forms from their members, and every composition closes its bracket.
#include "spectralot/gaussian/solve.hpp"

#include "linalg/decompositions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace spectralot;
using gaussian::Gaussian;

namespace {

/// Full rank, condition about 40.
Gaussian random_gaussian(Index d, std::mt19937& random) {
    std::normal_distribution<double> normal;
    const Matrix root = Matrix::NullaryExpr(d, d, [&] { return normal(random); });
    return {0.3 * Vector::NullaryExpr(d, [&] { return normal(random); }),
            root * root.transpose() / double(d) + 0.1 * Matrix::Identity(d, d)};
}

Gaussian side_by_side(const Gaussian& a, const Gaussian& b) {
    const Index n = a.dimension(), m = b.dimension();
    Gaussian both{Vector(n + m), Matrix::Zero(n + m, n + m)};
    both.mean << a.mean, b.mean;
    both.covariance.topLeftCorner(n, n) = a.covariance;
    both.covariance.bottomRightCorner(m, m) = b.covariance;
    return both;
}

std::vector<int> range(int first, int n) {
    std::vector<int> block(static_cast<size_t>(n));
    std::iota(block.begin(), block.end(), first);
    return block;
}

std::vector<Gauge> compositions(int d) {
    const int half = d / 2;
    const std::vector<std::vector<int>> blocks = {range(0, half), range(half, d - half)};
    const Gauge sum = BlockSum{.blocks = blocks, .gauges = {operator_gauge(), Schatten{.p = 2.0}}};
    return {
        sum,
        BlockMax{.blocks = blocks, .gauges = {operator_gauge(), Schatten{.p = 2.0}}, .eta = {1.0, 1.3}},
        BlockMax{.blocks = blocks, .gauges = {KyFan{.k = 2}, trace_gauge()}, .eta = {1.0, 1.0}},
        ConicSum{.gauges = {operator_gauge(), trace_gauge()}, .weights = {0.9, 0.1}},
        ConicSum{.gauges = {Schatten{.p = 2.0}, Schatten{.p = 4.0}}, .weights = {1.0, 1.0}},
        ConicSum{.gauges = {Schatten{.p = 1.5}, KyFan{.k = 2}}, .weights = {1.0, 0.5}},
        ConicSum{.gauges = {sum, Schatten{.p = 3.0}}, .weights = {1.0, 0.5}},
        Entrywise{.M = 0.3},
    };
}

}  // namespace

TEST(ComposedGauges, EveryCompositionClosesItsBracketInDimensionTwenty) {
    std::mt19937 random(3);
    const Gaussian mu = random_gaussian(20, random), nu = random_gaussian(20, random);
    for (const Gauge& gauge : compositions(20)) {
        const auto r = gaussian::solve(mu, nu, gauge);
        EXPECT_TRUE(r.converged) << gauge.repr() << " gap " << r.certificate.relative_gap();
    }
}

TEST(ComposedGauges, MetricsLieInTheSetOfTheGauge) {
    std::mt19937 random(4);
    const Gaussian mu = random_gaussian(5, random), nu = random_gaussian(5, random);
    for (const Gauge& gauge : compositions(5))
        EXPECT_LE(gauge.membership_excess(gaussian::solve(mu, nu, gauge).metric), 1e-12) << gauge.repr();
}

TEST(ComposedGauges, IndependentBlocksCostWhatTheirGaussiansCost) {
    std::mt19937 random(5);
    const Gaussian mu0 = random_gaussian(7, random), mu1 = random_gaussian(5, random);
    const Gaussian nu0 = random_gaussian(7, random), nu1 = random_gaussian(5, random);
    const std::vector<std::vector<int>> blocks = {range(0, 7), range(7, 5)};
    const std::vector<Gauge> gauges = {operator_gauge(), Schatten{.p = 2.0}};
    const double eta = 1.6, tol = 1e-9;
    const double first = gaussian::solve(mu0, nu0, gauges[0]).value;
    const double second = gaussian::solve(mu1, nu1, gauges[1]).value;
    const Gaussian mu = side_by_side(mu0, mu1), nu = side_by_side(nu0, nu1);
    const auto sum = gaussian::solve(mu, nu, BlockSum{.blocks = blocks, .gauges = gauges});
    EXPECT_TRUE(sum.converged);
    EXPECT_NEAR(sum.value, first + second, 2.0 * tol * sum.value);
    const auto largest = gaussian::solve(mu, nu, BlockMax{.blocks = blocks, .gauges = gauges, .eta = {1.0, eta}});
    EXPECT_TRUE(largest.converged);
    EXPECT_NEAR(largest.value, std::max(first, second / (eta * eta)), 2.0 * tol * largest.value);
}

// The same coupling is best for every spectral gauge.
TEST(ComposedGauges, SumsOfSpectralGaugesAddUpOnCommutingPairs) {
    std::mt19937 random(6);
    const Index d = 12;
    const Gaussian any = random_gaussian(d, random);
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(any.covariance);
    const Matrix& basis = eigen.eigenvectors();
    const Vector a = eigen.eigenvalues(), b = a.reverse().cwiseAbs2();
    const Vector square = (a.cwiseSqrt() - b.cwiseSqrt()).cwiseAbs2();
    const auto r = gaussian::solve({Vector::Zero(d), basis * a.asDiagonal() * basis.transpose()},
                                   {Vector::Zero(d), basis * b.asDiagonal() * basis.transpose()},
                                   ConicSum{.gauges = {operator_gauge(), Schatten{.p = 3.0}}, .weights = {0.5, 2.0}});
    const double expected = 0.5 * square.maxCoeff() + 2.0 * std::cbrt(square.array().cube().sum());
    EXPECT_TRUE(r.converged);
    EXPECT_NEAR(r.value, expected, 1e-12 * expected);
}

TEST(ComposedGauges, RotationsDoNotChangeSumsOfSpectralGauges) {
    std::mt19937 random(7);
    const Index d = 10;
    const Gaussian mu = random_gaussian(d, random), nu = random_gaussian(d, random);
    const Matrix turn = random_gaussian(d, random).covariance.householderQr().householderQ();
    const Gauge gauge = ConicSum{.gauges = {operator_gauge(), trace_gauge()}, .weights = {0.9, 0.1}};
    const auto rotated = [&](const Gaussian& g) {
        return Gaussian{turn * g.mean, turn * g.covariance * turn.transpose()};
    };
    const double value = gaussian::solve(mu, nu, gauge).value;
    EXPECT_NEAR(gaussian::solve(rotated(mu), rotated(nu), gauge).value, value, 2e-9 * value);
}

TEST(ComposedGauges, RankDeficientPairsThatSplitMassAreSolved) {
    std::mt19937 random(8);
    std::normal_distribution<double> normal;
    const auto thin = [&](Index d, Index rank) {
        const Matrix root = Matrix::NullaryExpr(d, rank, [&] { return normal(random); });
        return Gaussian{Vector::Zero(d), root * root.transpose() / double(d)};
    };
    for (const Gauge& gauge : compositions(8)) {
        const auto r = gaussian::solve(thin(8, 3), thin(8, 4), gauge);
        EXPECT_TRUE(r.converged) << gauge.repr() << " gap " << r.certificate.relative_gap();
    }
}
