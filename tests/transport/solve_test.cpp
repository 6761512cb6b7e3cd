#include "spectralot/transport/solve.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/transport/interpolate.hpp"
#include "spectralot/transport/verify.hpp"
#include "support/discrete_reference.hpp"

#include <gtest/gtest.h>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <random>

using namespace spectralot;
using namespace spectralot::test;

namespace {

DiscreteMeasure two_diracs(bool horizontal) {
    Points points = Points::Zero(2, 2);
    points(0, horizontal ? 0 : 1) = -1.0;
    points(1, horizontal ? 0 : 1) = 1.0;
    return {.points = points, .weights = {}};
}

DiscreteMeasure dirac(double x, double y) {
    Points point(1, 2);
    point << x, y;
    return {.points = point, .weights = {}};
}

std::vector<Gauge> all_gauges() {
    Matrix a(3, 3), b(3, 3);
    a << 2, 0.3, 0, 0.3, 1, 0.1, 0, 0.1, 0.5;
    b << 0.4, 0, 0.1, 0, 2, 0.2, 0.1, 0.2, 1;
    return {trace_gauge(),
            Schatten{.p = 1.5},
            Schatten{.p = 2.0},
            Schatten{.p = 7.0},
            operator_gauge(),
            KyFan{.k = 2},
            WeightedTrace{.A = a},
            Polyhedral{.matrices = {a, b}},
            BlockSum{.blocks = {{0, 1}, {2}}, .gauges = {operator_gauge(), trace_gauge()}},
            BlockMax{.blocks = {{0, 1}, {2}}, .gauges = {operator_gauge(), trace_gauge()}, .eta = {1.2, 0.9}},
            ConicSum{.gauges = {operator_gauge(), Schatten{.p = 2.0}}, .weights = {1.0, 0.5}},
            Entrywise{.M = 3.0}};
}

/// max over Q of the best permutation's cost: d = 2, n ≤ 5, equal weights, Q on a grid of K of Schatten p.
double brute_force(const Points& x, const Points& y, double p) {
    const Index n = x.rows();
    std::vector<int> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::vector<Matrix> moments;
    do {
        Matrix s = Matrix::Zero(2, 2);
        for (Index i = 0; i < n; ++i) {
            const Eigen::RowVector2d v = y.row(order[std::size_t(i)]) - x.row(i);
            s += v.transpose() * v / double(n);
        }
        moments.push_back(s);
    } while (std::next_permutation(order.begin(), order.end()));
    const double dual = std::isinf(p) ? 1.0 : p / (p - 1.0);
    double best = 0.0;
    for (int i = 0; i < 300; ++i) {
        const double angle = std::numbers::pi * i / 300;
        for (int j = 0; j <= 200; ++j) {
            const double t = j / 200.0;
            Eigen::Matrix2d rotation;
            rotation << std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle);
            const Eigen::Vector2d q(std::pow(t, 1.0 / dual), std::pow(1.0 - t, 1.0 / dual));
            const Matrix metric = rotation * q.asDiagonal() * rotation.transpose();
            double least = infinity;
            for (const Matrix& s : moments) least = std::min(least, metric.cwiseProduct(s).sum());
            best = std::max(best, least);
        }
    }
    return best;
}

}  // namespace

TEST(Solve, SamplesOfManyPointsRespectTheirWeights) {
    Random random(8);
    for (const double kept : {1.0, 0.01}) {  // share of points with mass
        DiscreteMeasure mu{gaussian_points(1500, 2, random), uniform_weights(1500, 0.0, 1.0, random)};
        DiscreteMeasure nu{gaussian_points(1200, 2, random), uniform_weights(1200, 0.0, 1.0, random)};
        for (DiscreteMeasure* measure : {&mu, &nu}) {
            for (Index i = 0; i < measure->size(); ++i) {
                if (double(i) > kept * double(measure->size())) measure->weights(i) = 0.0;
            }
            measure->weights /= measure->weights.sum();
        }
        nu.points.array() += 5.0;
        const TransportResult result = solve(mu, nu, operator_gauge());
        EXPECT_TRUE(result.converged);
        const Verification checked = verify(mu, nu, operator_gauge(), result.plan, result.metric, result.potentials);
        EXPECT_LE(checked.certificate.relative_gap(), 1.1e-6);
    }
    const DiscreteMeasure still{Points::Constant(1500, 2, 3.0), {}};
    EXPECT_EQ(solve(still, still, operator_gauge()).status, Status::ZeroToRounding);
}

