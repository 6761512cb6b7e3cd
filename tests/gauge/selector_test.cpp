#include "spectralot/gauge/selector.hpp"

#include "spectralot/gauge/gauges.hpp"
#include "support/gauge_reference.hpp"

#include <gtest/gtest.h>
#include <Eigen/Cholesky>
#include <Eigen/SVD>

namespace spectralot {
namespace {

using reference::monotone_gauges;
using reference::NamedGauge;
using reference::random_matrix;
using reference::random_orthogonal;
using reference::random_points;

constexpr int d = 4;

double inner(const Points& a, const Points& b) {
    return a.cwiseProduct(b).sum();
}

/// The convex gauges and the root norms 1/2 ≤ p < 1, which have selectors too.
std::vector<NamedGauge> gauges_with_selectors() {
    std::vector<NamedGauge> gauges = monotone_gauges();
    gauges.push_back({"schatten 1/2", Schatten{0.5}});
    gauges.push_back({"schatten 0.501", Schatten{0.501}});
    gauges.push_back({"schatten 3/4", Schatten{0.75}});
    return gauges;
}

/// Tall, square, wide, rank-deficient and tied forces.
std::vector<Points> forces() {
    std::mt19937_64 random(21);
    const Matrix U = random_orthogonal(random, 6).leftCols(d);
    const Matrix W = random_orthogonal(random, d);
    return {random_points(random, 9, d),
            random_points(random, d, d),
            random_points(random, 2, d),
            random_points(random, 1, d),
            random_points(random, 8, 2) * random_points(random, 2, d),
            U * Vector{{2.0, 2.0, 0.5, 0.5}}.asDiagonal() * W.transpose()};
}

double residual_of(const Gauge& gauge, const Points& G) {
    return fenchel_residual(gauge, G, selector(gauge, G));
}

/// The dual of the root norm p is a q-norm with q = 2p/(2p-1), which turns a relative rounding ε of the singular values
/// into qε: noticeable for q = 501.
double fenchel_tolerance(const std::string& name) {
    return name == "schatten 0.501" ? 1e-13 + 2.0 * 501.0 * epsilon : 1e-13;
}

TEST(Selector, AttainsFenchelEquality) {
    for (const auto& [name, gauge] : gauges_with_selectors())
        for (const Points& G : forces()) {
            const SelectorResult result = selector(gauge, G);
            EXPECT_LE(fenchel_residual(gauge, G, result), fenchel_tolerance(name))
                << name << " " << G.rows() << " rows";
            const double squared = result.dual_norm * result.dual_norm;
            EXPECT_NEAR(inner(G, result.direction), -squared, 1e-13 * squared) << name;
            EXPECT_NEAR(norm(gauge, result.direction), result.dual_norm, 1e-13 * result.dual_norm) << name;
            EXPECT_EQ(dual_norm(gauge, G), result.dual_norm) << name;
        }
}

TEST(Selector, BeatsRandomCompetitors) {
    std::mt19937_64 random(22);
    for (const auto& [name, gauge] : gauges_with_selectors())
        for (const Points& G : forces()) {
            const SelectorResult best = selector(gauge, G);
            const auto objective = [&](const Points& V) {
                const double n = norm(gauge, V);
                return inner(G, V) + 0.5 * n * n;
            };
            const double least = -0.5 * best.dual_norm * best.dual_norm;
            for (const double distance : {1e-3, 0.1, 1.0}) {
                const Points V = best.direction + distance * best.dual_norm * random_points(random, G.rows(), d);
                EXPECT_GE(objective(V), least * (1.0 + 1e-12)) << name;
                EXPECT_GE(best.dual_norm * norm(gauge, V), inner(G, V) * (1.0 - 1e-12)) << name;
            }
        }
}

TEST(Selector, IsHomogeneousAtExtremeScales) {
    for (const auto& [name, gauge] : gauges_with_selectors())
        for (const Points& G : forces())
            for (const double scale : {0x1p-498, 0x1p498, 3.0}) {  // 1e∓150
                const SelectorResult plain = selector(gauge, G);
                const SelectorResult scaled = selector(gauge, scale * G);
                EXPECT_LE((scaled.direction / scale - plain.direction).norm(), 1e-6 * plain.direction.norm()) << name;
                EXPECT_NEAR(scaled.dual_norm / scale, plain.dual_norm, 1e-13 * plain.dual_norm) << name;
                EXPECT_LE(fenchel_residual(gauge, scale * G, scaled), fenchel_tolerance(name)) << name;
            }
}

TEST(Selector, SpectralGaugesFollowRotationsOnBothSides) {
    std::mt19937_64 random(23);
    const Matrix R = random_orthogonal(random, d);
    for (const Gauge& gauge : {Gauge(Schatten{1.0}), Gauge(Schatten{2.0}), operator_gauge(), Gauge(KyFan{2}),
                               Gauge(Schatten{0.75}), Gauge(ConicSum{{KyFan{2}, Schatten{1.5}}, {1.0, 0.5}})})
        for (const Points& G : forces()) {
            const Matrix L = random_orthogonal(random, G.rows());
            const Points rotated = L * G * R;
            const SelectorResult plain = selector(gauge, G);
            const SelectorResult turned = selector(gauge, rotated);
            const Points expected = L * plain.direction * R;
            EXPECT_LE((turned.direction - expected).norm(), 1e-10 * expected.norm()) << gauge.repr();
            EXPECT_NEAR(turned.dual_norm, plain.dual_norm, 1e-13 * plain.dual_norm) << gauge.repr();
        }
}

TEST(Selector, EqualWeightsAreTheMatrixVersion) {
    for (const auto& [name, gauge] : gauges_with_selectors())
        for (const Points& G : forces()) {
            const double n = static_cast<double>(G.rows());
            const SelectorResult plain = selector(gauge, G);
            const SelectorResult uniform = selector(gauge, G, Vector::Constant(G.rows(), 5.0));  // normalised
            EXPECT_LE((uniform.direction - plain.direction).norm(), 1e-6 * plain.direction.norm()) << name;
            EXPECT_NEAR(std::sqrt(n) * uniform.dual_norm, plain.dual_norm, 1e-13 * plain.dual_norm) << name;
            EXPECT_NEAR(std::sqrt(n) * norm(gauge, G, Vector::Ones(G.rows())), norm(gauge, G), 1e-13 * norm(gauge, G))
                << name;
        }
}

TEST(Selector, SplittingAParticleChangesNothing) {
    std::mt19937_64 random(24);
    const Points G = random_points(random, 5, d);
    const Vector weights{{0.1, 0.3, 0.2, 0.15, 0.25}};
    Points split(6, d);
    split << G, G.row(1);
    const Vector split_weights{{0.1, 0.12, 0.2, 0.15, 0.25, 0.18}};
    for (const auto& [name, gauge] : gauges_with_selectors()) {
        const SelectorResult whole = selector(gauge, G, weights);
        const SelectorResult parts = selector(gauge, split, split_weights);
        EXPECT_LE((parts.direction.topRows(5) - whole.direction).norm(), 1e-6 * whole.direction.norm()) << name;
        EXPECT_LE((parts.direction.row(5) - parts.direction.row(1)).norm(), 1e-12 * whole.direction.norm()) << name;
        EXPECT_NEAR(parts.dual_norm, whole.dual_norm, 1e-13 * whole.dual_norm) << name;
    }
}

TEST(Selector, RowsOfZeroWeightUseTheSameVelocityMap) {
    std::mt19937_64 random(25);
    Points G = random_points(random, 6, d);
    Vector weights{{0.2, 0.1, 0.0, 0.3, 0.4, 0.0}};
    G.row(2) = G.row(0) - 2.0 * G.row(1);
    for (const auto& [name, gauge] : gauges_with_selectors()) {
        const SelectorResult result = selector(gauge, G, weights);
        EXPECT_TRUE(result.direction.allFinite()) << name;
        const auto combined = result.direction.row(0) - 2.0 * result.direction.row(1);
        EXPECT_LE((result.direction.row(2) - combined).norm(), 1e-12 * result.direction.norm()) << name;
    }
    // The rows of positive weight span a line only: the others must stay finite.
    const Vector one{{1.0, 0.0, 0.0, 0.0, 0.0, 0.0}};
    for (const auto& [name, gauge] : gauges_with_selectors()) {
        const SelectorResult result = selector(gauge, G, one);
        EXPECT_TRUE(result.direction.allFinite()) << name;
        EXPECT_LE(result.direction.cwiseAbs().maxCoeff(), 1e3 * G.cwiseAbs().maxCoeff()) << name;
    }
}

TEST(Selector, OfZeroIsZero) {
    for (const auto& [name, gauge] : gauges_with_selectors()) {
        const SelectorResult result = selector(gauge, Points::Zero(3, d));
        EXPECT_TRUE(result.direction.isZero(0.0)) << name;
        EXPECT_EQ(result.dual_norm, 0.0);
        EXPECT_EQ(result.rank, 0);
        EXPECT_EQ(result.path, SelectorPath::Zero);
        EXPECT_EQ(fenchel_residual(gauge, Points::Zero(3, d), result), 0.0);
    }
}

TEST(Selector, TraceIsExactlyTheNegativeForce) {
    for (const Points& G : forces()) EXPECT_EQ(selector(trace_gauge(), G).direction, -G);
}

TEST(Selector, OperatorIsMuon) {
    for (const Points& G : forces()) {
        const SelectorResult result = selector(operator_gauge(), G);
        const Points muon = -result.dual_norm * polar(G);
        EXPECT_LE((result.direction - muon).norm(), 1e-12 * muon.norm());
    }
}

TEST(Selector, PolarOfFullRankHasOrthonormalColumns) {
    const Points U = polar(forces().front());
    EXPECT_TRUE((U.transpose() * U).isIdentity(1e-13));
}

TEST(Selector, KyFanInterpolatesOperatorAndTrace) {
    for (const Points& G : forces()) {
        const Points one = selector(KyFan{1}, G).direction;
        EXPECT_LE((one - selector(operator_gauge(), G).direction).norm(), 1e-13 * one.norm());
        EXPECT_EQ(selector(KyFan{d}, G).direction, -G);
    }
}

TEST(Selector, DualNormsAreMonotoneInPAndK) {
    for (const Points& G : forces()) {
        double previous = 0.0;
        for (const double p : {0.5, 0.75, 1.0, 1.5, 2.0, 4.0, 50.0, infinity}) {
            const double dual = dual_norm(Schatten{p}, G);
            EXPECT_GE(dual, previous * (1.0 - 1e-14));
            previous = dual;
        }
        for (int k = 1; k < d; ++k) EXPECT_GE(dual_norm(KyFan{k}, G), dual_norm(KyFan{k + 1}, G) * (1.0 - 1e-14));
    }
}

TEST(Selector, WeightedTraceIsANewtonStep) {
    std::mt19937_64 random(26);
    const Matrix A = reference::random_psd(random, d);
    for (const Points& G : forces()) {
        const Points expected = -(A.llt().solve(Matrix(G.transpose()))).transpose();
        EXPECT_LE((selector(WeightedTrace{A}, G).direction - expected).norm(), 1e-12 * expected.norm());
        // The general search agrees with the closed form.
        const Points searched = selector(Polyhedral{{A}}, G).direction;
        EXPECT_NEAR(dual_norm(Polyhedral{{A}}, G), dual_norm(WeightedTrace{A}, G), 1e-13 * expected.norm());
        EXPECT_LE((searched - expected).norm(), 1e-10 * expected.norm());
    }
}

TEST(Selector, BlocksMoveIndependently) {
    std::mt19937_64 random(27);
    Points G = random_points(random, 7, d);
    const std::vector<std::vector<int>> blocks{{2, 0}, {1, 3}};
    G(Eigen::all, blocks[1]) *= 1e-100;  // each block to its own accuracy
    const std::vector<Gauge> gauges{operator_gauge(), Schatten{2.0}};
    const std::vector<double> eta{2.0, 0.5};
    std::vector<SelectorResult> parts;
    for (size_t b = 0; b < 2; ++b) parts.push_back(selector(gauges[b], Points(G(Eigen::all, blocks[b]))));

    const SelectorResult sum = selector(BlockSum{blocks, gauges}, G);
    const SelectorResult largest = selector(BlockMax{blocks, gauges, eta}, G);
    const double total = eta[0] * parts[0].dual_norm + eta[1] * parts[1].dual_norm;
    EXPECT_NEAR(largest.dual_norm, total, 1e-14 * total);
    for (size_t b = 0; b < 2; ++b) {
        const Points& alone = parts[b].direction;
        EXPECT_LE((sum.direction(Eigen::all, blocks[b]) - alone).norm(), 1e-14 * alone.norm());
        const Points expected = total * eta[b] / parts[b].dual_norm * alone;
        EXPECT_LE((largest.direction(Eigen::all, blocks[b]) - expected).norm(), 1e-14 * expected.norm());
    }
    G(Eigen::all, blocks[1]).setZero();
    EXPECT_TRUE(selector(BlockMax{blocks, gauges, eta}, G).direction(Eigen::all, blocks[1]).isZero(0.0));
}

TEST(Selector, OneMemberSumsRescale) {
    const Points G = forces().front();
    const SelectorResult plain = selector(Schatten{2.0}, G);
    const SelectorResult scaled = selector(ConicSum{{Schatten{2.0}}, {4.0}}, G);
    EXPECT_LE((4.0 * scaled.direction - plain.direction).norm(), 1e-14 * plain.direction.norm());
    EXPECT_NEAR(2.0 * scaled.dual_norm, plain.dual_norm, 1e-14 * plain.dual_norm);
}

TEST(Selector, MetricIsActiveAtTheVelocityNotAtTheForce) {
    // The corrected rule of math.md §2; for p = 2 the other recipe would give σ⁻¹ for σ^{1/3}.
    const Points G = forces().front();
    for (const auto& [name, gauge] : monotone_gauges()) {
        const Points V = selector(gauge, G).direction;
        const Matrix moment = V.transpose() * V;
        const double n = norm(gauge, V);
        // Any competitor of K at the velocity: <G, V> = -tr(Q⁻¹S) and tr(QM) ≤ γ(M) with equality at Q*.
        EXPECT_NEAR(gauge.active(moment).cwiseProduct(moment).sum(), n * n, 1e-13 * n * n) << name;
        EXPECT_NEAR(-inner(G, V), n * n, 1e-13 * n * n) << name;
    }
}

TEST(Selector, SearchesStayAccurateInHighDimension) {
    std::mt19937_64 random(28);
    for (const Index dimension : {20, 50}) {
        const Points G = random_points(random, 2 * dimension, dimension);
        const Gauge spectral = ConicSum{{operator_gauge(), Schatten{1.5}, KyFan{5}}, {0.8, 0.3, 0.1}};
        EXPECT_LE(residual_of(spectral, G), 1e-13);
        std::vector<Matrix> matrices;
        for (int k = 0; k < 8; ++k) matrices.push_back(reference::random_psd(random, dimension, 10));
        EXPECT_LE(residual_of(Polyhedral{matrices}, G), 1e-13);
    }
    const Points G = random_points(random, 20, 8);
    const Matrix A = reference::random_psd(random, 8) / 10.0;
    EXPECT_LE(residual_of(ConicSum{{operator_gauge(), WeightedTrace{A}, KyFan{3}}, {1.0, 0.1, 0.5}}, G), 1e-13);
}

TEST(Selector, SearchesStayAccurateForIllConditionedForces) {
    std::mt19937_64 random(29);
    const Matrix U = random_orthogonal(random, 12).leftCols(6);
    const Matrix W = random_orthogonal(random, 6);
    const Vector sigma{{1.0, 1e-2, 1e-4, 1e-6, 1e-8, 1e-10}};
    const Points G = U * sigma.asDiagonal() * W.transpose();
    EXPECT_LE(residual_of(ConicSum{{operator_gauge(), Schatten{2.0}}, {1.0, 0.5}}, G), 1e-9);
    EXPECT_LE(residual_of(ConicSum{{operator_gauge(), WeightedTrace{reference::random_psd(random, 6)}}, {1.0, 0.5}}, G),
              1e-13);
}

/// A user's own gauge: the same functions as one of ours, without its program.
Gauge custom_copy(const Gauge& gauge) {
    return CustomGauge{[gauge](const Matrix& S) { return gauge(S); },
                       [gauge](const Matrix& S) { return gauge.active(S); }};
}

TEST(CustomGauge, SelectorOfAPolytopeIsExact) {
    for (const auto& [name, gauge] : monotone_gauges()) {
        if (name != "polyhedral" && name != "weighted trace" && name != "trace") continue;
        for (const Points& G : forces()) {
            const SelectorResult custom = selector(custom_copy(gauge), G);
            EXPECT_LE(fenchel_residual(custom_copy(gauge), G, custom), 1e-13) << name;
            EXPECT_NEAR(custom.dual_norm, dual_norm(gauge, G), 1e-13 * custom.dual_norm) << name;
        }
    }
}

TEST(CustomGauge, ReportsTheResidualItReached) {
    std::mt19937_64 random(30);
    const Points G = random_points(random, 6, 2);
    for (const Gauge& gauge : {Gauge(Schatten{2.0}), operator_gauge()}) {
        const SelectorResult custom = selector(custom_copy(gauge), G);
        const double exact = dual_norm(gauge, G), residual = fenchel_residual(custom_copy(gauge), G, custom);
        EXPECT_LE(residual, 1e-6);
        // Restricting K can only raise the minimum, and by no more than the residual.
        EXPECT_GE(custom.dual_norm, exact * (1.0 - 1e-13));
        EXPECT_LE(custom.dual_norm, exact * (1.0 + residual + 1e-13));
    }
}

}  // namespace
}  // namespace spectralot
