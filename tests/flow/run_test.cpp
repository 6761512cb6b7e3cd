#include "spectralot/flow/run.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/flow/mmd.hpp"
#include "spectralot/gauge/gauges.hpp"
#include "spectralot/gauge/selector.hpp"
#include "support/flow_reference.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace spectralot::flow {
namespace {

using testing::equal_weights;
using testing::normal_cloud;
using testing::random_weights;

struct Case {
    Points x = normal_cloud(40, 2, 1), y = (normal_cloud(30, 2, 2).array() + 1.0).matrix();
    Vector a = random_weights(40, 3);
    Mmd objective{{y, {}}, {.eps = 0.1}};
};

std::vector<Gauge> gauges() {
    const Matrix A = (Matrix(2, 2) << 2.0, 0.5, 0.5, 1.0).finished();
    return {trace_gauge(), Schatten{.p = 2.0}, operator_gauge(), KyFan{.k = 1}, WeightedTrace{.A = A}};
}

TEST(Run, OneTraceStepIsGradientDescentOnTheForce) {
    const Case c;
    Points g;
    c.objective.force(c.x, c.a, g);
    const Trajectory t = run(c.objective, c.x, c.a, trace_gauge(), {.step = 0.3, .n_steps = 1});
    EXPECT_LE((t.points[1] - (c.x - 0.3 * g)).cwiseAbs().maxCoeff(), 16 * epsilon);
}

TEST(Run, OneStepFollowsTheMeasureSelector) {
    const Case c;
    Points g;
    c.objective.force(c.x, c.a, g);
    for (const Gauge& gauge : gauges()) {
        const Trajectory t = run(c.objective, c.x, c.a, gauge, {.step = 0.3, .n_steps = 1});
        const Points expected = c.x + 0.3 * selector(gauge, g, c.a).direction;
        EXPECT_LE((t.points[1] - expected).cwiseAbs().maxCoeff(), 64 * epsilon) << gauge.repr();
    }
}

TEST(Run, DissipationIsTheSquaredDualNormForTheForceClock) {
    const Case c;
    for (const Gauge& gauge : gauges()) {
        const Trajectory t = run(c.objective, c.x, c.a, gauge, {.step = 0.05, .n_steps = 5});
        Points g;
        for (std::size_t k = 0; k < t.points.size(); ++k) {
            c.objective.force(t.points[k], c.a, g);
            const double expected = std::pow(dual_norm(gauge, g, c.a), 2);
            EXPECT_NEAR(t.dissipation[static_cast<Index>(k)], expected, 1e-11 * expected) << gauge.repr();
        }
    }
}

TEST(Run, EnergyFallsByWhatIsDissipatedToFirstOrderInTheStep) {
    const Case c;
    for (const Gauge& gauge : gauges()) {
        for (const Clock clock : {Clock::Force, Clock::Coordinate}) {
            const double time = clock == Clock::Force ? 0.5 : 20.0;
            const auto residual = [&](int n_steps) {
                const Trajectory t =
                    run(c.objective, c.x, c.a, gauge,
                        {.step = time / n_steps, .n_steps = n_steps, .clock = clock, .record_every = n_steps});
                EXPECT_LT(t.energy[1], t.energy[0]);
                return t.balance_residual[1];
            };
            const double order = std::log2(residual(64) / residual(128));
            EXPECT_NEAR(order, 1.0, 0.35) << gauge.repr();
        }
    }
}

TEST(Run, CoordinateClockIsTheForceClockSlowedByTheNumberOfParticles) {
    const Case c;
    const double n = static_cast<double>(c.x.rows());
    for (const Gauge& gauge : gauges()) {
        const Trajectory fast = run(c.objective, c.x, {}, gauge, {.step = 0.05, .n_steps = 10});
        const Trajectory slow =
            run(c.objective, c.x, {}, gauge, {.step = 0.05 * n, .n_steps = 10, .clock = Clock::Coordinate});
        EXPECT_LE((fast.points.back() - slow.points.back()).cwiseAbs().maxCoeff(), 1e-12) << gauge.repr();
        EXPECT_NEAR(fast.dissipation[10], n * slow.dissipation[10], 1e-12);
        EXPECT_NEAR(fast.balance_residual[10], slow.balance_residual[10], 1e-12);
    }
}

TEST(Run, ReplicatedParticlesMoveTogetherAsOne) {
    const Case c;
    Points doubled(80, 2);
    doubled << c.x, c.x;
    Vector halves(80);
    halves << c.a / 2, c.a / 2;
    for (const Gauge& gauge : gauges()) {
        const FlowOptions options{.step = 0.05, .n_steps = 10};
        const Trajectory one = run(c.objective, c.x, c.a, gauge, options),
                         two = run(c.objective, doubled, halves, gauge, options);
        EXPECT_LE((two.points.back().topRows(40) - one.points.back()).cwiseAbs().maxCoeff(), 1e-12) << gauge.repr();
        EXPECT_LE((two.points.back().bottomRows(40) - one.points.back()).cwiseAbs().maxCoeff(), 1e-12) << gauge.repr();
    }
}

TEST(Run, RotatesWithTheCloudsForASpectralGauge) {
    const Case c;
    const double cosine = std::cos(1.1), sine = std::sin(1.1);
    const Matrix R = (Matrix(2, 2) << cosine, -sine, sine, cosine).finished();
    const Mmd turned({c.y * R, {}}, {.eps = 0.1});
    for (const Gauge& gauge : {trace_gauge(), Gauge(Schatten{.p = 2.0}), operator_gauge()}) {
        const FlowOptions options{.step = 0.05, .n_steps = 10};
        const Points expected = run(c.objective, c.x, c.a, gauge, options).points.back() * R;
        EXPECT_LE((run(turned, c.x * R, c.a, gauge, options).points.back() - expected).cwiseAbs().maxCoeff(), 1e-12);
    }
}

TEST(Run, StaysAtTheTarget) {
    const Points y = normal_cloud(40, 2, 2);
    const Vector b = random_weights(40, 3);
    const Mmd f({y, b}, {.eps = 0.1});
    for (const Gauge& gauge : gauges()) {
        const Trajectory t = run(f, y, b, gauge, {.step = 0.05, .n_steps = 10});
        // The force is rounding, at most 64·eps, and so are velocities: selectors are one-homogeneous.
        EXPECT_LE((t.points.back() - y).cwiseAbs().maxCoeff(), 512 * epsilon) << gauge.repr();
        EXPECT_NEAR(t.energy[10], 0.0, 8 * epsilon) << gauge.repr();
    }
}

TEST(Run, MasslessParticlesFollowWithoutActing) {
    const Case c;
    Points more(41, 2);
    more << c.x, Points::Constant(1, 2, 0.25);
    Vector w(41);
    w << c.a, 0.0;
    const FlowOptions options{.step = 0.05, .n_steps = 10};
    const Trajectory with = run(c.objective, more, w, operator_gauge(), options);
    const Trajectory without = run(c.objective, c.x, c.a, operator_gauge(), options);
    EXPECT_LE((with.points.back().topRows(40) - without.points.back()).cwiseAbs().maxCoeff(), 1e-12);
    EXPECT_TRUE(with.points.back().allFinite());
}

TEST(Run, RecordsTheFirstEveryKthAndTheLastState) {
    const Case c;
    const Trajectory all = run(c.objective, c.x, c.a, operator_gauge(), {.step = 0.01, .n_steps = 7});
    const Trajectory some =
        run(c.objective, c.x, c.a, operator_gauge(), {.step = 0.01, .n_steps = 7, .record_every = 3});
    ASSERT_EQ(all.points.size(), 8u);
    ASSERT_EQ(some.points.size(), 4u);
    const int kept[] = {0, 3, 6, 7};
    for (Index k = 0; k < 4; ++k) {
        EXPECT_EQ(some.points[k], all.points[kept[k]]);
        EXPECT_EQ(some.energy[k], all.energy[kept[k]]);
        EXPECT_EQ(some.times[k], all.times[kept[k]]);
        EXPECT_EQ(some.dissipation[k], all.dissipation[kept[k]]);
        EXPECT_EQ(some.balance_residual[k], all.balance_residual[kept[k]]);
    }
    EXPECT_EQ(some.n_steps, 7);
    EXPECT_EQ(some.status, Status::Solved);
    EXPECT_EQ(some.balance_residual[0], 0.0);
}

TEST(Run, NoStepsKeepTheStart) {
    const Case c;
    const Trajectory t = run(c.objective, c.x, {}, operator_gauge(), {.n_steps = 0});
    ASSERT_EQ(t.points.size(), 1u);
    EXPECT_EQ(t.points[0], c.x);
    EXPECT_EQ(t.weights, equal_weights(40));
    EXPECT_EQ(t.energy[0], c.objective.energy(c.x, t.weights));
}

TEST(Run, WeightsNeedNotBeNormalised) {
    const Case c;
    const FlowOptions options{.step = 0.05, .n_steps = 3};
    EXPECT_EQ(run(c.objective, c.x, 4.0 * c.a, operator_gauge(), options).points.back(),
              run(c.objective, c.x, c.a, operator_gauge(), options).points.back());
}

TEST(Run, SameBitsTwice) {
    const Case c;
    const FlowOptions options{.step = 0.05, .n_steps = 20};
    const Trajectory one = run(c.objective, c.x, c.a, operator_gauge(), options),
                     two = run(c.objective, c.x, c.a, operator_gauge(), options);
    EXPECT_EQ(one.points.back(), two.points.back());
    EXPECT_EQ(one.energy, two.energy);
    EXPECT_EQ(one.balance_residual, two.balance_residual);
}

TEST(Run, CancellationKeepsThePathSoFar) {
    const Case c;
    Observer observer;
    observer.on_progress = [&](const Progress& progress) {
        if (progress.iteration == 6) observer.cancel.request();
    };
    const Trajectory t =
        run(c.objective, c.x, c.a, operator_gauge(), {.step = 0.01, .n_steps = 50, .record_every = 3}, observer);
    const Trajectory full = run(c.objective, c.x, c.a, operator_gauge(), {.step = 0.01, .n_steps = 6});
    EXPECT_EQ(t.status, Status::Interrupted);
    EXPECT_EQ(t.n_steps, 6);
    ASSERT_EQ(t.points.size(), 3u);
    EXPECT_EQ(t.points.back(), full.points.back());
    EXPECT_EQ(t.energy[2], full.energy[6]);
}

TEST(Run, ObserverHearsOfEveryRecordedState) {
    const Case c;
    std::vector<int> heard;
    Observer observer;
    observer.on_progress = [&](const Progress& progress) { heard.push_back(progress.iteration); };
    run(c.objective, c.x, c.a, operator_gauge(), {.step = 0.01, .n_steps = 7, .record_every = 3}, observer);
    EXPECT_EQ(heard, (std::vector<int>{0, 3, 6, 7}));
}

/// ½|x|² whose force breaks once the first coordinate of the first particle has fallen below `edge`.
CallbackObjective breaking_at(double edge) {
    return {[](const Points& x, const Vector& w) { return 0.5 * w.dot(x.rowwise().squaredNorm()); },
            [edge](const Points& x, const Vector&) { return x(0, 0) < edge ? Points(x * std::nan("")) : x; }};
}

TEST(Run, ANonFiniteForceStallsAtTheLastGoodState) {
    const Points x = Points::Constant(3, 2, 1.0);
    const CallbackObjective f = breaking_at(0.6);  // 1, 0.9, 0.81, 0.729, 0.6561, 0.59 breaks
    const Trajectory t = run(f, x, {}, trace_gauge(), {.step = 0.1, .n_steps = 100, .record_every = 3});
    EXPECT_EQ(t.status, Status::Stalled);
    EXPECT_EQ(t.n_steps, 4);
    ASSERT_EQ(t.points.size(), 3u);
    EXPECT_NEAR(t.points[2](0, 0), 0.6561, 8 * epsilon);
    EXPECT_NEAR(t.energy[2], 0.6561 * 0.6561, 8 * epsilon);
    EXPECT_TRUE(t.dissipation.allFinite());
    EXPECT_TRUE(t.balance_residual.allFinite());
    const Trajectory at_once = run(breaking_at(2.0), x, {}, trace_gauge(), {});
    EXPECT_EQ(at_once.status, Status::Stalled);
    ASSERT_EQ(at_once.points.size(), 1u);
    EXPECT_TRUE(std::isnan(at_once.dissipation[0]));
}

TEST(Run, OneNonFiniteEntryStallsEvenWhereItHasNoMass) {
    Vector w(4);
    w << 1.0, 1.0, 1.0, 0.0;
    for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
        for (const Index d : {1, 2, 5}) {  // more coordinates than particles, too
            const Points x = Points::Constant(4, d, 1.0);
            const CallbackObjective f([](const Points&, const Vector&) { return 0.0; },
                                      [bad](const Points& at, const Vector&) {
                                          Points g = at;
                                          g(at.rows() - 1, at.cols() - 1) = at(0, 0) < 1.0 ? bad : 1.0;
                                          return g;
                                      });
            for (const Gauge& gauge : {trace_gauge(), operator_gauge(), Gauge(Schatten{.p = 2.0})}) {
                const Trajectory t = run(f, x, w, gauge, {.step = 0.1, .n_steps = 3});
                EXPECT_EQ(t.status, Status::Stalled);
                EXPECT_EQ(t.n_steps, 0);
                EXPECT_TRUE(t.dissipation.allFinite());
            }
        }
    }
}