TEST(Solve, AnEarlierResultIsWhereTheSearchBegins) {
    Random random(5);
    for (const Index d : {2, 8}) {
        const DiscreteMeasure mu{gaussian_points(150, d, random), uniform_weights(150, 0.1, 1.0, random)};
        const DiscreteMeasure nu{2.0 * gaussian_points(170, d, random), {}};
        for (const Gauge& gauge : {Gauge(Schatten{.p = 2.0}), operator_gauge()}) {
            const TransportResult first = solve(mu, nu, gauge);
            const TransportResult again = solve(mu, nu, gauge, {}, {}, &first);
            EXPECT_TRUE(again.converged);
            EXPECT_EQ(again.n_iter, 1);

            DiscreteMeasure moved = mu;
            moved.points += 1e-3 * gaussian_points(150, d, random);
            const TransportResult cold = solve(moved, nu, gauge), warm = solve(moved, nu, gauge, {}, {}, &first);
            EXPECT_TRUE(warm.converged);
            EXPECT_GE(warm.certificate.upper, cold.certificate.lower);
            EXPECT_LE(warm.certificate.lower, cold.certificate.upper);

            const TransportResult other = solve(mu, nu, KyFan{.k = 2}, {}, {}, &first);  // Q need not lie in its K
            EXPECT_TRUE(other.converged);
            EXPECT_LE(Gauge(KyFan{.k = 2}).membership_excess(other.metric), 1e-9);
        }
    }
}

/// Near an optimum known almost exactly the boundary is near too, where arcs could start with tiny steps only.
TEST(Solve, AWarmStartIsNoWorseThanAColdOne) {
    Random random(7);
    for (int trial = 0; trial < 3; ++trial) {
        DiscreteMeasure mu{gaussian_points(60, 12, random), uniform_weights(60, 0.1, 1.0, random)};
        const DiscreteMeasure nu{2.0 * gaussian_points(70, 12, random), {}};
        const TransportResult first = solve(mu, nu, operator_gauge());
        mu.points += 1e-3 * gaussian_points(60, 12, random);
        const TransportResult cold = solve(mu, nu, operator_gauge());
        const TransportResult warm = solve(mu, nu, operator_gauge(), {}, {}, &first);
        EXPECT_TRUE(warm.converged);
        EXPECT_LE(warm.n_iter, 2 * cold.n_iter);
    }
}

TEST(Solve, NothingOfAWarmStartIsTrusted) {
    Random random(6);
    const DiscreteMeasure mu{gaussian_points(40, 3, random), {}}, nu{gaussian_points(40, 3, random), {}};
    const Gauge gauge = Schatten{.p = 2.0};
    const TransportResult honest = solve(mu, nu, gauge);
    for (int trial = 0; trial < 4; ++trial) {
        TransportResult forged = honest;
        if (trial == 0) forged.plan.mass[0] *= 0.5;  // marginals
        if (trial == 1) {                            // right marginals, but not a coupling
            forged.plan = {40, 40, {}, {}, {}};
            for (int i = 0; i < 40; ++i) {
                const int j = (i + 1) % 40;
                for (const auto& [col, mass] :
                     {std::pair(std::min(i, j), i < j ? 2.0 : -1.0), std::pair(std::max(i, j), i < j ? -1.0 : 2.0)}) {
                    forged.plan.row.push_back(i);
                    forged.plan.col.push_back(col);
                    forged.plan.mass.push_back(mass / 40.0);
                }
            }
        }
        if (trial == 2) forged.metric *= 100.0;        // not in K
        if (trial == 3) forged.plan.col[0] = 1000000;  // no such point
        const TransportResult result = solve(mu, nu, gauge, {}, {}, &forged);
        EXPECT_TRUE(result.converged);
        EXPECT_GE(result.certificate.upper, honest.certificate.lower);
        EXPECT_LE(result.certificate.lower, honest.certificate.upper);
    }
    TransportResult flat = honest;
    flat.metric = Matrix::Identity(2, 2);
    EXPECT_THROW(solve(mu, nu, gauge, {}, {}, &flat), InvalidArgument);
}

