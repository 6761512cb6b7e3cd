#include "transport/restore_marginals.hpp"

#include "spectralot/discrete/measure.hpp"
#include "support/discrete_reference.hpp"

#include <gtest/gtest.h>

using namespace spectralot;
using namespace spectralot::test;

namespace {

struct Masses {
    std::vector<int> row, col;
    Vector mass, row_mass, col_mass;
};

/// A random coupling of n × m atoms on all pairs, spread over `decades`.
Masses random_masses(int n, int m, double decades, Random& random) {
    Masses s{.row = {}, .col = {}, .mass = Vector(n * m), .row_mass = Vector::Zero(n), .col_mass = Vector::Zero(m)};
    std::uniform_real_distribution<double> exponent(-decades, 0.0);
    for (int i = 0; i < n; ++i) {
        for (int j = 0; j < m; ++j) {
            s.mass(Index(s.row.size())) = std::pow(10.0, exponent(random));
            s.row.push_back(i);
            s.col.push_back(j);
        }
    }
    s.mass /= s.mass.sum();
    for (Index k = 0; k < s.mass.size(); ++k) {
        s.row_mass(s.row[std::size_t(k)]) += s.mass(k);
        s.col_mass(s.col[std::size_t(k)]) += s.mass(k);
    }
    return s;
}

double marginal_error(const Masses& s, const Vector& mass) {
    Vector row = -s.row_mass, col = -s.col_mass;
    for (Index k = 0; k < mass.size(); ++k) {
        row(s.row[std::size_t(k)]) += mass(k);
        col(s.col[std::size_t(k)]) += mass(k);
    }
    return row.lpNorm<1>() + col.lpNorm<1>();
}

}  // namespace

TEST(RestoreMarginals, RepairsSmallErrorsAndMovesLittle) {
    Random random(1);
    std::uniform_real_distribution<double> noise(-1e-6, 1e-6);
    for (int instance = 0; instance < 50; ++instance) {
        const Masses s = random_masses(6, 9, 3.0, random);
        Vector wrong = s.mass;
        for (double& w : wrong) w *= 1.0 + noise(random);
        const auto repaired = restore_marginals(s.row, s.col, wrong, s.row_mass, s.col_mass, 1e-12);
        ASSERT_TRUE(repaired);
        EXPECT_LE(marginal_error(s, *repaired), 1e-15);
        EXPECT_GE(repaired->minCoeff(), 0.0);
        EXPECT_LE((*repaired - s.mass).cwiseAbs().maxCoeff(), 2e-5);
    }
}

TEST(RestoreMarginals, DropsWhatIsBelowTheFloor) {
    Random random(2);
    Masses s = random_masses(8, 8, 1.0, random);
    for (Index k = 0; k < s.mass.size(); ++k) {
        if (s.row[std::size_t(k)] != s.col[std::size_t(k)]) s.mass(k) = 1e-9 * s.mass(k);
    }
    s.row_mass = s.col_mass = Vector::Constant(8, 0.125);
    const auto diagonal = restore_marginals(s.row, s.col, s.mass, s.row_mass, s.col_mass, 1e-4);
    ASSERT_TRUE(diagonal);
    EXPECT_EQ((diagonal->array() > 0.0).count(), 8);
    EXPECT_LE(marginal_error(s, *diagonal), 1e-15);
}

TEST(RestoreMarginals, GivesUpWhenTheForestCannotCarryIt) {
    // Two separate pairs cannot exchange mass, whatever the floor.
    const std::vector<int> row{0, 1}, col{0, 1};
    const Vector unequal = (Vector(2) << 0.4, 0.6).finished(), even = Vector::Constant(2, 0.5);
    EXPECT_FALSE(restore_marginals(row, col, even, unequal, even, 1e-4));
    // A negative mass would be needed.
    const std::vector<int> chain_row{0, 0, 1}, chain_col{0, 1, 1};
    const Vector third = Vector::Constant(3, 1.0 / 3.0);
    const Vector a = (Vector(2) << 0.2, 0.8).finished();
    EXPECT_FALSE(restore_marginals(chain_row, chain_col, third, a, (Vector(2) << 0.3, 0.7).finished(), 1e-4));
}
