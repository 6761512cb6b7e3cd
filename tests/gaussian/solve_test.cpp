#include "spectralot/gaussian/solve.hpp"

#include "linalg/decompositions.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/gaussian/barycenter.hpp"
#include "spectralot/gaussian/flow.hpp"
#include "spectralot/gaussian/modal.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace spectralot;
using gaussian::Gaussian;

namespace {

Gaussian random_gaussian(Index d, std::mt19937& random) {
    std::normal_distribution<double> normal;
    const Matrix root = Matrix::NullaryExpr(d, d, [&] { return normal(random); });
    return {Vector::NullaryExpr(d, [&] { return normal(random); }), root * root.transpose()};
}

}  // namespace

TEST(GaussianCost, CommutingCovariancesHaveTheClosedForm) {
    const Vector a{{4.0, 1.0, 0.25}}, b{{1.0, 2.25, 0.0}};
    for (const double p : {1.0, 1.5, 2.0, 4.0, infinity}) {
        const auto r =
            gaussian::solve({Vector::Zero(3), a.asDiagonal()}, {Vector::Zero(3), b.asDiagonal()}, Schatten{.p = p});
        const Vector square = (a.cwiseSqrt() - b.cwiseSqrt()).cwiseAbs2();
        const double expected = std::isinf(p) ? square.maxCoeff() : std::pow(square.array().pow(p).sum(), 1.0 / p);
        EXPECT_TRUE(r.converged);
        EXPECT_NEAR(r.value, expected, 1e-12 * expected) << p;
    }
}

TEST(GaussianCost, WeightedTraceOfNonCommutingCovariances) {
    Matrix A(2, 2);
    A << 2.0, 0.9, 0.9, 1.0;
    const Vector a{{4.0, 0.25}}, b{{0.25, 4.0}};
    const auto r =
        gaussian::solve({Vector::Zero(2), a.asDiagonal()}, {Vector::Zero(2), b.asDiagonal()}, WeightedTrace{.A = A});
    EXPECT_NEAR(r.value, 3.7188, 5e-5);
}

TEST(GaussianCost, EveryGaugeClosesItsBracket) {
    std::mt19937 random(2);
    Matrix a(3, 3), b(3, 3);
    a << 2, 0.3, 0, 0.3, 1, 0.1, 0, 0.1, 0.5;
    b << 0.4, 0, 0.1, 0, 2, 0.2, 0.1, 0.2, 1;
    const std::vector<Gauge> gauges = {
        WeightedTrace{.A = a},
        Polyhedral{.matrices = {a, b}},
        BlockSum{.blocks = {{0, 1}, {2}}, .gauges = {operator_gauge(), trace_gauge()}},
        BlockMax{.blocks = {{0, 1}, {2}}, .gauges = {operator_gauge(), trace_gauge()}, .eta = {1.2, 0.9}},
        ConicSum{.gauges = {operator_gauge(), Schatten{.p = 2.0}}, .weights = {0.5, 2.0}},
        Entrywise{.M = 0.7},
    };
    for (int trial = 0; trial < 3; ++trial) {
        const Gaussian mu = random_gaussian(3, random), nu = random_gaussian(3, random);
        for (const Gauge& gauge : gauges) {
            const auto r = gaussian::solve(mu, nu, gauge);
            EXPECT_TRUE(r.converged) << gauge.repr() << " gap " << r.certificate.relative_gap();
        }
    }
}

TEST(GaussianCost, DisjointSupportsNeedAMixtureOfCouplings) {
    // The best coupling is independent (A = 0): no polar factor, but the mean of two.
    const auto r = gaussian::solve({Vector::Zero(2), Vector{{1.0, 0.0}}.asDiagonal()},
                                   {Vector::Zero(2), Vector{{0.0, 1.0}}.asDiagonal()}, Schatten{.p = 2.0});
    EXPECT_TRUE(r.converged);
    EXPECT_NEAR(r.value, std::sqrt(2.0), 1e-9);
    EXPECT_LE(r.cross_covariance.norm(), 1e-4);
}

TEST(GaussianCost, OperatorPairsAreProvedByOneDirection) {
    std::mt19937 random(4);
    for (const Index d : {2, 5, 20, 40}) {
        for (int trial = 0; trial < 5; ++trial) {
            Gaussian mu = random_gaussian(d, random), nu = random_gaussian(d, random);
            if (trial % 2 == 0) nu.mean = mu.mean;
            const auto r = gaussian::solve(mu, nu, operator_gauge());
            EXPECT_TRUE(r.converged);
            EXPECT_LE(r.n_iter, 3) << d;
        }
    }
}

TEST(GaussianCost, RankDeficientPairsThatSplitMassAreSolved) {
    std::mt19937 random(5);
    std::uniform_int_distribution<int> quarter(-9, 9);
    const auto singular = [&](Index d, Index rank) {  // exactly, in double precision
        const Matrix root = Matrix::NullaryExpr(d, rank, [&] { return 0.25 * quarter(random); });
        return Gaussian{Vector::Zero(d), root * root.transpose()};
    };
    const std::vector<Gauge> gauges = {Schatten{.p = 1.5}, Schatten{.p = 2.0}, operator_gauge(), KyFan{.k = 2}};
    for (int trial = 0; trial < 3; ++trial) {
        const Gaussian mu = singular(12, 6), nu = singular(12, 4);
        for (const Gauge& gauge : gauges) {
            const auto r = gaussian::solve(mu, nu, gauge);
            EXPECT_TRUE(r.converged) << gauge.repr() << ' ' << r.n_iter << " gap " << r.certificate.relative_gap();
        }
    }
}

