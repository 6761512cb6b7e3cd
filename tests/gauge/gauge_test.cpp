#include "spectralot/gauge/gauges.hpp"

#include "spectralot/core/errors.hpp"
#include "support/gauge_reference.hpp"

#include <gtest/gtest.h>

namespace spectralot {
namespace {

using reference::eigenvalues;
using reference::monotone_gauges;
using reference::random_matrix;
using reference::random_orthogonal;
using reference::random_psd;

constexpr int d = 4;
constexpr double rounding = 16.0 * d * epsilon;

/// Full rank, deficient rank, and with a multiple top eigenvalue.
std::vector<Matrix> moments() {
    std::mt19937_64 random(3);
    const Matrix R = random_orthogonal(random, d);
    return {random_psd(random, d),
            random_psd(random, d),
            random_psd(random, d, 2),
            random_psd(random, d, 1),
            R * Vector{{2.0, 2.0, 2.0, 0.5}}.asDiagonal() * R.transpose(),
            Matrix::Identity(d, d)};
}

bool is_psd(const Matrix& A) {
    return eigenvalues(A).minCoeff() >= -rounding * eigenvalues(A).cwiseAbs().maxCoeff();
}

TEST(Gauge, ActiveMatrixSupportsTheGauge) {
    for (const auto& [name, gauge] : monotone_gauges())
        for (const Matrix& S : moments())
            EXPECT_NEAR(gauge.active(S).cwiseProduct(S).sum(), gauge(S), rounding * gauge(S)) << name;
}

TEST(Gauge, NoActiveMatrixExceedsTheGauge) {
    for (const auto& [name, gauge] : monotone_gauges())
        for (const Matrix& S : moments())
            for (const Matrix& T : moments())
                EXPECT_LE(gauge.active(S).cwiseProduct(T).sum(), gauge(T) * (1.0 + rounding)) << name;
}

TEST(Gauge, ActiveMatricesOfMonotoneGaugesArePsd) {
    for (const auto& [name, gauge] : monotone_gauges())
        for (const Matrix& S : moments()) EXPECT_TRUE(is_psd(gauge.active(S))) << name;
}

TEST(Gauge, MonotoneGaugesIncreaseInThePsdOrder) {
    for (const auto& [name, gauge] : monotone_gauges())
        for (const Matrix& S : moments())
            for (const Matrix& T : moments()) EXPECT_LE(gauge(S), gauge(S + T) * (1.0 + rounding)) << name;
}

TEST(Gauge, IsSublinear) {
    for (const auto& [name, gauge] : monotone_gauges())
        for (const Matrix& S : moments())
            for (const Matrix& T : moments())
                EXPECT_LE(gauge(S + 3.0 * T), (gauge(S) + 3.0 * gauge(T)) * (1.0 + rounding)) << name;
}

TEST(Gauge, IsHomogeneousAtExtremeScales) {
    for (const auto& [name, gauge] : monotone_gauges())
        for (const Matrix& S : moments())
            for (const double scale : {0x1p-990, 0x1p-500, 0x1p500, 0x1p990}) {
                EXPECT_NEAR(gauge(scale * S) / scale, gauge(S), rounding * gauge(S)) << name;
                const Matrix difference = gauge.active(scale * S) - gauge.active(S);
                EXPECT_LE(difference.cwiseAbs().maxCoeff(), 100.0 * rounding) << name;
            }
}

TEST(Gauge, IsZeroAtZeroWithAnActiveMatrixInK) {
    for (const auto& [name, gauge] : monotone_gauges()) {
        const Matrix zero = Matrix::Zero(d, d);
        EXPECT_EQ(gauge(zero), 0.0) << name;
        EXPECT_TRUE(gauge.contains(gauge.active(zero), 1e-12)) << name;
    }
}

TEST(Gauge, ComparisonConstantsBracketTheGauge) {
    for (const auto& [name, gauge] : monotone_gauges()) {
        const auto [lower, upper] = gauge.comparison_constants(d);
        EXPECT_GT(lower, 0.0) << name;
        for (const Matrix& S : moments()) {
            EXPECT_LE(lower * S.trace(), gauge(S) * (1.0 + rounding)) << name;
            EXPECT_LE(gauge(S), upper * S.trace() * (1.0 + rounding)) << name;
        }
    }
}

TEST(Gauge, ComparisonConstantsOfSpectralGaugesAreSharp) {
    const Matrix isotropic = Matrix::Identity(d, d) / d;
    const Matrix rank_one = Vector::Unit(d, 2) * Vector::Unit(d, 2).transpose();
    for (const Gauge& gauge : {Gauge(Schatten{1.5}), operator_gauge(), Gauge(KyFan{2}), Gauge(Schatten{0.75}),
                               Gauge(ConicSum{{KyFan{3}, Schatten{2.0}}, {0.5, 2.0}})}) {
        const auto [lower, upper] = gauge.comparison_constants(d);
        EXPECT_NEAR(lower, std::min(gauge(isotropic), gauge(rank_one)), rounding) << gauge.repr();
        EXPECT_NEAR(upper, std::max(gauge(isotropic), gauge(rank_one)), rounding * upper) << gauge.repr();
    }
}

TEST(Gauge, SpectralGaugesAreRotationEquivariantAlsoAtTies) {
    std::mt19937_64 random(5);
    const Matrix R = random_orthogonal(random, d);
    for (const Gauge& gauge : {Gauge(Schatten{1.0}), Gauge(Schatten{2.0}), operator_gauge(), Gauge(KyFan{2}),
                               Gauge(KyFan{3}), Gauge(ConicSum{{KyFan{2}, Schatten{4.0}}, {1.0, 2.0}})})
        for (const Matrix& S : moments()) {
            const Matrix rotated = R * S * R.transpose();
            EXPECT_NEAR(gauge(rotated), gauge(S), 4.0 * rounding * gauge(S));
            const Matrix difference = gauge.active(rotated) - R * gauge.active(S) * R.transpose();
            // Eigenvectors turn by eps/gap: allow what the spectral gaps of the samples allow.
            EXPECT_LE(difference.norm(), 1e4 * epsilon) << gauge.repr();
        }
}

TEST(KyFan, OneIsTheOperatorNormAndDimensionIsTheTrace) {
    for (const Matrix& S : moments()) {
        EXPECT_NEAR(Gauge(KyFan{1})(S), operator_gauge()(S), rounding * S.norm());
        EXPECT_NEAR(Gauge(KyFan{d})(S), S.trace(), rounding * S.norm());
        EXPECT_TRUE(Gauge(KyFan{1}).active(S).isApprox(operator_gauge().active(S), rounding));
        EXPECT_TRUE(Gauge(KyFan{d}).active(S).isApprox(Matrix::Identity(d, d), rounding));
    }
}

TEST(KyFan, SharesTheTiedEigenspaceEqually) {
    const Matrix S = Vector{{3.0, 1.0, 1.0, 1.0}}.asDiagonal();
    const Matrix expected = Vector{{1.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0}}.asDiagonal();
    EXPECT_TRUE(Gauge(KyFan{2}).active(S).isApprox(expected, rounding));
}

TEST(KyFan, IncreasesInK) {
    for (const Matrix& S : moments())
        for (int k = 1; k < d; ++k) EXPECT_LE(Gauge(KyFan{k})(S), Gauge(KyFan{k + 1})(S) * (1.0 + rounding));
}

TEST(Schatten, MatchesTheDefinitionAndDecreasesInP) {
    for (const Matrix& S : moments()) {
        double previous = infinity;
        for (const double p : {0.5, 0.75, 1.0, 1.1, 2.0, 5.0, 100.0, infinity}) {
            const double value = Gauge(Schatten{p})(S);
            const Vector lambda = eigenvalues(S).cwiseMax(0.0);
            const double expected = std::isinf(p) ? lambda[0] : std::pow(lambda.array().pow(p).sum(), 1.0 / p);
            // Below p = 1 the rounding of a zero eigenvalue counts with its p-th power.
            EXPECT_NEAR(value, expected, (p < 1.0 ? 1e-6 : rounding) * expected);
            EXPECT_LE(value, previous * (1.0 + rounding));
            previous = value;
        }
    }
}

TEST(BlockGauges, SeeTheDiagonalBlocksOnly) {
    std::mt19937_64 random(11);
    const Matrix S = random_psd(random, d);
    const std::vector<std::vector<int>> blocks{{3, 1}, {0, 2}};
    const Matrix first = S(blocks[0], blocks[0]);
    const Matrix second = S(blocks[1], blocks[1]);
    const Gauge a = Schatten{2.0};
    const Gauge b = operator_gauge();
    EXPECT_NEAR(Gauge(BlockSum{blocks, {a, b}})(S), a(first) + b(second), rounding * S.norm());
    EXPECT_NEAR(Gauge(BlockMax{blocks, {a, b}, {2.0, 0.5}})(S), std::max(a(first) / 4.0, b(second) * 4.0),
                rounding * S.norm());
}

TEST(Entrywise, IsAbsoluteSumOfEntriesAndNeverMonotone) {
    std::mt19937_64 random(13);
    const Gauge gauge = Entrywise{3.0};
    for (const Matrix& S : moments()) {
        double expected = S.trace();
        for (int i = 0; i < d; ++i)
            for (int j = i + 1; j < d; ++j) expected += 3.0 * std::abs(S(i, j));
        EXPECT_NEAR(gauge(S), expected, rounding * expected);
        EXPECT_NEAR(gauge.active(S).cwiseProduct(S).sum(), gauge(S), rounding * expected);
        EXPECT_LE(gauge.active(random_psd(random, d)).cwiseProduct(S).sum(), gauge(S) * (1.0 + rounding));
    }
    EXPECT_FALSE(gauge.is_monotone());
    EXPECT_FALSE(Gauge(Entrywise{0.1}).is_monotone());
}

TEST(Entrywise, DecreasesSomewhereInThePsdOrder) {
    const Gauge gauge = Entrywise{3.0};
    const Matrix S{{1.0, 1.0}, {1.0, 1.0}};
    const Matrix larger = S + Matrix{{1.0, -1.0}, {-1.0, 1.0}};
    EXPECT_LT(gauge(larger), gauge(S));  // 4 < 5
    EXPECT_LT(eigenvalues(gauge.active(S)).minCoeff(), 0.0);
}

TEST(Program, EvaluatesToTheGauge) {
    std::vector<reference::NamedGauge> gauges = monotone_gauges();
    gauges.push_back({"entrywise", Entrywise{2.5}});
    gauges.push_back({"entrywise in a sum", ConicSum{{Entrywise{0.5}, KyFan{2}}, {3.0, 1.0}}});
    for (const auto& [name, gauge] : gauges) {
        const auto program = gauge.program(d);
        ASSERT_TRUE(program) << name;
        EXPECT_EQ(program->dimension, d);
        for (const Matrix& S : moments())
            EXPECT_NEAR(reference::evaluate(*program, S), gauge(S), rounding * gauge(S)) << name;
    }
}

TEST(Program, HoldsOnlyTheLeavesOfItsHeader) {
    for (const auto& [name, gauge] : monotone_gauges()) {
        const GaugeProgram program = gauge.program(d).value();
        int branches = 1;
        for (const GaugeMaximum& maximum : program.maxima) {
            EXPECT_EQ(maximum.first_branch > maximum.branch, true) << name;
            EXPECT_GT(maximum.weight, 0.0);
            branches += maximum.n_branches;
        }
        EXPECT_EQ(branches, program.n_branches) << name;
        for (const GaugeLeaf& leaf : program.leaves) {
            EXPECT_TRUE(std::ranges::is_sorted(leaf.block)) << name;
            EXPECT_GT(leaf.weight, 0.0);
            EXPECT_LT(leaf.branch, program.n_branches);
            const int size = static_cast<int>(leaf.block.size());
            if (leaf.kind == GaugeLeaf::Kind::KyFan) {
                EXPECT_TRUE(1 <= leaf.k && leaf.k < size) << name;
            }
            if (leaf.kind == GaugeLeaf::Kind::Schatten) {
                EXPECT_TRUE(1.0 < leaf.p && leaf.p < infinity) << name;
            }
            if (leaf.kind == GaugeLeaf::Kind::Point) {
                EXPECT_EQ(leaf.point.rows(), size) << name;
            }
        }
    }
}

TEST(Program, IsAbsentWithoutAConvexForm) {
    const CustomGauge custom{[](const Matrix& S) { return S.trace(); },
                             [](const Matrix& S) { return Matrix(Matrix::Identity(S.rows(), S.cols())); }};
    EXPECT_FALSE(Gauge(Schatten{0.75}).program(3));
    EXPECT_FALSE(Gauge(custom).program(3));
    EXPECT_FALSE(Gauge(ConicSum{{custom, trace_gauge()}, {1.0, 1.0}}).program(3));
    EXPECT_FALSE(Gauge(BlockMax{{{0}, {1, 2}}, {trace_gauge(), custom}, {}}).program(3));
}

TEST(Membership, ActiveMatricesAndTheirMixturesAreMembers) {
    for (const auto& [name, gauge] : monotone_gauges())
        for (const Matrix& S : moments()) {
            const Matrix Q = gauge.active(S);
            EXPECT_LE(gauge.membership_excess(Q), 1e-12) << name;
            const Matrix mixture = 0.7 * Q + 0.3 * gauge.active(moments().front());
            EXPECT_LE(gauge.membership_excess(mixture), 1e-12) << name;
        }
}

TEST(Membership, ExcessIsNeverBelowWhatAMomentProves) {
    for (const auto& [name, gauge] : monotone_gauges())
        for (const Matrix& S : moments()) {
            const Matrix Q = 1.25 * gauge.active(S);
            const double proved = Q.cwiseProduct(S).sum() / gauge(S) - 1.0;
            EXPECT_GE(gauge.membership_excess(Q), proved - rounding) << name;
        }
}

TEST(Membership, ExcessOfAMultipleIsTheFactorWhereKHasAClosedForm) {
    for (const auto& [name, gauge] : monotone_gauges()) {
        const Matrix Q = 1.25 * gauge.active(moments().front());
        if (!gauge.model().metric_level(Q)) continue;
        EXPECT_NEAR(gauge.membership_excess(Q), 0.25, rounding) << name;
        EXPECT_EQ(gauge.membership_excess(0.5 * Q), 0.0) << name;
    }
}

TEST(Membership, EntrywiseKnowsItsSet) {
    const Gauge gauge = Entrywise{2.0};
    const Matrix S{{2.0, -1.0}, {-1.0, 1.0}};
    EXPECT_LE(gauge.membership_excess(gauge.active(S)), rounding);
    EXPECT_NEAR(gauge.membership_excess(Matrix{{1.0, 1.5}, {1.5, 1.0}}), 0.5, rounding);
    EXPECT_NEAR(gauge.membership_excess(Matrix{{1.0, 0.0}, {0.0, 1.1}}), 0.1, rounding);
}

TEST(Membership, OfACustomGaugeIsANecessaryTest) {
    const Gauge custom = CustomGauge{[](const Matrix& S) { return S.trace(); },
                                     [](const Matrix& S) { return Matrix(Matrix::Identity(S.rows(), S.cols())); }};
    EXPECT_LE(custom.membership_excess(Matrix::Identity(3, 3)), rounding);
    EXPECT_NEAR(custom.membership_excess(Matrix{{1.0, 0.5}, {0.5, 1.0}}), 0.5, rounding);
}

}  // namespace
}  // namespace spectralot
