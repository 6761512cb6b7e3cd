// What the solvers of the unbalanced distance are made of.
#include "spectralot/gauge/gauges.hpp"
#include "spectralot/sphere/verify.hpp"
#include "sphere/pairs.hpp"
#include "sphere/rank_one.hpp"
#include "sphere/soft_transport.hpp"
#include "sphere/thin.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace spectralot;
using namespace spectralot::sphere;

namespace {

Points random_points(Index n, Index d, std::mt19937& random) {
    std::normal_distribution<double> normal;
    return Points::NullaryExpr(n, d, [&] { return normal(random); });
}

Vector random_masses(Index n, std::mt19937& random) {
    std::uniform_real_distribution<double> uniform(0.1, 1.0);
    const Vector masses = Vector::NullaryExpr(n, [&] { return uniform(random); });
    return masses / masses.sum();
}

PairList all_pairs(Index n, Index m) {
    PairList pairs;
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < m; ++j) {
            pairs.row.push_back(i);
            pairs.col.push_back(j);
        }
    return pairs;
}

/// Row sums, column sums, and Σ P(xyᵀ + yxᵀ).
struct Invariants {
    Vector rows, cols;
    Matrix moment;

    Invariants(const PairList& pairs, const Vector& flow, const Points& x, const Points& y)
        : rows(Vector::Zero(x.rows())), cols(Vector::Zero(y.rows())), moment(Matrix::Zero(x.cols(), x.cols())) {
        for (Index t = 0; t < flow.size(); ++t) {
            const int i = pairs.row[std::size_t(t)], j = pairs.col[std::size_t(t)];
            rows[i] += flow[t];
            cols[j] += flow[t];
            moment += flow[t] * x.row(i).transpose() * y.row(j);
        }
        moment += moment.transpose().eval();
    }
};

}  // namespace

TEST(ThinnedFlow, KeepsSumsAndMomentOnAsManyPairsAsAVertexHas) {
    std::mt19937 random(1);
    for (const Index d : {1, 2, 3, 5}) {
        const Index n = 40, m = 30;
        const Points x = random_points(n, d, random), y = random_points(m, d, random);
        const PairList pairs = all_pairs(n, m);
        std::bernoulli_distribution used(0.7);
        const Vector flow =
            random_masses(n * m, random).unaryExpr([&](double mass) { return used(random) ? mass : 0.0; });
        const Vector thin = thinned(pairs, flow, x, y);
        EXPECT_GE(thin.minCoeff(), 0.0);
        EXPECT_LE((thin.array() > 0.0).count(), n + m - 1 + d * (d + 1) / 2);
        const Invariants before(pairs, flow, x, y), after(pairs, thin, x, y);
        const double rounding = double(n * m) * epsilon;  // of as many pivots
        EXPECT_LE((after.rows - before.rows).cwiseAbs().maxCoeff(), rounding) << d;
        EXPECT_LE((after.cols - before.cols).cwiseAbs().maxCoeff(), rounding) << d;
        EXPECT_LE((after.moment - before.moment).cwiseAbs().maxCoeff(), 10.0 * rounding) << d;
    }
}

TEST(ThinnedFlow, LeavesAFlowOnAForestAsItIs) {
    std::mt19937 random(2);
    const Points x = random_points(3, 2, random), y = random_points(3, 2, random);
    const PairList path{{0, 0, 1, 2, 2}, {0, 1, 1, 1, 2}};
    const Vector flow{{0.1, 0.2, 0.3, 0.0, 0.4}};
    EXPECT_EQ(thinned(path, flow, x, y), flow);
    EXPECT_EQ(thinned({}, Vector(0), x, y).size(), 0);
}