TEST(Run, AGaugeThatFailsIsHeardNotTakenForAForceThatIsNotFinite) {
    const Case c;
    const Gauge broken = CustomGauge{[](const Matrix&) -> double { throw InvalidArgument("the user's own"); },
                                     [](const Matrix& S) { return S; }};
    EXPECT_THROW(run(c.objective, c.x, c.a, broken, {}), InvalidArgument);
}

TEST(Run, CallbacksGiveTheFlowOfTheirObjective) {
    const Case c;
    const CallbackObjective wrapped([&](const Points& x, const Vector& w) { return c.objective.energy(x, w); },
                                    [&](const Points& x, const Vector& w) {
                                        Points g;
                                        c.objective.force(x, w, g);
                                        return g;
                                    });
    const FlowOptions options{.step = 0.05, .n_steps = 4};
    const Trajectory direct = run(c.objective, c.x, c.a, operator_gauge(), options),
                     through = run(wrapped, c.x, c.a, operator_gauge(), options);
    EXPECT_EQ(direct.points.back(), through.points.back());
    EXPECT_EQ(direct.energy, through.energy);
    const CallbackObjective wrong([](const Points&, const Vector&) { return 0.0; },
                                  [](const Points&, const Vector&) { return Points(1, 1); });
    EXPECT_THROW(run(wrong, c.x, c.a, operator_gauge(), options), InvalidArgument);
    EXPECT_THROW(CallbackObjective({}, {}), InvalidArgument);
}

