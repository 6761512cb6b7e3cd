#include "dynamic/slice_prox.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/dynamic/action.hpp"
#include "spectralot/dynamic/solve.hpp"

#include <gtest/gtest.h>
#include <Eigen/LU>

#include <cmath>
#include <random>

using namespace spectralot;

namespace {

constexpr int n = 12, n_times = 8;

Vector bump(double x0, double y0, double deviation) {
    Vector masses(n * n);
    for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) {
            const double x = (i + 0.5) / n - x0, y = (j + 0.5) / n - y0;
            masses[i * n + j] = std::exp(-(x * x + y * y) / (2.0 * deviation * deviation));
        }
    }
    return masses / masses.sum();
}

dynamic::DynamicResult solved(const Vector& a, const Vector& b, const Gauge& gauge, const dynamic::Grid& grid,
                              dynamic::DynamicOptions options = {.n_times = n_times, .tol = 3e-3}) {
    const auto r = dynamic::solve(a, b, grid, gauge, options);
    EXPECT_TRUE(r.converged) << to_string(r.status) << " gap " << r.certificate.relative_gap();
    return r;
}

const dynamic::Grid square{.shape = {n, n}};

bool meet(const Certificate& a, const Certificate& b) {
    return a.lower <= b.upper && b.lower <= a.upper;
}

Points gaussian(Index rows, Index cols, std::mt19937& random) {
    std::normal_distribution<double> normal;
    return Points::NullaryExpr(rows, cols, [&] { return normal(random); });
}

}  // namespace

TEST(DynamicLaw, TimeReversalAndQuarterTurnsKeepTheValue) {
    const Vector a = bump(0.3, 0.3, 0.12), b = bump(0.6, 0.7, 0.15);
    Vector turned_a(n * n), turned_b(n * n);
    for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) {
            turned_a[j * n + n - 1 - i] = a[i * n + j];
            turned_b[j * n + n - 1 - i] = b[i * n + j];
        }
    }
    for (const Gauge& gauge : {Gauge(Schatten{.p = 2.0}), operator_gauge()}) {
        const Certificate here = solved(a, b, gauge, square).certificate;
        EXPECT_TRUE(meet(here, solved(b, a, gauge, square).certificate));
        EXPECT_TRUE(meet(here, solved(turned_a, turned_b, gauge, square).certificate));
    }
}

TEST(DynamicLaw, TheValueDecreasesInPAndTheActionIsConstant) {
    const Vector a = bump(0.3, 0.3, 0.1), b = bump(0.6, 0.7, 0.16);
    double before = infinity;
    for (const double p : {1.0, 2.0, 4.0, infinity}) {
        const auto r = solved(a, b, Schatten{.p = p}, square, {.n_times = n_times, .tol = 1e-3});
        EXPECT_LE(r.certificate.lower, before);
        before = r.certificate.upper;
        // A path could gain the variance of √action by another clock, and no more than the gap is left to gain.
        const Vector root = r.action.cwiseSqrt();
        EXPECT_LE(r.action.mean() - root.mean() * root.mean(), r.certificate.upper - r.certificate.lower);
        // What is left on this grid, measured: 0.4 per cent at a gap of 1e-3.
        EXPECT_LE((r.action.array() - r.value).abs().maxCoeff(), 0.01 * r.value);
    }
}

TEST(DynamicLaw, OneAndThreeDimensionsMasksAndPeriodicBoxes) {
    Vector left = Vector::Zero(16), right = Vector::Zero(16);
    for (int i = 0; i < 16; ++i) {
        left[i] = std::exp(-std::pow((i - 4) / 2.0, 2.0));
        right[i] = std::exp(-std::pow((i - 11) / 2.0, 2.0));
    }
    right *= left.sum() / right.sum();
    const auto line = solved(left, right, trace_gauge(), {.shape = {16}});
    EXPECT_NEAR(line.value, std::pow(7.0 / 16.0, 2.0), 0.01);
    // On the ring the way round the back is 9 cells, the direct one 7.
    const auto ring = solved(left, right, trace_gauge(), {.shape = {16}, .boundary = dynamic::Boundary::Periodic});
    EXPECT_LE(ring.certificate.lower, line.certificate.upper);

    Vector a = Vector::Zero(216), b = Vector::Zero(216);
    for (int c = 0; c < 216; ++c) {
        const int i = c / 36, j = c / 6 % 6, k = c % 6;
        a[c] = std::exp(-0.5 * ((i - 1) * (i - 1) + (j - 2) * (j - 2) + (k - 2) * (k - 2)));
        b[c] = a[c];
    }
    for (int c = 0; c < 216; ++c) b[c] = a[(5 - c / 36) * 36 + c % 36];
    for (const Gauge& gauge : {trace_gauge(), Gauge(KyFan{.k = 2}), operator_gauge()})
        solved(a, b, gauge, {.shape = {6, 6, 6}}, {.n_times = 6, .tol = 1e-2});

    // A wall with a door makes the way longer; a mask that is open everywhere changes nothing.
    const Vector from = bump(0.25, 0.25, 0.1);
    Vector to(n * n);
    for (int c = 0; c < n * n; ++c) to[c] = from[(n - 1 - c / n) * n + c % n];
    std::vector<bool> open(n * n, true), wall(n * n, true);
    for (int j = 0; j < n; ++j) wall[(n / 2) * n + j] = j >= n - 3;
    Vector from_wall = from, to_wall = to;
    for (int c = 0; c < n * n; ++c)
        if (!wall[c]) from_wall[c] = to_wall[c] = 0.0;
    from_wall /= from_wall.sum();
    to_wall /= to_wall.sum();
    const auto free = solved(from, to, Schatten{.p = 2.0}, square);
    EXPECT_TRUE(
        meet(free.certificate, solved(from, to, Schatten{.p = 2.0}, {.shape = {n, n}, .mask = open}).certificate));
    const auto around = solved(from_wall, to_wall, Schatten{.p = 2.0}, {.shape = {n, n}, .mask = wall},
                               {.n_times = n_times, .tol = 2e-2});
    EXPECT_GT(around.certificate.lower, 1.2 * free.certificate.upper);
    for (Index k = 0; k < around.density.rows(); ++k)
        for (int c = 0; c < n * n; ++c) EXPECT_TRUE(wall[c] || around.density(k, c) == 0.0);
}

