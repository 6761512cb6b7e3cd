#include "spectralot/discrete/measure.hpp"

#include "spectralot/core/errors.hpp"
#include "support/discrete_reference.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace spectralot {
namespace {

SparsePlan small_plan() {
    return {.n_rows = 2, .n_cols = 3, .row = {0, 0, 1}, .col = {0, 2, 1}, .mass = {0.25, 0.25, 0.5}};
}

TEST(Measure, ErrorsNameTheArgumentTheRuleAndTheValueSeen) {
    const auto message = [](const DiscreteMeasure& mu, const DiscreteMeasure& nu) -> std::string {
        try {
            check_pair(mu, nu);
        } catch (const InvalidArgument& error) {
            return error.what();
        }
        return "accepted";
    };
    const DiscreteMeasure good{Points::Ones(3, 2), {}};
    Points broken = Points::Ones(3, 2);
    broken(1, 0) = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(message(good, good), "accepted");
    EXPECT_NE(message({Points(0, 2), {}}, good).find("X_a"), std::string::npos);
    EXPECT_NE(message(good, {broken, {}}).find("nan in row 1"), std::string::npos);
    EXPECT_NE(message(good, {Points::Ones(3, 4), {}}).find("dimension"), std::string::npos);
    EXPECT_NE(message({good.points, Vector::Ones(2)}, good).find("a: needs one weight per point"), std::string::npos);
    EXPECT_NE(message(good, {good.points, Eigen::Vector3d(1.0, -2.0, 1.0)}).find("-2 at position 1"),
              std::string::npos);
    EXPECT_NE(message(good, {good.points, Vector::Zero(3)}).find("positive"), std::string::npos);
    EXPECT_NE(message({good.points, Vector::Ones(3)}, {good.points, Vector::Ones(3) * (1.0 + 1e-8)}).find("total mass"),
              std::string::npos);
    EXPECT_EQ(message({good.points, Vector::Ones(3)}, {good.points, Vector::Ones(3) * (1.0 + 1e-10)}), "accepted");
    EXPECT_EQ(message({good.points, Vector::Ones(3) * 7.0}, good), "accepted");
}

TEST(SecondMoment, IsTheSumOfOuterProducts) {
    test::Random random(1);
    const Points x = test::gaussian_points(2, 3, random);
    const Points y = test::gaussian_points(3, 3, random);
    const SparsePlan plan = small_plan();
    Matrix expected = Matrix::Zero(3, 3);
    for (std::size_t t = 0; t < plan.size(); ++t) {
        const Vector step = y.row(plan.col[t]) - x.row(plan.row[t]);
        expected += plan.mass[t] * step * step.transpose();
    }
    const Matrix moment = second_moment(plan, x, y);
    EXPECT_LE((moment - expected).norm(), 16.0 * epsilon * expected.norm());
    EXPECT_EQ(moment, Matrix(moment.transpose()));
}

TEST(SecondMoment, LosesNoDigitsToCancellationBetweenTerms) {
    // 2^60 + 128 + 128: a plain sum would round each 128 away.
    const SparsePlan plan{.n_rows = 1, .n_cols = 3, .row = {0, 0, 0}, .col = {0, 1, 2}, .mass = {0x1p60, 1.0, 1.0}};
    Points y(3, 2);
    y << 1.0, 1.0, 1.0, 128.0, -1.0, -128.0;
    EXPECT_EQ(second_moment(plan, Points::Zero(1, 2), y)(0, 1), 0x1p60 + 256.0);
}

TEST(Mix, OfOnePlanIsThatPlan) {
    const SparsePlan plan = small_plan();
    const SparsePlan mixed = mix({&plan, &plan}, {0.25, 0.75});
    EXPECT_EQ(mixed.row, plan.row);
    EXPECT_EQ(mixed.col, plan.col);
    EXPECT_EQ(mixed.mass, plan.mass);
}

TEST(Mix, KeepsTheMomentLinear) {
    test::Random random(2);
    const Points x = test::gaussian_points(2, 2, random);
    const Points y = test::gaussian_points(3, 2, random);
    const SparsePlan one = small_plan();
    const SparsePlan two{.n_rows = 2, .n_cols = 3, .row = {0, 1, 1}, .col = {1, 0, 2}, .mass = {0.5, 0.25, 0.25}};
    const SparsePlan mixed = mix({&one, &two}, {0.3, 0.7});
    const Matrix expected = 0.3 * second_moment(one, x, y) + 0.7 * second_moment(two, x, y);
    EXPECT_LE((second_moment(mixed, x, y) - expected).norm(), 16.0 * epsilon * expected.norm());
    EXPECT_EQ(mix({&one, &two}, {1.0, 0.0}).mass, one.mass);
}

TEST(MarginalError, MeasuresBothSidesAndCountsMissingAtoms) {
    const DiscreteMeasure mu{Points::Zero(2, 1), {}};
    const DiscreteMeasure nu{Points::Zero(3, 1), Eigen::Vector3d(1.0, 2.0, 1.0)};
    SparsePlan plan = small_plan();
    EXPECT_GE(marginal_error(plan, mu, nu), 0.0);
    EXPECT_LE(marginal_error(plan, mu, nu), 10.0 * epsilon);
    plan.mass[2] = 0.25;  // row 1 and column 1 now miss a quarter each
    EXPECT_GE(marginal_error(plan, mu, nu), 0.5);
    EXPECT_LE(marginal_error(plan, mu, nu), 0.5 + 10.0 * epsilon);
}

}  // namespace
}  // namespace spectralot