TEST(Run, RefusesBadInput) {
    const Case c;
    const auto refused = [&](const Points& x, const Vector& w, const Gauge& gauge, const FlowOptions& options) {
        EXPECT_THROW(run(c.objective, x, w, gauge, options), InvalidArgument);
    };
    refused(c.x, c.a, operator_gauge(), {.step = 0.0});
    refused(c.x, c.a, operator_gauge(), {.step = -1.0});
    refused(c.x, c.a, operator_gauge(), {.step = infinity});
    refused(c.x, c.a, operator_gauge(), {.step = std::nan("")});
    refused(c.x, c.a, operator_gauge(), {.n_steps = -1});
    refused(c.x, c.a, operator_gauge(), {.record_every = 0});
    refused(c.x, equal_weights(3), operator_gauge(), {});
    refused(c.x, -c.a, operator_gauge(), {});
    refused(c.x, 0.0 * c.a, operator_gauge(), {});
    refused(normal_cloud(40, 3, 9), c.a, operator_gauge(), {});
    refused(c.x * std::nan(""), c.a, operator_gauge(), {});
    refused(Points(0, 2), {}, operator_gauge(), {});
    refused(c.x, c.a, KyFan{.k = 3}, {});
    refused(c.x, c.a, Entrywise{.M = 1.0}, {});
}

}  // namespace
}  // namespace spectralot::flow
