#include "spectralot/ode/integrate.hpp"

#include "spectralot/core/errors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

using namespace spectralot;

namespace {

void rotate(double, const Vector& y, Vector& slope) {
    slope << -y[1], y[0];
}

double error_at(double rtol) {
    const Vector start = Vector::Unit(2, 0);
    const ode::Outcome end = ode::integrate(rotate, 0.0, start, 10.0, {.rtol = rtol, .atol = rtol});
    return (end.y - Vector{{std::cos(10.0), std::sin(10.0)}}).norm();
}

}  // namespace

TEST(Integrate, ErrorFollowsTheTolerance) {
    for (const double rtol : {1e-4, 1e-7, 1e-10}) EXPECT_LE(error_at(rtol), 20.0 * rtol);
}

TEST(Integrate, StepsGrowWithTheFifthRootOfTheTolerance) {
    const Vector start = Vector::Unit(2, 0);
    const auto steps = [&](double rtol) {
        return double(ode::integrate(rotate, 0.0, start, 10.0, {.rtol = rtol, .atol = rtol}).n_steps);
    };
    EXPECT_NEAR(std::log10(steps(1e-11) / steps(1e-6)), 1.0, 0.1);
}

TEST(Integrate, EventIsLocatedToTheAccuracyOfTheDenseOutput) {
    const Vector start = Vector::Unit(2, 0);
    const ode::Outcome end = ode::integrate(rotate, 0.0, start, 10.0, {.rtol = 1e-9, .atol = 1e-9},
                                            {[](double, const Vector& y) { return y[0]; }});
    EXPECT_EQ(end.event, 0);
    EXPECT_NEAR(end.t, std::numbers::pi / 2, 1e-7);
    EXPECT_NEAR(end.y[0], 0.0, 1e-12);
}

TEST(Integrate, TheEarlierOfTwoEventsWins) {
    const Vector start{{1.0, 2.0}};
    const auto fall = [](double, const Vector&, Vector& slope) { slope << -1.0, -1.0; };
    const ode::Outcome end =
        ode::integrate(fall, 0.0, start, 10.0, {},
                       {[](double, const Vector& y) { return y[1]; }, [](double, const Vector& y) { return y[0]; }});
    EXPECT_EQ(end.event, 1);
    EXPECT_NEAR(end.t, 1.0, 1e-12);
}

TEST(Integrate, StepsThatLeaveTheDomainAreShortened) {
    // y' = -1/(2y), y = √(1-t): undefined beyond t = 1.
    const auto f = [](double, const Vector& y, Vector& slope) {
        slope[0] = y[0] > 0.0 ? -0.5 / y[0] : std::numeric_limits<double>::quiet_NaN();
    };
    const ode::Outcome end = ode::integrate(f, 0.0, Vector::Ones(1), 2.0);
    EXPECT_EQ(end.status, Status::Stalled);
    EXPECT_NEAR(end.t, 1.0, 1e-6);
}

TEST(Integrate, LimitsAndBadInputAreNamed) {
    const Vector start = Vector::Unit(2, 0);
    EXPECT_EQ(ode::integrate(rotate, 0.0, start, 10.0, {.max_steps = 3}).status, Status::IterationLimit);
    EXPECT_THROW(ode::integrate(rotate, 0.0, start, -1.0), InvalidArgument);
    EXPECT_THROW(ode::integrate(rotate, 0.0, start, 1.0, {.rtol = 0.0}), InvalidArgument);
    EXPECT_EQ(ode::integrate(rotate, 1.0, start, 1.0).y, start);
}