TEST(SoftTransport, GivesEveryAtomItsMarginalsAndTheLikeliestPartners) {
    std::mt19937 random(3);
    const Index n = 60, m = 50;
    Points x = random_points(n, 3, random), y = random_points(m, 3, random);
    x.col(0) = x.col(0).cwiseAbs().array() + 1.0;  // positive products for everyone
    y.col(0) = y.col(0).cwiseAbs().array() + 1.0;
    x.rowwise().normalize();
    y.rowwise().normalize();
    const Vector a = random_masses(n, random), b = random_masses(m, random);
    constexpr int partners = 8;
    const SoftTransport soft = soft_transport(x, a, y, b, partners, 0.0);
    ASSERT_TRUE(soft.alpha.allFinite() && soft.beta.allFinite());
    Vector rows = Vector::Zero(n), cols = Vector::Zero(m);
    std::vector<int> per_row(std::size_t(n), 0), per_col(std::size_t(m), 0);
    for (Index t = 0; t < soft.flow.size(); ++t) {
        const int i = soft.pairs.row[std::size_t(t)], j = soft.pairs.col[std::size_t(t)];
        rows[i] += soft.flow[t];
        cols[j] += soft.flow[t];
        ++per_row[std::size_t(i)];
        ++per_col[std::size_t(j)];
        const std::pair pair(i, j),
            before(t > 0 ? soft.pairs.row[std::size_t(t - 1)] : -1, t > 0 ? soft.pairs.col[std::size_t(t - 1)] : -1);
        EXPECT_LT(before, pair);
    }
    EXPECT_GE(*std::min_element(per_row.begin(), per_row.end()), partners);
    EXPECT_GE(*std::min_element(per_col.begin(), per_col.end()), partners);
    // "Roughly": the constraints are met in order of magnitude, by most of the flow.
    const Vector wanted = a.cwiseProduct(soft.alpha.array().exp().matrix());
    for (Index i = 0; i < n; ++i) {
        EXPECT_LE(rows[i], 2.0 * wanted[i]);
        EXPECT_GE(rows[i], 0.2 * wanted[i]);
    }
    // The potentials are feasible up to a constant: no product exceeds √(u v) by more than the smoothing.
    const double tightest = row_maxima(divided(x, soft.alpha), divided(y, soft.beta)).maxCoeff();
    const double loosest = row_maxima(divided(x, soft.alpha), divided(y, soft.beta)).minCoeff();
    EXPECT_LE(tightest / loosest, 1.5);
}

TEST(SoftTransport, AtomsWithoutPartnersHaveNoPotential) {
    Points x(3, 2), y(2, 2);
    x << 1, 0, 0, 1, -1, 0;
    y << 1, 0, 0.6, 0.8;
    const SoftTransport soft = soft_transport(x, Vector::Constant(3, 1.0 / 3), y, Vector::Constant(2, 0.5), 8, 1e-12);
    EXPECT_EQ(soft.alpha[2], -infinity);
    EXPECT_TRUE(std::isfinite(soft.alpha[0]) && std::isfinite(soft.alpha[1]) && soft.beta.allFinite());
    for (const int row : soft.pairs.row) EXPECT_NE(row, 2);
    EXPECT_GT(soft.flow.minCoeff(), 0.0);
}

TEST(RankOneSaddle, ClosesTheOperatorNormOnCapsAndOnTheirAntipodes) {
    std::mt19937 random(4);
    for (const double opposite : {0.0, 0.3}) {  // the share of atoms on the other side
        std::bernoulli_distribution flipped(opposite);
        const auto cap = [&](Index n, double second, double total) {
            SphericalMeasure measure{0.2 * random_points(n, 3, random), total * random_masses(n, random)};
            measure.directions.rowwise() += Eigen::RowVector3d(1.0, second, 0.0);
            measure.directions.rowwise().normalize();
            for (Index i = 0; i < n; ++i)
                if (flipped(random)) measure.directions.row(i) *= -1.0;
            return measure;
        };
        const SphericalMeasure a = cap(60, 0.0, 1.0), b = cap(50, 0.2, 2.5);
        const RankOneSaddle saddle = rank_one_saddle({a, b}, Matrix::Identity(3, 3), {});
        EXPECT_NEAR(saddle.axis.norm(), 1.0, 4.0 * epsilon);
        EXPECT_LE(saddle.coupling.size(), 60u + 50u - 1u);
        const Verification v =
            verify(a, b, operator_gauge(), saddle.coupling, saddle.axis * saddle.axis.transpose(), saddle.potentials);
        EXPECT_LE(v.certificate.relative_gap(), 1e-9) << opposite;
        EXPECT_LE(v.marginal_error, 1e-13);
        EXPECT_GE(v.worst_slack, -16.0 * epsilon);
    }
}

TEST(RankOneSaddle, ItsMetricIsALowerBoundWhereTheSaddleHasFullRank) {
    std::mt19937 random(5);
    const auto uniform = [&](Index n) {
        return SphericalMeasure{random_points(n, 3, random).rowwise().normalized(), random_masses(n, random)};
    };
    const SphericalMeasure a = uniform(20), b = uniform(15);
    const RankOneSaddle saddle = rank_one_saddle({a, b}, Matrix::Identity(3, 3), {});
    const Verification v =
        verify(a, b, operator_gauge(), saddle.coupling, saddle.axis * saddle.axis.transpose(), saddle.potentials);
    const SphereResult best = solve(a, b, operator_gauge());
    EXPECT_GT(v.certificate.lower, 0.0);
    EXPECT_LE(v.certificate.lower, best.certificate.lower);
    EXPECT_GE(v.certificate.upper, best.certificate.lower);
}