TEST(DynamicLaw, TheNumberOfThreadsDoesNotChangeABit) {
    const Vector a = bump(0.3, 0.3, 0.12), b = bump(0.6, 0.7, 0.15);
    const auto one = dynamic::solve(a, b, square, operator_gauge(), {.n_times = n_times, .max_iter = 60});
    const auto two =
        dynamic::solve(a, b, square, operator_gauge(), {.n_times = n_times, .max_iter = 60, .n_threads = 2});
    EXPECT_EQ(one.certificate.lower, two.certificate.lower);
    EXPECT_EQ(one.certificate.upper, two.certificate.upper);
    EXPECT_EQ(one.density, two.density);
}

TEST(DynamicLaw, EqualMeasuresAreAtDistanceZero) {
    const Vector a = bump(0.4, 0.5, 0.15);
    const auto r = dynamic::solve(a, a, square, Schatten{.p = 2.0}, {.n_times = n_times, .max_iter = 2000});
    EXPECT_TRUE(r.converged);
    EXPECT_EQ(r.status, Status::ZeroToRounding);
    EXPECT_EQ(r.value, 0.0);
}

TEST(SliceProx, MetricIsActiveAtItsMomentAndTheProjectionIsFeasible) {
    std::mt19937 random(3);
    const Index cells = 50;
    for (const int d : {1, 2, 3}) {
        std::vector<Gauge> gauges = {trace_gauge(), Schatten{.p = 1.5}, Schatten{.p = 4.0}, operator_gauge(),
                                     WeightedTrace{.A = Matrix::Identity(d, d) * 2.0}};
        if (d == 3) {
            gauges.push_back(KyFan{.k = 2});
            gauges.push_back(BlockMax{.blocks = {{0, 2}, {1}}, .gauges = {operator_gauge(), trace_gauge()}, .eta = {}});
        }
        for (const Gauge& gauge : gauges) {
            const Points given = gaussian(d + 1, cells, random);
            Points w = Points::Zero(d + 1, cells), spare = w;
            std::vector<const double*> from;
            std::vector<double*> to, scratch;
            for (int i = 0; i <= d; ++i) {
                from.push_back(given.row(i).data());
                to.push_back(w.row(i).data());
                scratch.push_back(spare.row(i).data());
            }
            std::vector<double> rho(std::size_t(cells), 0.0);
            dynamic::SliceProx prox(gauge, d);
            prox.project(from, rho, scratch, 0.5, to);
            w *= 2.0;
            const Matrix Q = prox.metric();
            EXPECT_TRUE(gauge.contains(Q, 1e-9)) << gauge.repr();
            // Moreau: what the projection took off is the prox of the action, (ρ, m), with Q active at its moment.
            Matrix S = Matrix::Zero(d, d);
            for (Index c = 0; c < cells; ++c) {
                const Vector w1 = w.col(c).tail(d);
                const double form = w(0, c) + 0.25 * w1.dot(Q.inverse() * w1);
                EXPECT_LE(form, 1e-9) << gauge.repr();
                const Vector m = given.col(c).tail(d) - w1;
                const double mass = given(0, c) - w(0, c);
                EXPECT_GE(mass, -1e-14);
                if (mass > 1e-12) S += m * m.transpose() / mass;
            }
            EXPECT_NEAR(Q.cwiseProduct(S).sum(), gauge.value(S), 1e-8 * gauge.value(S)) << gauge.repr() << " d=" << d;
        }
    }
}

TEST(Action, IsJointlyConvexAndInfiniteWhereMomentumHasNoMass) {
    std::mt19937 random(5);
    for (const Gauge& gauge : {trace_gauge(), Gauge(Schatten{.p = 3.0}), operator_gauge()}) {
        for (int trial = 0; trial < 20; ++trial) {
            const Vector mass_0 = gaussian(6, 1, random).cwiseAbs(), mass_1 = gaussian(6, 1, random).cwiseAbs();
            const Points m_0 = gaussian(6, 2, random), m_1 = gaussian(6, 2, random);
            const double middle = dynamic::action(0.5 * (mass_0 + mass_1), 0.5 * (m_0 + m_1), gauge);
            const double ends = dynamic::action(mass_0, m_0, gauge) + dynamic::action(mass_1, m_1, gauge);
            EXPECT_LE(middle, 0.5 * ends * (1.0 + 1e-12));
        }
    }
    const Vector nothing = Vector::Zero(1);
    const Points along = (Points(1, 2) << 0.0, 1.0).finished();
    const Matrix A = (Matrix(2, 2) << 1.0, 0.0, 0.0, 1.0).finished();
    EXPECT_EQ(dynamic::action(nothing, along, WeightedTrace{.A = A}), infinity);
    EXPECT_EQ(dynamic::action(nothing, Points::Zero(1, 2), trace_gauge()), 0.0);
    EXPECT_EQ(dynamic::action(-Vector::Ones(1), along, trace_gauge()), infinity);
    EXPECT_THROW(dynamic::action(nothing, Points::Zero(2, 2), trace_gauge()), InvalidArgument);
}
