#include "spectralot/saddle/master.hpp"

#include "saddle/support.hpp"

#include <gtest/gtest.h>

#include <cmath>

using namespace spectralot;
using namespace spectralot::test;

namespace {

double best_atom_value(const Gauge& gauge, const std::vector<Matrix>& moments) {
    double best = infinity;
    for (const Matrix& moment : moments) best = std::min(best, gauge.value(moment));
    return best;
}

/// The tolerance is relative to the best single atom.
MasterSolution solve_master(const Gauge& gauge, const std::vector<Matrix>& moments, double relative_tol) {
    Master master(gauge, int(moments[0].rows()));
    for (const Matrix& moment : moments) master.add(moment);
    return master.solve(relative_tol * best_atom_value(gauge, moments));
}

}  // namespace

TEST(Master, ClosesTheBracketForEveryGauge) {
    Random random(1);
    for (const int d : {2, 3, 6}) {
        for (const int rank : {1, 3 * d}) {
            for (const int atoms : {1, 2, 9}) {
                for (const Gauge& gauge : gauges_in_dimension(d, random)) {
                    std::vector<Matrix> moments;
                    for (int k = 0; k < atoms; ++k) moments.push_back(random_moment(random, d, rank));
                    const MasterSolution s = solve_master(gauge, moments, 1e-10);
                    SCOPED_TRACE(gauge.repr() + " d=" + std::to_string(d) + " atoms=" + std::to_string(atoms));
                    EXPECT_LE(s.upper - s.lower, 3e-10 * s.upper);
                    EXPECT_GE(s.upper - s.lower, -1e-12 * s.upper);
                }
            }
        }
    }
}

TEST(Master, ReturnsFeasiblePointsThatProveItsBracket) {
    Random random(2);
    const int d = 4;
    for (const Gauge& gauge : gauges_in_dimension(d, random)) {
        SCOPED_TRACE(gauge.repr());
        std::vector<Matrix> moments;
        for (int k = 0; k < 7; ++k) moments.push_back(random_moment(random, d, 2 * d));
        const MasterSolution s = solve_master(gauge, moments, 1e-8);
        EXPECT_NEAR(s.weights.sum(), 1.0, 1e-14);
        EXPECT_GE(s.weights.minCoeff(), 0.0);
        Matrix mixed = Matrix::Zero(d, d);
        double lower = infinity;
        for (std::size_t k = 0; k < moments.size(); ++k) {
            mixed += s.weights(Index(k)) * moments[k];
            lower = std::min(lower, s.metric.cwiseProduct(moments[k]).sum());
        }
        EXPECT_NEAR(gauge.value(mixed), s.upper, 1e-13 * s.upper);
        EXPECT_NEAR(lower, s.lower, 1e-13 * s.upper);
        EXPECT_LE(gauge.membership_excess(s.metric), 1e-11);
    }
}

TEST(Master, AgreesWithGoldenSectionOnTwoAtoms) {
    Random random(3);
    for (const Gauge& gauge : gauges_in_dimension(3, random)) {
        SCOPED_TRACE(gauge.repr());
        const Matrix a = random_moment(random, 3, 4), b = random_moment(random, 3, 4);
        double low = 0.0, high = 1.0;
        const auto value = [&](double t) { return gauge.value((1.0 - t) * a + t * b); };
        for (int i = 0; i < 200; ++i) {
            const double left = low + (high - low) * 0.382, right = low + (high - low) * 0.618;
            (value(left) < value(right) ? high : low) = value(left) < value(right) ? right : left;
        }
        const MasterSolution s = solve_master(gauge, {a, b}, 1e-11);
        EXPECT_NEAR(s.upper, std::min({value(0.5 * (low + high)), value(0.0), value(1.0)}), 1e-10 * s.upper);
    }
}

TEST(Master, FindsTheDensityMatrixOfTwoOrthogonalDirections) {
    // S_1 = e1e1ᵀ, S_2 = e2e2ᵀ: the saddle of the operator norm is w = (½, ½), Q = I/2.
    Matrix first = Matrix::Zero(2, 2), second = Matrix::Zero(2, 2);
    first(0, 0) = second(1, 1) = 1.0;
    const MasterSolution s = solve_master(operator_gauge(), {first, second}, 1e-12);
    EXPECT_NEAR(s.upper, 0.5, 1e-12);
    EXPECT_LE((s.metric - Matrix::Identity(2, 2) / 2.0).norm(), 1e-11);
}

TEST(Master, DoesNotMindScaleOrDuplicates) {
    Random random(4);
    const std::vector<Matrix> moments{random_moment(random, 3, 4), random_moment(random, 3, 4)};
    for (const Gauge& gauge : gauges_in_dimension(3, random)) {
        SCOPED_TRACE(gauge.repr());
        const double plain = solve_master(gauge, moments, 1e-11).upper;
        EXPECT_NEAR(solve_master(gauge, {moments[0], moments[1], moments[0]}, 1e-11).upper, plain, 1e-10 * plain);
        const double factor = 1e-280;
        EXPECT_NEAR(solve_master(gauge, {factor * moments[0], factor * moments[1]}, 1e-11).upper / factor, plain,
                    1e-10 * plain);
    }
}

TEST(Master, OfACustomGaugeMatchesTheGaugeItImitates) {
    Random random(5);
    for (const double p : {2.0, infinity}) {
        const Gauge known = Schatten{.p = p};
        const Gauge custom = CustomGauge{.value = [known](const Matrix& s) { return known.value(s); },
                                         .active = [known](const Matrix& s) { return known.active(s); }};
        std::vector<Matrix> moments;
        for (int k = 0; k < 5; ++k) moments.push_back(random_moment(random, 2, 3));
        const MasterSolution s = solve_master(custom, moments, 1e-8), reference = solve_master(known, moments, 1e-10);
        const double tol = 1e-8 * best_atom_value(known, moments);
        EXPECT_LE(s.upper - s.lower, tol);
        EXPECT_NEAR(s.upper, reference.upper, 2.0 * tol);
        EXPECT_LE(known.membership_excess(s.metric), 1e-12);
    }
}