TEST(Solve, TimeLimitKeepsATrueBracket) {
    Random random(7);
    const DiscreteMeasure mu{gaussian_points(3000, 2, random), {}}, nu{2.0 * gaussian_points(3000, 2, random), {}};
    const TransportResult hurried = solve(mu, nu, Schatten{.p = 2.0}, {.max_seconds = 1e-3});
    const TransportResult patient = solve(mu, nu, Schatten{.p = 2.0});
    EXPECT_EQ(hurried.status, Status::TimeLimit);
    EXPECT_FALSE(hurried.converged);
    EXPECT_GE(hurried.certificate.upper, patient.certificate.lower);
    EXPECT_LE(hurried.certificate.lower, patient.certificate.upper);
    EXPECT_LE(marginal_error(hurried.plan, mu, nu), 1e-12);
}

TEST(Solve, FarApartCloudsAreSolvedBySorting) {
    // Far apart, the saddle metric of the operator norm is uuᵀ with u near the difference of the means.
    Random random(4);
    for (const Index d : {2, 5}) {
        DiscreteMeasure mu{gaussian_points(1500, d, random), uniform_weights(1500, 0.1, 1.0, random)};
        DiscreteMeasure nu{gaussian_points(1200, d, random), {}};
        nu.points.col(0) *= 2.0;
        nu.points.array() += 10.0;
        const TransportResult result = solve(mu, nu, operator_gauge(), {.tol = 1e-9});
        EXPECT_TRUE(result.converged);
        EXPECT_EQ(result.n_iter, 1);
        EXPECT_LE(Eigen::SelfAdjointEigenSolver<Matrix>(result.metric).eigenvalues()(d - 2), 1e-15);
        const Verification checked = verify(mu, nu, operator_gauge(), result.plan, result.metric, result.potentials);
        EXPECT_LE(checked.certificate.relative_gap(), 1e-9);
    }
}

TEST(Solve, ManyPointsStartFromWhatCoarseProblemsTell) {
    Random random(3);
    for (const Index d : {2, 3}) {
        const DiscreteMeasure mu{gaussian_points(500, d, random), uniform_weights(500, 0.1, 1.0, random)};
        DiscreteMeasure nu{gaussian_points(600, d, random), {}};
        nu.points.col(0) *= 3.0;
        for (const Gauge& gauge : {Gauge(Schatten{.p = 1.5}), Gauge(Schatten{.p = 4.0}), operator_gauge()}) {
            const TransportResult result = solve(mu, nu, gauge, {.tol = 1e-5});
            EXPECT_TRUE(result.converged) << gauge.repr();
            EXPECT_LE(result.n_iter, 8) << gauge.repr() << " d = " << d;
            EXPECT_LE(gauge.membership_excess(result.metric), 1e-9);
        }
    }
}

TEST(Solve, TwoDiracPairsNeedASplitPlan) {
    const DiscreteMeasure mu = two_diracs(true), nu = two_diracs(false);
    for (const auto& [p, cost] : {std::pair{1.0, 2.0}, {2.0, std::sqrt(2.0)}, {infinity, 1.0}}) {
        const Gauge gauge = Schatten{.p = p};
        const TransportResult r = solve(mu, nu, gauge, {.tol = 1e-11});
        ASSERT_TRUE(r.converged) << p;
        EXPECT_LE(r.certificate.lower, cost);
        EXPECT_GE(r.certificate.upper, cost);
        EXPECT_NEAR(r.value, cost, 1e-11 * cost);
        EXPECT_NEAR(matching(mu, nu, gauge, r.plan).cost, 2.0, 1e-14);
        EXPECT_EQ(count_split_rows(mu, r.plan), p > 1.0 ? 2 : 0);
    }
}

TEST(Solve, EntrywiseGaugeBreaksTheTriangleInequality) {
    const Gauge gauge = Entrywise{.M = 3.0};
    const DiscreteMeasure origin = dirac(0, 0), e1 = dirac(1, 0), diagonal = dirac(1, 1);
    EXPECT_NEAR(distance(origin, e1, gauge), 1.0, 1e-12);
    EXPECT_NEAR(distance(e1, diagonal, gauge), 1.0, 1e-12);
    EXPECT_NEAR(distance(origin, diagonal, gauge), std::sqrt(5.0), 1e-12);
}

