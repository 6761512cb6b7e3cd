#include "spectralot/discrete/exact_transport.hpp"

#include "spectralot/core/errors.hpp"
#include "support/discrete_reference.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <thread>

namespace spectralot {
namespace {

using test::cost_scale;
using test::expect_brackets;
using test::expect_certified;
using test::gaussian_points;
using test::integer_points;
using test::Random;
using test::random_metric;
using test::uniform_weights;

ExactResult solve(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Matrix& Q) {
    return ExactTransport(mu, nu).solve(Q);
}

ExactResult solve_certified(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Matrix& Q) {
    ExactResult result = solve(mu, nu, Q);
    expect_certified(mu, nu, Q, result);
    return result;
}

Matrix identity(Index d) {
    return Matrix::Identity(d, d);
}

std::int64_t integer_cost(const Points& x, const Points& y, const Matrix& Q, int i, int j) {
    std::int64_t sum = 0;
    for (Index r = 0; r < x.cols(); ++r) {
        for (Index s = 0; s < x.cols(); ++s) {
            sum += static_cast<std::int64_t>((y(j, r) - x(i, r)) * Q(r, s) * (y(j, s) - x(i, s)));
        }
    }
    return sum;
}

Matrix integer_metric(Index d, int side, Random& random) {
    const Matrix half = integer_points(d, d, side, random);
    return half + half.transpose();  // in general indefinite
}

TEST(ExactTransport, TiesFarFromTheirHintsKeepTheBestPiece) {
    // Points that coincide on a line: the bound of a tree's node, rounded, was below the value of the piece it holds.
    Points x(8, 3), y(8, 3);
    x << 1, -7, 1, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -7, -2, -3, 5, -7, -7, -7;
    y << -7, -7, -7, -4, 5, -7, 4, -7, -3, 3, -3, -3, -2, 5, -3, -3, -2, -3, -7, -3, -3, -2, -2, -2;
    const Vector a = (Vector(8) << 62160, 0, 248640, 124320, 124320, 58016, 124320, 124320).finished();
    const Vector b = (Vector(8) << 100320, 16720, 13376, 93632, 321024, 321024, 0, 0).finished();
    solve_certified({x, a}, {y, b}, Matrix::Constant(3, 3, 3.0));
}

TEST(ExactTransport, BracketsTheBestPermutationInExactArithmetic) {
    Random random(1);
    for (int trial = 0; trial < 200; ++trial) {
        const int n = 1 + trial % 7;
        const Index d = 1 + trial % 4;
        const DiscreteMeasure mu{integer_points(n, d, 50, random), {}};
        const DiscreteMeasure nu{integer_points(n, d, 50, random), {}};
        const Matrix Q = trial % 2 == 0 ? identity(d) : integer_metric(d, 5, random);
        const ExactResult result = solve_certified(mu, nu, Q);
        const auto cost = [&](int i, int j) { return integer_cost(mu.points, nu.points, Q, i, j); };
        expect_brackets(result.certificate, test::best_assignment(n, cost), n);
    }
}

TEST(ExactTransport, BracketsTheIntegerFlowInExactArithmetic) {
    Random random(2);
    std::uniform_int_distribution<int> weight(0, 9);
    for (int trial = 0; trial < 150; ++trial) {
        const int n = 1 + trial % 13;
        const int m = 1 + (trial * 7) % 11;
        const Index d = 1 + trial % 3;
        std::vector<std::int64_t> a(static_cast<std::size_t>(n));
        std::vector<std::int64_t> b(static_cast<std::size_t>(m));
        for (auto& v : a) v = weight(random);
        for (auto& v : b) v = weight(random);
        a[0] += 1;
        b[0] += 1;
        const std::int64_t difference =
            std::accumulate(a.begin(), a.end(), std::int64_t{0}) - std::accumulate(b.begin(), b.end(), std::int64_t{0});
        (difference > 0 ? b : a).back() += std::abs(difference);
        const DiscreteMeasure mu{integer_points(n, d, 4, random),
                                 Vector::NullaryExpr(n, [&](Index i) { return static_cast<double>(a[i]); })};
        const DiscreteMeasure nu{integer_points(m, d, 4, random),
                                 Vector::NullaryExpr(m, [&](Index j) { return static_cast<double>(b[j]); })};
        const Matrix Q = trial % 2 == 0 ? identity(d) : integer_metric(d, 3, random);
        const ExactResult result = solve_certified(mu, nu, Q);
        const auto cost = [&](int i, int j) { return integer_cost(mu.points, nu.points, Q, i, j); };
        expect_brackets(result.certificate, test::cheapest_flow(a, b, cost),
                        std::accumulate(a.begin(), a.end(), std::int64_t{0}));
    }
}

TEST(ExactTransport, ProvesItselfOnHundredsOfRandomInstances) {
    Random random(3);
    for (int trial = 0; trial < 300; ++trial) {
        const Index n = 1 + static_cast<Index>(random() % 90);
        const Index m = 1 + static_cast<Index>(random() % 90);
        const Index d = 1 + static_cast<Index>(random() % 6);
        DiscreteMeasure mu{gaussian_points(n, d, random), {}};
        DiscreteMeasure nu{gaussian_points(m, d, random), {}};
        if (trial % 3 > 0) mu.weights = uniform_weights(n, 0.0, 1.0, random);
        if (trial % 3 > 1)
            nu.weights = uniform_weights(m, 0.0, 1.0, random) * (mu.weights.sum() / static_cast<double>(m) * 2.0);
        if (trial % 3 > 1) nu.weights *= mu.weights.sum() / nu.weights.sum();
        solve_certified(mu, nu, trial % 2 == 0 ? identity(d) : random_metric(d, random));
    }
}

TEST(ExactTransport, SolvesSeveralLevelsOfTheHierarchy) {
    Random random(4);
    for (const Index d : {2, 3, 5, 10}) {
        const DiscreteMeasure mu{gaussian_points(700, d, random), {}};
        const DiscreteMeasure nu{2.0 * gaussian_points(700, d, random), {}};
        solve_certified(mu, nu, random_metric(d, random));
        const DiscreteMeasure weighted{nu.points, uniform_weights(700, 0.1, 1.0, random)};
        solve_certified(mu, weighted, identity(d));
    }
}

TEST(ExactTransport, IsSymmetric) {
    Random random(5);
    const DiscreteMeasure mu{gaussian_points(120, 2, random), uniform_weights(120, 0.1, 1.0, random)};
    const DiscreteMeasure nu{gaussian_points(75, 2, random), {}};
    const Matrix Q = random_metric(2, random);
    const Certificate forth = solve(mu, nu, Q).certificate;
    const Certificate back = solve(nu, mu, Q).certificate;
    EXPECT_LE(forth.lower, back.upper);
    EXPECT_LE(back.lower, forth.upper);
}

TEST(ExactTransport, IgnoresTheOrderOfThePoints) {
    Random random(6);
    const DiscreteMeasure mu{gaussian_points(200, 3, random), {}};
    const DiscreteMeasure nu{gaussian_points(200, 3, random), {}};
    const DiscreteMeasure reversed{nu.points.colwise().reverse(), {}};
    const Certificate one = solve(mu, nu, identity(3)).certificate;
    const Certificate other = solve(mu, reversed, identity(3)).certificate;
    EXPECT_LE(one.lower, other.upper);
    EXPECT_LE(other.lower, one.upper);
}

TEST(ExactTransport, TranslationFarAwayCostsNoDigits) {
    Random random(7);
    // Coordinates on a grid of 2^-20, so that a shift by 2^20 is exact.
    const auto on_grid = [&](Index n) {
        return Points((gaussian_points(n, 2, random) * 0x1p20).array().round() * 0x1p-20);
    };
    const DiscreteMeasure mu{on_grid(150), {}};
    const DiscreteMeasure nu{on_grid(150), {}};
    const DiscreteMeasure far_mu{mu.points.array() + 0x1p20, {}};
    const DiscreteMeasure far_nu{nu.points.array() + 0x1p20, {}};
    const Certificate here = solve(mu, nu, identity(2)).certificate;
    const ExactResult there = solve(far_mu, far_nu, identity(2));
    expect_certified(far_mu, far_nu, identity(2), there);
    EXPECT_LE(here.lower, there.certificate.upper);
    EXPECT_LE(there.certificate.lower, here.upper);
    // Both gaps are the allowance for rounding, about 100·eps·diameter²; only the rounding of the centre differs.
    EXPECT_LE(here.upper - here.lower, 128.0 * epsilon * cost_scale(mu, nu, identity(2)));
    EXPECT_LE(there.certificate.relative_gap(), 1.01 * here.relative_gap());
}

TEST(ExactTransport, MeansSeparateFromTheCentredParts) {
    Random random(8);
    const DiscreteMeasure mu{gaussian_points(80, 2, random), {}};
    DiscreteMeasure nu{gaussian_points(80, 2, random), {}};
    const Matrix Q = random_metric(2, random);
    const double before = solve_certified(mu, nu, Q).certificate.upper;
    const Vector gap = nu.points.colwise().mean() - mu.points.colwise().mean();
    const Vector shift = Vector::Constant(2, 1000.0);
    nu.points.rowwise() += shift.transpose();
    const double after = solve_certified(mu, nu, Q).certificate.upper;
    const double expected = before - gap.dot(Q * gap) + (gap + shift).dot(Q * (gap + shift));
    EXPECT_NEAR(after, expected, 1000.0 * epsilon * expected);
}

TEST(ExactTransport, ScalesExactlyByPowersOfTwo) {
    Random random(9);
    const DiscreteMeasure mu{gaussian_points(60, 2, random), {}};
    const DiscreteMeasure nu{gaussian_points(60, 2, random), {}};
    const Certificate one = solve_certified(mu, nu, identity(2)).certificate;
    for (const int exponent : {-400, 400}) {
        const double factor = std::ldexp(1.0, exponent);
        const DiscreteMeasure scaled_mu{mu.points * factor, {}};
        const DiscreteMeasure scaled_nu{nu.points * factor, {}};
        const Certificate scaled = solve(scaled_mu, scaled_nu, identity(2)).certificate;
        EXPECT_NEAR(std::ldexp(scaled.lower, -2 * exponent), one.lower, epsilon * one.lower);
        EXPECT_NEAR(std::ldexp(scaled.upper, -2 * exponent), one.upper, epsilon * one.upper);
        const Certificate by_metric = solve(mu, nu, identity(2) * factor).certificate;
        EXPECT_NEAR(std::ldexp(by_metric.upper, -exponent), one.upper, epsilon * one.upper);
    }
}

TEST(ExactTransport, SurvivesTiesAndDuplicates) {
    Random random(10);
    for (const int side : {0, 1, 3}) {
        for (const Index d : {1, 2, 3, 5}) {
            const DiscreteMeasure mu{integer_points(300, d, side, random), {}};
            const DiscreteMeasure nu{integer_points(200, d, side, random), {}};
            solve_certified(mu, nu, identity(d));
        }
    }
}

TEST(ExactTransport, IsZeroBetweenIdenticalClouds) {
    Random random(11);
    for (const Index d : {1, 2, 5}) {
        const DiscreteMeasure mu{gaussian_points(400, d, random), uniform_weights(400, 0.0, 1.0, random)};
        const ExactResult result = solve_certified(mu, mu, random_metric(d, random));
        for (std::size_t t = 0; t < result.plan.size(); ++t) EXPECT_EQ(result.plan.row[t], result.plan.col[t]);
    }
}

TEST(ExactTransport, HandlesOnePointAgainstMany) {
    Random random(12);
    const DiscreteMeasure one{gaussian_points(1, 3, random), {}};
    const DiscreteMeasure many{gaussian_points(500, 3, random), uniform_weights(500, 0.0, 1.0, random)};
    const DiscreteMeasure few{gaussian_points(3, 3, random), {}};
    solve_certified(one, one, identity(3));
    solve_certified(one, many, identity(3));
    solve_certified(many, one, identity(3));
    solve_certified(few, many, identity(3));
    solve_certified(many, few, random_metric(3, random));
}

TEST(ExactTransport, HandlesCollinearPointsAndFlatMetrics) {
    Random random(13);
    const Points line = gaussian_points(150, 1, random) * Eigen::RowVector3d(1.0, 2.0, -1.0);
    const DiscreteMeasure mu{line, {}};
    const DiscreteMeasure nu{gaussian_points(150, 3, random), {}};
    solve_certified(mu, nu, identity(3));
    solve_certified(mu, {line.colwise().reverse() * 2.0, {}}, identity(3));
    solve_certified(mu, nu, Matrix::Zero(3, 3));
    solve_certified(mu, nu, Vector(Eigen::Vector3d(1.0, 0.5, 0.0)).asDiagonal());
    solve_certified(mu, nu, Vector(Eigen::Vector3d(1.0, 1e-9, 1e-14)).asDiagonal());
}

TEST(ExactTransport, HandlesIndefiniteMetrics) {
    Random random(14);
    const DiscreteMeasure mu{gaussian_points(120, 4, random), {}};
    const DiscreteMeasure nu{gaussian_points(90, 4, random), uniform_weights(90, 0.1, 1.0, random)};
    solve_certified(mu, nu, -identity(4));
    solve_certified(mu, nu, Vector(Eigen::Vector4d(1.0, -0.7, 0.0, -2.0)).asDiagonal());
    solve_certified(mu, nu, Vector(Eigen::Vector4d(0.0, 0.0, -1.0, 0.0)).asDiagonal());
}

TEST(ExactTransport, SortsWhenTheMetricHasRankOne) {
    Random random(15);
    const Index n = 200;
    const DiscreteMeasure mu{gaussian_points(n, 3, random), uniform_weights(n, 0.1, 1.0, random)};
    const DiscreteMeasure nu{gaussian_points(n, 3, random), {}};
    const Vector direction = Eigen::Vector3d(0.6, -1.1, 0.3);
    const Matrix Q = direction * direction.transpose();
    const ExactResult sorted = solve_certified(mu, nu, Q);
    EXPECT_EQ(sorted.n_pivots, 0);
    // A weak second direction needs the network simplex; it can only add cost, and at most its own share.
    const Vector other = Eigen::Vector3d(1.1, 0.6, 0.0) * 1e-5;
    const Matrix weak = other * other.transpose();
    const ExactResult general = solve_certified(mu, nu, Q + weak);
    EXPECT_GE(general.certificate.upper, sorted.certificate.lower);
    EXPECT_LE(general.certificate.lower, sorted.certificate.upper + test::cost_scale(mu, nu, weak));
}

TEST(ExactTransport, KeepsWeightsOverTwentyDecades) {
    Random random(16);
    const Index n = 200;
    DiscreteMeasure mu{gaussian_points(n, 2, random), Vector(n)};
    for (Index i = 0; i < n; ++i)
        mu.weights[i] = std::pow(10.0, -22.0 * static_cast<double>(i) / static_cast<double>(n));
    const DiscreteMeasure nu{gaussian_points(150, 2, random), {}};
    solve_certified(mu, nu, identity(2));
    mu.weights *= 0x1p-900;
    solve_certified(mu, nu, identity(2));
}

TEST(ExactTransport, DropsAtomsWithoutMassButBoundsTheirPotentials) {
    Random random(17);
    DiscreteMeasure mu{gaussian_points(100, 2, random), uniform_weights(100, 0.1, 1.0, random)};
    DiscreteMeasure nu{gaussian_points(80, 2, random), uniform_weights(80, 0.1, 1.0, random)};
    for (const Index i : {0, 17, 99}) mu.weights[i] = 0.0;
    for (const Index j : {1, 40, 79}) nu.weights[j] = 0.0;
    nu.weights *= mu.weights.sum() / nu.weights.sum();
    const ExactResult result = solve_certified(mu, nu, identity(2));
    for (std::size_t t = 0; t < result.plan.size(); ++t) {
        EXPECT_GT(mu.weights[result.plan.row[t]], 0.0);
        EXPECT_GT(nu.weights[result.plan.col[t]], 0.0);
    }
}

TEST(ExactTransport, HandlesHeavyTails) {
    Random random(18);
    std::cauchy_distribution<double> cauchy;
    for (const Index d : {1, 2, 5}) {
        const auto cloud = [&](Index n) { return Points(Points::NullaryExpr(n, d, [&] { return cauchy(random); })); };
        solve_certified({cloud(500), {}}, {cloud(500), {}}, identity(d));
    }
}

TEST(ExactTransport, WarmStartsReachTheColdValue) {
    Random random(19);
    for (const Index d : {2, 3, 6}) {
        const DiscreteMeasure mu{gaussian_points(250, d, random), {}};
        const DiscreteMeasure nu{gaussian_points(180, d, random), uniform_weights(180, 0.1, 1.0, random)};
        ExactTransport warm(mu, nu);
        Matrix Q = random_metric(d, random);
        for (int step = 0; step < 12; ++step) {
            const ExactResult result = warm.solve(Q);
            expect_certified(mu, nu, Q, result);
            if (step % 4 == 3) {
                Q = random_metric(d, random);  // a jump
            } else {
                Q += 0.01 * random_metric(d, random);
            }
        }
        const Vector direction = gaussian_points(d, 1, random).col(0);
        const Matrix flat = direction * direction.transpose();
        expect_certified(mu, nu, flat, warm.solve(flat));  // sorted
        expect_certified(mu, nu, Q, warm.solve(Q));        // and back
    }
}

TEST(ExactTransport, RoundingOfLargePotentialsStartsNoEndlessPivots) {
    // A basis kept from another metric has potentials far above the costs of a nearly singular one.
    Random random(17);
    constexpr int n = 300, d = 10;
    const DiscreteMeasure mu{gaussian_points(n, d, random), {}};
    const DiscreteMeasure nu{gaussian_points(n, d, random), {}};
    ExactTransport transport(mu, nu);
    for (int k = 0; k < 6; ++k) {
        const Points root = gaussian_points(2, d, random);
        const Matrix Q =
            k == 0 ? Matrix(Matrix::Identity(d, d)) : Matrix(root.transpose() * root + 1e-4 * Matrix::Identity(d, d));
        EXPECT_LT(transport.solve(Q).n_pivots, 25 * 2 * n) << k;
    }
}

TEST(ExactTransport, SameBitsForEveryRunAndNumberOfThreads) {
    Random random(20);
    for (const Index d : {2, 7}) {
        const DiscreteMeasure mu{gaussian_points(900, d, random), {}};
        const DiscreteMeasure nu{gaussian_points(900, d, random), {}};
        const ExactResult one = ExactTransport(mu, nu).solve(identity(d), {.n_threads = 1, .cancel = {}});
        for (const int n_threads : {1, 2, 0}) {
            const ExactResult other = ExactTransport(mu, nu).solve(identity(d), {.n_threads = n_threads, .cancel = {}});
            EXPECT_EQ(one.plan.col, other.plan.col);
            EXPECT_EQ(one.plan.mass, other.plan.mass);
            EXPECT_EQ(one.potentials.a, other.potentials.a);
            EXPECT_EQ(one.potentials.b, other.potentials.b);
            EXPECT_EQ(one.certificate.lower, other.certificate.lower);
            EXPECT_EQ(one.certificate.upper, other.certificate.upper);
        }
    }
}

TEST(ExactTransport, CancellingKeepsAValidBracket) {
    Random random(21);
    for (const Index d : {2, 8}) {
        constexpr Index n = 12'000;  // takes far longer than the longest wait
        const DiscreteMeasure mu{gaussian_points(n, d, random), {}};
        const DiscreteMeasure nu{gaussian_points(n, d, random), {}};
        const Certificate solved = d == 2 ? solve(mu, nu, identity(d)).certificate : Certificate{0.0, infinity};
        for (const int milliseconds : {0, 5, 30}) {
            const CancelToken cancel;
            std::jthread interrupter([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
                cancel.request();
            });
            const auto start = std::chrono::steady_clock::now();
            const ExactResult result = ExactTransport(mu, nu).solve(identity(d), {.n_threads = 1, .cancel = cancel});
            const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
            EXPECT_LT(elapsed.count(), 2.0);
            EXPECT_EQ(result.status, Status::Interrupted);
            EXPECT_LT(marginal_error(result.plan, mu, nu), 100.0 * epsilon);
            EXPECT_LE(result.certificate.lower, solved.upper);
            EXPECT_GE(result.certificate.upper, solved.lower);
            EXPECT_LE(result.certificate.lower, result.certificate.upper);
        }
    }
}

TEST(ExactTransport, PricesAnyPotentials) {
    Random random(19);
    const DiscreteMeasure mu{.points = gaussian_points(30, 4, random), .weights = Vector::Constant(30, 1.3)};
    DiscreteMeasure nu{.points = gaussian_points(40, 4, random), .weights = Vector::Ones(40)};
    nu.weights[7] = 0.0;
    const Matrix Q = random_metric(4, random);
    ExactTransport transport(mu, nu);
    const double optimum = transport.solve(Q).certificate.upper;
    const Potentials guess{uniform_weights(30, -1.0, 3.0, random), uniform_weights(40, -1.0, 3.0, random)};
    const PricedPotentials priced = transport.price(Q, guess, 2);
    EXPECT_LE(priced.lower, optimum);
    EXPECT_TRUE(std::is_sorted(priced.row.begin(), priced.row.end()));

    const double tolerance = 1e-12 * test::cost_scale(mu, nu, Q);
    long double lower = 0.0L;
    std::map<std::pair<int, int>, double> slack;
    for (std::size_t t = 0; t < priced.row.size(); ++t) slack[{priced.row[t], priced.col[t]}] = priced.slack[t];
    EXPECT_EQ(slack.size(), priced.row.size());
    for (int i = 0; i < 30; ++i) {
        lower += test::weight_of(mu, i) * priced.potentials.a[i];
        std::vector<double> in_row;
        for (int j = 0; j < 40; ++j) {
            const auto cost = static_cast<double>(test::pair_cost(mu, nu, Q, i, j));
            EXPECT_LE(priced.potentials.a[i] + priced.potentials.b[j], cost + tolerance);
            if (nu.weights[j] == 0.0) continue;
            in_row.push_back(cost - guess.a[i] - guess.b[j]);
            const auto found = slack.find({i, j});
            if (found != slack.end()) {
                EXPECT_NEAR(found->second, in_row.back(), tolerance);
            }
        }
        std::sort(in_row.begin(), in_row.end());
        for (int t = 0; t < 2; ++t) {  // the least two are among those found
            EXPECT_TRUE(std::any_of(slack.begin(), slack.end(), [&](const auto& entry) {
                return entry.first.first == i && std::abs(entry.second - in_row[t]) <= tolerance;
            }));
        }
    }
    for (int j = 0; j < 40; ++j) lower += test::weight_of(nu, j) * priced.potentials.b[j];
    EXPECT_NEAR(static_cast<double>(lower), priced.lower, tolerance);
}

TEST(ExactTransport, RefusesBadInput) {
    const DiscreteMeasure plane{Points::Ones(3, 2), {}};
    const DiscreteMeasure space{Points::Ones(3, 3), {}};
    EXPECT_THROW(ExactTransport(plane, space), InvalidArgument);
    ExactTransport transport(plane, plane);
    EXPECT_THROW(transport.solve(identity(3)), InvalidArgument);
    Matrix Q = identity(2);
    Q(0, 1) = 0.5;
    EXPECT_THROW(transport.solve(Q), InvalidArgument);
    Q(0, 1) = Q(1, 0) = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THROW(transport.solve(Q), InvalidArgument);
}

TEST(ExactTransport, ADescentIsOptimalForTheMetricItWasSteeredTo) {
    Random random(31);
    for (const Index d : {2, 3, 5}) {
        const DiscreteMeasure mu{gaussian_points(400, d, random), uniform_weights(400, 0.1, 1.0, random)};
        const DiscreteMeasure nu{gaussian_points(300, d, random).array() + 0.5, {}};
        Index last_level = 0;
        int n_levels = 0;
        const auto steer = [&](const Matrix& Q, const Matrix& moment, Index n_clusters) -> std::optional<Matrix> {
            const double cost = solve(mu, nu, Q).certificate.upper;
            EXPECT_NEAR(Q.cwiseProduct(moment).sum(), cost, 0.5 * cost);
            if (n_clusters == last_level) return std::nullopt;
            last_level = n_clusters;
            ++n_levels;
            return random_metric(d, random);
        };
        ExactTransport transport(mu, nu);
        Matrix Q = identity(d);
        const ExactResult result = transport.descend(Q, steer);
        EXPECT_GE(n_levels, 2);
        EXPECT_NE(Q, identity(d));
        expect_certified(mu, nu, Q, result);
        EXPECT_NEAR(result.certificate.upper, solve(mu, nu, Q).certificate.upper,
                    result.certificate.upper - result.certificate.lower);
    }
}

}  // namespace
}  // namespace spectralot