TEST(GaussianCost, ProjectorsOfEveryRankAreSolved) {
    // Ranges that meet, miss or contain each other: the best couplings split mass, with equations as stiff as they
    // come.
    std::mt19937 random(7);
    std::normal_distribution<double> normal;
    const auto projector = [&](Index d, Index rank) {
        const Matrix square = Matrix::NullaryExpr(d, d, [&] { return normal(random); });
        const Matrix basis = Eigen::HouseholderQR<Matrix>(square).householderQ();
        return Matrix(basis.leftCols(rank) * basis.leftCols(rank).transpose());
    };
    for (const Index d : {4, 8, 12}) {
        const std::vector<Gauge> gauges = {Schatten{.p = 1.5}, Schatten{.p = 4.0}, operator_gauge(), KyFan{.k = 2},
                                           KyFan{.k = 3}};
        for (const auto& [rank0, rank1] : {std::pair{d / 2, d / 2}, {d / 2, d / 3}, {d - 1, d - 1}, {d, d / 2}}) {
            for (const double shift : {0.0, 0.3}) {
                const Gaussian mu{Vector::Zero(d), projector(d, rank0)};
                const Gaussian nu{Vector::NullaryExpr(d, [&] { return shift * normal(random); }), projector(d, rank1)};
                for (const Gauge& gauge : gauges) {
                    const auto r = gaussian::solve(mu, nu, gauge);
                    EXPECT_TRUE(r.converged) << gauge.repr() << " d " << d << " ranks " << rank0 << ' ' << rank1
                                             << " gap " << r.certificate.relative_gap();
                }
            }
        }
    }
}

TEST(GaussianBarycenter, OfTwoIsTheMidpoint) {
    std::mt19937 random(6);
    const Gaussian mu = random_gaussian(3, random), nu = random_gaussian(3, random);
    const std::vector<Gauge> gauges = {trace_gauge(), Schatten{.p = 2.0}, Schatten{.p = 5.0}, operator_gauge(),
                                       KyFan{.k = 2}};
    for (const Gauge& gauge : gauges) {
        const auto pair = gaussian::solve(mu, nu, gauge);
        const auto b = gaussian::barycenter({mu, nu}, Vector{{1.0, 3.0}}, gauge);
        EXPECT_TRUE(b.converged) << b.certificate.relative_gap() << " " << to_string(b.status);
        EXPECT_NEAR(b.value, 0.25 * 0.75 * pair.value, 2e-6 * b.value);
        EXPECT_LE(gaussian::distance(b.gaussian, nu, gauge), 0.25 * pair.distance() * 1.01);
    }
    EXPECT_THROW(gaussian::barycenter({}, {}, trace_gauge()), InvalidArgument);
    EXPECT_THROW(gaussian::barycenter({mu}, Vector{{-1.0}}, trace_gauge()), InvalidArgument);
    EXPECT_THROW(gaussian::barycenter({mu}, {}, Entrywise{.M = 0.5}), InvalidArgument);
}

TEST(GaussianCost, NearlySingularMatricesAreSolvedExactly) {
    const auto r = gaussian::solve({Vector::Zero(2), Vector{{1.0, 1e-14}}.asDiagonal()},
                                   {Vector::Zero(2), Matrix::Identity(2, 2)}, trace_gauge());
    EXPECT_TRUE(r.converged);
    EXPECT_NEAR(r.value, (1.0 - 1e-7) * (1.0 - 1e-7), 1e-12);
}

TEST(GaussianCost, CloseGaussiansKeepRelativeAccuracy) {
    std::mt19937 random(3);
    const Gaussian mu = random_gaussian(4, random);
    const double t = 1e-3;  // W² is a millionth of the traces
    const auto r = gaussian::solve(mu, {mu.mean, (1.0 + t) * (1.0 + t) * mu.covariance}, trace_gauge());
    EXPECT_TRUE(r.converged) << r.certificate.relative_gap();
    EXPECT_NEAR(r.value, t * t * mu.covariance.trace(), 1e-9 * r.value);
    const auto same = gaussian::solve(mu, mu, operator_gauge());
    EXPECT_EQ(same.status, Status::ZeroToRounding);
}

TEST(ModalFlow, AgreesWithTheCovarianceFlow) {
    for (const double p : {1.0, 2.0, infinity}) {
        const Vector r0{{0.2, -0.1}}, s0{{1.0, 0.7}}, beta{{0.5, 0.3}};
        const auto modes = gaussian::modal_flow(r0, s0, beta, p, 0.3);
        Matrix S = Matrix::Zero(4, 4);  // E uᵢuᵢ = E vᵢvᵢ = s, E uᵢvᵢ = r
        for (Index j = 0; j < 2; ++j) {
            S(j, j) = S(2 + j, 2 + j) = s0[j];
            S(j, 2 + j) = S(2 + j, j) = r0[j];
        }
        const gaussian::LinearNetwork network(beta.asDiagonal());
        const auto full =
            gaussian::flow(network, {Vector::Zero(4), S}, Schatten{.p = p}, 0.3, {.rtol = 1e-10, .rank_tol = 1e-8});
        for (Index j = 0; j < 2; ++j) {
            EXPECT_NEAR(full.gaussians.back().covariance(j, 2 + j), modes.r(modes.r.rows() - 1, j), 1e-7) << p;
            EXPECT_NEAR(full.gaussians.back().covariance(j, j), modes.s(modes.s.rows() - 1, j), 1e-7) << p;
        }
    }
}