TEST(Solve, CertifiesEveryGaugeWithWeightsAndUnequalSizes) {
    Random random(1);
    for (const Gauge& gauge : all_gauges()) {
        SCOPED_TRACE(gauge.repr());
        DiscreteMeasure mu{gaussian_points(23, 3, random), uniform_weights(23, 0.1, 1.0, random)};
        DiscreteMeasure nu{gaussian_points(31, 3, random), uniform_weights(31, 0.1, 1.0, random)};
        mu.weights(4) = 0.0;
        nu.weights *= mu.weights.sum() / nu.weights.sum();
        const TransportResult r = solve(mu, nu, gauge, {.tol = 1e-9});
        ASSERT_TRUE(r.converged) << to_string(r.status) << " " << r.certificate.relative_gap();
        EXPECT_LE(marginal_error(r.plan, mu, nu), 1e-14);
        EXPECT_LE(gauge.membership_excess(r.metric), 1e-11);
        const Verification v = verify(mu, nu, gauge, r.plan, r.metric, r.potentials);
        EXPECT_LE(v.certificate.lower, r.certificate.upper);
        EXPECT_LE(v.certificate.relative_gap(), 1.1e-9);
        EXPECT_NEAR(v.certificate.upper, r.value, 1e-12 * r.value);
        EXPECT_GE(v.worst_slack, -1e-12 * r.value);
    }
}

TEST(Solve, EnclosesTheBruteForceSaddle) {
    Random random(2);
    for (const double p : {1.5, 2.0, 4.0, infinity}) {
        for (int trial = 0; trial < 3; ++trial) {
            const Points x = gaussian_points(5, 2, random), y = gaussian_points(5, 2, random);
            const TransportResult r = solve({x, {}}, {y, {}}, Schatten{.p = p}, {.tol = 1e-9});
            const double grid = brute_force(x, y, p);  // a lower bound, close to the optimum
            EXPECT_TRUE(r.converged);
            EXPECT_LE(grid, r.certificate.upper * (1.0 + 1e-12));
            EXPECT_GE(grid, r.certificate.lower * (1.0 - 2e-2));
        }
    }
}

TEST(Solve, MovesDiracsForTheGaugeOfTheirDifference) {
    Random random(3);
    for (const Gauge& gauge : all_gauges()) {
        const Points x = gaussian_points(1, 3, random), y = gaussian_points(1, 3, random);
        const Matrix s = (y - x).transpose() * (y - x);
        const TransportResult r = solve({x, {}}, {y, {}}, gauge, {.tol = 1e-10});
        EXPECT_TRUE(r.converged) << gauge.repr();
        EXPECT_NEAR(r.value, gauge.value(s), 1e-10 * r.value) << gauge.repr();
    }
}

TEST(Solve, IsInvariantUnderTheLawsOfTheDistance) {
    Random random(4);
    const Points x = gaussian_points(20, 3, random), y = gaussian_points(20, 3, random);
    const Matrix rotation = Eigen::HouseholderQR<Matrix>(Matrix(gaussian_points(3, 3, random))).householderQ();
    const TransportOptions options{.tol = 1e-9};
    for (const Gauge& gauge : {Gauge(Schatten{.p = 2.0}), operator_gauge(), Gauge(KyFan{.k = 2})}) {
        const double plain = solve({x, {}}, {y, {}}, gauge, options).value;
        const double bound = 3e-9 * plain;
        EXPECT_NEAR(solve({y, {}}, {x, {}}, gauge, options).value, plain, bound);
        EXPECT_NEAR(solve({x * rotation, {}}, {y * rotation, {}}, gauge, options).value, plain, bound);
        EXPECT_NEAR(solve({x.array() + 1e5, {}}, {y.array() + 1e5, {}}, gauge, options).value, plain, bound);
        for (const double s : {1e-150, 1e150}) {
            const TransportResult scaled = solve({s * x, {}}, {s * y, {}}, gauge, options);
            EXPECT_TRUE(scaled.converged);
            EXPECT_NEAR(scaled.value / s / s, plain, bound);
        }
        Points doubled(40, 3);
        doubled << x, x;
        EXPECT_NEAR(solve({doubled, {}}, {y, {}}, gauge, options).value, plain, bound);
    }
}

TEST(Solve, CallsZeroWhatIsZeroToRounding) {
    Random random(5);
    const Points x = gaussian_points(30, 3, random);
    for (const Gauge& gauge : all_gauges()) {
        const TransportResult r = solve({x, {}}, {x.colwise().reverse(), {}}, gauge);
        EXPECT_TRUE(r.converged);
        EXPECT_EQ(r.certificate.lower, 0.0);
        EXPECT_LE(r.value, 1e-12);
    }
    const TransportResult same = solve({Points::Ones(4, 2), {}}, {Points::Ones(3, 2), {}}, Schatten{.p = 2.0});
    EXPECT_EQ(same.status, Status::ZeroToRounding);
    EXPECT_EQ(same.value, 0.0);
}

TEST(Solve, KeepsAnHonestBracketWhenStopped) {
    Random random(6);
    const DiscreteMeasure mu{gaussian_points(60, 4, random), {}}, nu{gaussian_points(60, 4, random).array() * 1.5, {}};
    const TransportResult full = solve(mu, nu, operator_gauge(), {.tol = 1e-8});
    ASSERT_TRUE(full.converged);
    for (const int max_iter : {1, 2, 4}) {
        const TransportResult r = solve(mu, nu, operator_gauge(), {.tol = 1e-8, .max_iter = max_iter});
        EXPECT_FALSE(r.converged);
        EXPECT_EQ(r.status, Status::IterationLimit);
        EXPECT_LE(r.certificate.lower, full.certificate.upper);
        EXPECT_GE(r.certificate.upper, full.certificate.lower);
        EXPECT_THROW(r.require_solved(), NotSolved);
    }
    Observer observer;
    observer.on_progress = [&](const Progress& p) {
        if (p.iteration == 3) observer.cancel.request();
    };
    EXPECT_EQ(solve(mu, nu, operator_gauge(), {.tol = 1e-12}, observer).status, Status::Interrupted);
}

TEST(Solve, BracketsShrinkMonotonically) {
    Random random(7);
    const TransportResult r = solve({gaussian_points(80, 3, random), {}}, {gaussian_points(70, 3, random), {}},
                                    operator_gauge(), {.tol = 1e-9});
    ASSERT_EQ(int(r.history.size()), r.n_iter);
    for (std::size_t k = 1; k < r.history.size(); ++k) {
        EXPECT_GE(r.history[k].lower, r.history[k - 1].lower);
        EXPECT_LE(r.history[k].upper, r.history[k - 1].upper);
    }
}

TEST(Solve, NamesWhatIsWrong) {
    const DiscreteMeasure good{Points::Random(4, 3), {}};
    const auto message = [&](const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge,
                             const TransportOptions& options) {
        try {
            solve(mu, nu, gauge, options);
        } catch (const InvalidArgument& error) {
            return std::string(error.what());
        }
        return std::string("no error");
    };
    EXPECT_NE(message(good, {Points::Random(4, 2), {}}, trace_gauge(), {}).find("X_b"), std::string::npos);
    EXPECT_NE(message(good, good, KyFan{.k = 5}, {}).find("5"), std::string::npos);
    EXPECT_NE(message(good, good, Schatten{.p = 0.5}, {}).find("gauge"), std::string::npos);
    EXPECT_NE(message(good, good, trace_gauge(), {.tol = -1.0}).find("tol"), std::string::npos);
    EXPECT_NE(message(good, good, trace_gauge(), {.max_iter = 0}).find("max_iter"), std::string::npos);
    EXPECT_NE(message({good.points, Vector::Constant(4, -1.0)}, good, trace_gauge(), {}).find("a"), std::string::npos);
}

TEST(Verify, ChargesWhateverIsTamperedWith) {
    Random random(8);
    const DiscreteMeasure mu{gaussian_points(25, 2, random), {}}, nu{gaussian_points(25, 2, random), {}};
    const Gauge gauge = Schatten{.p = 2.0};
    const TransportResult r = solve(mu, nu, gauge, {.tol = 1e-9});
    const auto check = [&](const SparsePlan& plan, const Matrix& metric, const Potentials& potentials) {
        const Certificate c = verify(mu, nu, gauge, plan, metric, potentials).certificate;
        EXPECT_LE(c.lower, r.certificate.upper);
        EXPECT_GE(c.upper, r.certificate.lower);
        EXPECT_GT(c.relative_gap(), 1e-6);
    };
    Potentials lowered = r.potentials;
    lowered.a(3) -= 0.5 * r.value * 25;
    check(r.plan, r.metric, lowered);
    check(r.plan, 3.0 * r.metric, r.potentials);
    check(r.plan, 0.5 * r.metric, r.potentials);
    SparsePlan lighter = r.plan;
    lighter.mass[0] *= 0.5;
    check(lighter, r.metric, r.potentials);

    Potentials raised = r.potentials;  // infeasible: put right, never believed
    raised.a(3) += 0.5 * r.value * 25;
    const Certificate repaired = verify(mu, nu, gauge, r.plan, r.metric, raised).certificate;
    EXPECT_LE(repaired.lower, r.certificate.upper);
    EXPECT_NEAR(repaired.lower, r.certificate.lower, 1e-12 * r.value);
}

TEST(Verify, AgreesOnTheLineWithAllPairs) {
    Random random(9);
    Points x = Points::Zero(40, 2), y = Points::Zero(30, 2);
    x.col(0) = gaussian_points(40, 1, random);
    y.col(0) = gaussian_points(30, 1, random);
    const TransportResult r = solve({x, {}}, {y, {}}, trace_gauge(), {.tol = 1e-10});
    Matrix rank_one = Matrix::Zero(2, 2);
    rank_one(0, 0) = 1.0;
    Potentials perturbed = r.potentials;
    std::normal_distribution<double> normal;
    for (Index i = 0; i < 40; ++i) perturbed.a(i) += 0.1 * normal(random);
    for (Index j = 0; j < 30; ++j) perturbed.b(j) += 0.1 * normal(random);
    for (const Potentials& potentials : {r.potentials, perturbed}) {
        const Verification all = verify({x, {}}, {y, {}}, trace_gauge(), r.plan, Matrix::Identity(2, 2), potentials);
        const Verification line = verify({x, {}}, {y, {}}, trace_gauge(), r.plan, rank_one, potentials);
        EXPECT_NEAR(line.certificate.lower, all.certificate.lower, 1e-12 * r.value);
        EXPECT_NEAR(line.worst_slack, all.worst_slack, 1e-12 * r.value);
    }
}

TEST(Verify, ConfirmsHonestClaimsAndNoOthers) {
    Random random(10);
    for (const Gauge& gauge : all_gauges()) {
        for (const double scale : {1e-120, 1.0, 1e120}) {
            SCOPED_TRACE(gauge.repr() + " at scale " + to_text(scale));
            const DiscreteMeasure mu{scale * gaussian_points(20, 3, random), {}};
            const DiscreteMeasure nu{scale * gaussian_points(25, 3, random), {}};
            const TransportResult r = solve(mu, nu, gauge, {.tol = 1e-9});
            const Verification v = verify(mu, nu, gauge, r.plan, r.metric, r.potentials);
            const auto& [lower, upper] = r.certificate;
            EXPECT_TRUE(v.confirms(r.certificate));
            EXPECT_FALSE(v.confirms({upper * (1.0 + 1e-8), upper * (1.0 + 1e-8)}));
            EXPECT_FALSE(v.confirms({lower, lower * (1.0 - 1e-8)}));
        }
    }
}

TEST(Verify, CancelledProvesLessAndNothingFalse) {
    Random random(11);
    const DiscreteMeasure mu{gaussian_points(30, 2, random), {}}, nu{gaussian_points(20, 2, random), {}};
    const CancelToken cancel;
    cancel.request();
    for (const Gauge& gauge : {Gauge(Schatten{.p = 2.0}), Gauge(Entrywise{.M = 3.0})}) {
        const TransportResult r = solve(mu, nu, gauge);
        const Verification v = verify(mu, nu, gauge, r.plan, r.metric, r.potentials, cancel);
        EXPECT_EQ(v.certificate.lower, gauge.is_monotone() ? 0.0 : -infinity);
        EXPECT_NEAR(v.certificate.upper, r.value, 1e-12 * r.value);
    }
}
