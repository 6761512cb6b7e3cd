#include "spectralot/core/errors.hpp"
#include "spectralot/flow/jko.hpp"
#include "spectralot/flow/mmd.hpp"
#include "spectralot/flow/potential.hpp"
#include "spectralot/flow/run.hpp"
#include "spectralot/flow/two_layer.hpp"
#include "spectralot/gauge/gauges.hpp"
#include "spectralot/gauge/selector.hpp"
#include "support/flow_reference.hpp"

#include <gtest/gtest.h>
#include <Eigen/QR>
#include <Eigen/SVD>

#include <algorithm>
#include <cmath>
#include <limits>

namespace spectralot::flow {
namespace {

using testing::equal_weights;
using testing::normal_cloud;
using testing::random_weights;

struct Case {
    Points x = normal_cloud(40, 2, 1), y = (normal_cloud(30, 2, 2).array() + 1.0).matrix();
    Vector a = random_weights(40, 3);
    Mmd objective{{y, {}}, {.kernel = MmdKernel::Gaussian, .eps = 2.0}};
};

std::vector<Gauge> gauges() {
    return {trace_gauge(), Schatten{.p = 2.0}, operator_gauge()};
}

TEST(Integrators, BalanceAndPathConvergeToTheOrderOfTheMethod) {
    const Case c;
    const std::pair<Method, double> orders[] = {{Method::Euler, 1.0}, {Method::Heun, 2.0}, {Method::Rk4, 4.0}};
    for (const auto& [method, order] : orders) {
        for (const Gauge& gauge : gauges()) {
            const auto after = [&](int n_steps) {
                return run(c.objective, c.x, c.a, gauge,
                           {.step = 2.0 / n_steps, .n_steps = n_steps, .method = method, .record_every = n_steps});
            };
            const Trajectory coarse = after(8), middle = after(16), fine = after(32);
            const double balance = std::log2(middle.balance_residual[1] / fine.balance_residual[1]);
            const double path =
                std::log2((coarse.points[1] - middle.points[1]).norm() / (middle.points[1] - fine.points[1]).norm());
            EXPECT_NEAR(balance, order, 0.35) << gauge.repr() << " order " << order;
            EXPECT_NEAR(path, order, 0.35) << gauge.repr() << " order " << order;
        }
    }
}

TEST(Integrators, ResumedRunsHaveTheSameBits) {
    const Case c;
    const TwoLayer network(normal_cloud(60, 2, 4), normal_cloud(60, 1, 5), activation("relu"));
    const Points neurons = normal_cloud(40, 3, 6);
    const auto check = [&](const Objective& f, const Points& x, FlowOptions options) {
        options.n_steps = 30;
        const Trajectory whole = run(f, x, c.a, operator_gauge(), options);
        options.n_steps = 13;
        const Trajectory first = run(f, x, c.a, operator_gauge(), options);
        options.n_steps = 17;
        const Trajectory second = run(f, first.state, operator_gauge(), options);
        EXPECT_EQ(second.points.back(), whole.points.back());
        EXPECT_EQ(second.points.front(), first.points.back());
        EXPECT_EQ(second.energy.tail<1>(), whole.energy.tail<1>());
        EXPECT_EQ(second.times.tail<1>(), whole.times.tail<1>());
        EXPECT_EQ(second.balance_residual.tail<1>(), whole.balance_residual.tail<1>());
        EXPECT_EQ(second.kinetic.tail<1>(), whole.kinetic.tail<1>());
        EXPECT_EQ(second.state.step, 30);
    };
    for (const Method method : {Method::Euler, Method::Heun, Method::Rk4, Method::Descent})
        check(c.objective, c.x, {.step = 0.1, .method = method});
    check(c.objective, c.x, {.step = 0.1, .momentum = 0.4});
    check(c.objective, c.x, {.step = 0.1, .step_cap = 0.05});
    check(network, neurons, {.step = 0.1, .batch_size = 7, .seed = 3});
}

TEST(Integrators, DescentNeverRaisesTheEnergy) {
    const Case c;
    for (const Gauge& gauge : gauges()) {
        for (const double step : {1e-2, 1e3}) {
            const Trajectory t =
                run(c.objective, c.x, c.a, gauge, {.step = step, .n_steps = 60, .method = Method::Descent});
            for (Index k = 1; k < t.energy.size(); ++k) EXPECT_LE(t.energy[k], t.energy[k - 1]) << gauge.repr();
            EXPECT_EQ(std::count(t.descent.begin(), t.descent.end(), false), 0);
        }
    }
}

TEST(Integrators, StepsOfTheDescentLemmaNeedNoHalving) {
    const Case c;
    for (const Gauge& gauge : gauges()) {
        const double h = gauge.comparison_constants(2).lower / *c.objective.smoothness();
        const Trajectory t = run(c.objective, c.x, c.a, gauge, {.step = h, .n_steps = 20, .method = Method::Descent});
        EXPECT_NEAR(t.times[20], 20 * h, 8 * epsilon * t.times[20]) << gauge.repr();
    }
}

TEST(Integrators, TheCapShortensStepsAndTheirTime) {
    const Case c;
    const Trajectory t = run(c.objective, c.x, c.a, operator_gauge(), {.step = 1.0, .n_steps = 5, .step_cap = 0.25});
    for (std::size_t k = 1; k < t.points.size(); ++k) {
        const double length = (t.points[k] - t.points[k - 1]).norm();
        EXPECT_LE(length, 0.25 * (1 + 8 * epsilon));
        EXPECT_LT(t.times[static_cast<Index>(k)] - t.times[static_cast<Index>(k) - 1], 1.0);
    }
    const Trajectory loose = run(c.objective, c.x, c.a, operator_gauge(), {.step = 0.1, .n_steps = 5, .step_cap = 1e9});
    EXPECT_EQ(loose.points.back(),
              run(c.objective, c.x, c.a, operator_gauge(), {.step = 0.1, .n_steps = 5}).points.back());
}

TEST(Integrators, TraceGaugeOnEqualWeightsIsPlainGradientDescent) {
    const Case c;
    const Trajectory t =
        run(c.objective, c.x, {}, trace_gauge(), {.step = 3.0, .n_steps = 20, .clock = Clock::Coordinate});
    Points x = c.x, g;
    for (int k = 0; k < 20; ++k) {
        c.objective.force(x, equal_weights(40), g);
        x -= 3.0 / 40.0 * g;
    }
    EXPECT_LE((t.points.back() - x).cwiseAbs().maxCoeff(), 64 * epsilon);
}

TEST(Integrators, ReluFlowsDependOnTheSphericalMeasureAlone) {
    // math.md §8: selector and force are one-homogeneous along rays, so neurons of one ray stay on it in proportion,
    // and merged into one of the same Σ w|x|² they give the same flow of networks.
    const TwoLayer f(normal_cloud(50, 2, 1), normal_cloud(50, 1, 2), activation("relu"));
    Points x = normal_cloud(12, 3, 3);
    const Vector w = random_weights(12, 4);
    x.row(1) = 3.0 * x.row(0);
    Points merged = x;
    merged.row(0) = x.row(0) * std::sqrt((w[0] + 9.0 * w[1]) / (w[0] + w[1]));
    merged.row(1) = merged.row(0);
    for (const Gauge& gauge : gauges()) {
        const FlowOptions options{.step = 0.02, .n_steps = 20, .method = Method::Heun};
        const Trajectory t = run(f, x, w, gauge, options), one = run(f, merged, w, gauge, options);
        const Points& end = t.points.back();
        EXPECT_LT(t.energy[20], 0.9 * t.energy[0]) << gauge.repr();
        EXPECT_LE((end.row(1) - 3.0 * end.row(0)).norm(), 1e-12 * end.norm()) << gauge.repr();
        EXPECT_LE((t.energy - one.energy).cwiseAbs().maxCoeff(), 1e-12 * t.energy[0]) << gauge.repr();
        EXPECT_LE((end.bottomRows(10) - one.points.back().bottomRows(10)).norm(), 1e-12 * end.norm()) << gauge.repr();
    }
}

TEST(Integrators, MomentumDissipatesEnergyPlusKinetic) {
    // d/dt (f + ½τN*(A)²) = -N*(A)² = -2·kinetic/τ, integrated by trapezoids along a fine fourth-order path.
    const Case c;
    for (const Gauge& gauge : gauges()) {
        const double tau = 0.5;
        const auto error = [&](int n_steps) {
            const double h = 2.0 / n_steps;
            const Trajectory t = run(c.objective, c.x, c.a, gauge,
                                     {.step = h, .n_steps = n_steps, .method = Method::Rk4, .momentum = tau});
            const Vector total = t.energy + t.kinetic;
            double integral = 0.0;
            for (Index k = 0; k < n_steps; ++k) {
                EXPECT_LT(total[k + 1], total[k]);
                integral += 0.5 * h * (t.kinetic[k] + t.kinetic[k + 1]) * 2.0 / tau;
            }
            return std::abs(total[0] - total[n_steps] - integral);
        };
        EXPECT_NEAR(std::log2(error(40) / error(80)), 2.0, 0.2) << gauge.repr();
    }
}

TEST(Integrators, BatchesDependOnSeedAndStepAndAverageOut) {
    const TwoLayer f(normal_cloud(64, 2, 4), normal_cloud(64, 1, 5), activation("relu"));
    const Points x = normal_cloud(10, 3, 6);
    const auto end = [&](std::int64_t seed) {
        return run(f, x, {}, trace_gauge(), {.step = 0.05, .n_steps = 5, .batch_size = 4, .seed = seed}).points.back();
    };
    EXPECT_EQ(end(1), end(1));
    EXPECT_GT((end(1) - end(2)).norm(), 1e-6);
    Points mean = Points::Zero(10, 3), force;
    f.force(x, equal_weights(10), force);
    double variance = 0.0;
    const int draws = 4000;
    for (int seed = 0; seed < draws; ++seed) {
        const Points step =
            run(f, x, {}, trace_gauge(), {.step = 1.0, .n_steps = 1, .batch_size = 1, .seed = seed}).points.back() - x;
        mean += step / draws;
        variance += (step + force).squaredNorm() / draws;
    }
    // Five standard deviations of the mean of independent draws.
    EXPECT_LE((mean + force).norm(), 5.0 * std::sqrt(variance / draws));
}

TEST(NewtonSchulz, ConvergesToThePolarFactor) {
    const Points G = normal_cloud(50, 4, 1);
    const Points exact = polar(G);
    for (const Schedule schedule : {Schedule::Cubic, Schedule::Quintic, Schedule::PolarExpress})
        EXPECT_LE((newton_schulz(G, {}, schedule, 20) - exact).norm(), 1e-12) << static_cast<int>(schedule);
    const Points muon = newton_schulz(G, {}, Schedule::Muon, 5);
    const Vector sigma = Eigen::JacobiSVD<Matrix>(muon).singularValues();
    EXPECT_GT(sigma.minCoeff(), 0.6);
    EXPECT_LT(sigma.maxCoeff(), 1.25);
    EXPECT_TRUE(newton_schulz(G, {}, Schedule::Cubic, 5, 0.1).hasNaN());  // the bound is exceeded
    EXPECT_EQ(newton_schulz(0.0 * G, {}, Schedule::Muon), 0.0 * G);
}

TEST(NewtonSchulz, FlowsDescendAndReportTheirOwnDissipation) {
    const Case c;
    for (const auto& [name, schedule] : names(Schedule{})) {
        for (const double bound : {0.0, 3.0}) {
            const FlowOptions options{.step = 0.02, .n_steps = 30, .selector = schedule, .selector_bound = bound};
            const Trajectory t = run(c.objective, c.x, c.a, operator_gauge(), options);
            for (Index k = 1; k < t.energy.size(); ++k) EXPECT_LT(t.energy[k], t.energy[k - 1]) << name;
            EXPECT_EQ(t.dissipation_is_dual, schedule == Schedule::Exact);
            const double balance = t.balance_residual[30] / (t.energy[0] - t.energy[30]);
            EXPECT_LT(balance, 0.05) << name;  // the true rate along the velocity taken, not N*²
        }
    }
    const FlowOptions far{.step = 0.02, .n_steps = 3, .selector = Schedule::Cubic, .selector_bound = 1e-3};
    EXPECT_EQ(run(c.objective, c.x, c.a, operator_gauge(), far).status, Status::Stalled);
}

TEST(Jko, SolvesBackwardEuler) {
    const Case c;
    std::vector<Gauge> all = gauges();
    all.push_back(Schatten{.p = 1.5});
    all.push_back(WeightedTrace{.A = (Matrix(2, 2) << 2.0, 0.5, 0.5, 1.0).finished()});
    all.push_back(ConicSum{.gauges = {trace_gauge(), operator_gauge()}, .weights = {0.5, 1.0}});
    for (const Gauge& gauge : all) {
        for (const double tau : {0.05, 1.0, 20.0}) {
            const JkoResult r = jko_step(c.objective, c.x, c.a, gauge, tau, {.tol = 1e-10});
            ASSERT_TRUE(r.converged) << gauge.repr();
            Points g;
            c.objective.force(r.points, c.a, g);
            const Points v = r.points - c.x;
            const double gap = c.a.dot(g.cwiseProduct(v).rowwise().sum()) + r.pairing_cost / (2 * tau) +
                               0.5 * tau * std::pow(dual_norm(gauge, g, c.a), 2);
            EXPECT_LE(gap, 2e-10 * (r.energy_before - r.energy_after)) << gauge.repr() << " " << tau;
            // How far a gap lets Y be from X + τJ depends on how J varies: held to where that is mild.
            if (tau <= 1.0) {
                EXPECT_LE((v - tau * selector(gauge, g, c.a).direction).norm(), 1e-4 * v.norm()) << gauge.repr();
            }
            EXPECT_LE(r.energy_after + r.pairing_cost / (2 * tau), r.energy_before);
            EXPECT_NEAR(r.pairing_cost, std::pow(norm(gauge, r.points - c.x, c.a), 2), 1e-12 * r.pairing_cost);
            EXPECT_TRUE(r.certified);
            EXPECT_LE(r.transport.lower, r.pairing_cost);
            EXPECT_GE(r.pairing_excess(), 0.0);
        }
    }
}

TEST(Jko, PutsASingularValueToZeroWhereTheSelectorJumps) {
    // f = ½|x|², p = ∞: both singular values of X/√n fall by τ(σ₁'+σ₂'), the second at most to zero (math.md §2).
    const Index n = 30;
    const Points U = Eigen::HouseholderQR<Matrix>(normal_cloud(n, 2, 1)).householderQ() * Matrix::Identity(n, 2);
    const Points x = std::sqrt(static_cast<double>(n)) * U * Eigen::Vector2d(2.0, 0.1).asDiagonal();
    const double tau = 0.1;
    const JkoResult r = jko_step(Quadratic(Vector::Zero(2)), x, {}, operator_gauge(), tau, {.tol = 1e-12});
    ASSERT_TRUE(r.converged);
    EXPECT_LT(r.n_iter, 1000);
    const Vector sigma = Eigen::JacobiSVD<Matrix>(r.points / std::sqrt(static_cast<double>(n))).singularValues();
    EXPECT_NEAR(sigma[0], 2.0 / (1.0 + tau), 1e-5);
    EXPECT_NEAR(sigma[1], 0.0, 1e-5);
}

TEST(Jko, StationaryPointsStay) {
    const Case c;
    const JkoResult r = jko_step(c.objective, c.y, {}, operator_gauge(), 1.0);
    EXPECT_TRUE(r.converged);
    EXPECT_LE((r.points - c.y).norm(), 1e-6);
}

TEST(Integrators, RefuseBadOptions) {
    const Case c;
    const auto refused = [&](const Gauge& gauge, const FlowOptions& options) {
        EXPECT_THROW(run(c.objective, c.x, c.a, gauge, options), InvalidArgument);
    };
    refused(operator_gauge(), {.step_cap = 0.0});
    refused(operator_gauge(), {.step = 0.2, .momentum = 0.1});
    refused(operator_gauge(), {.step = 0.2, .momentum = -1.0});
    refused(operator_gauge(), {.method = Method::Descent, .momentum = 1.0});
    refused(operator_gauge(), {.method = Method::Descent, .batch_size = 2});
    refused(operator_gauge(), {.batch_size = -1});
    refused(trace_gauge(), {.selector = Schedule::Muon});
    refused(operator_gauge(), {.selector = Schedule::Muon, .selector_iterations = 0});
    refused(operator_gauge(), {.selector = Schedule::Muon, .selector_bound = -1.0});
    FlowState state;
    state.points = c.x;
    state.momentum = Points::Zero(3, 2);
    EXPECT_THROW(run(c.objective, state, operator_gauge(), {.momentum = 1.0}), InvalidArgument);
    state.momentum = {};
    for (const int step : {-1, std::numeric_limits<int>::max()}) {
        state.step = step;
        EXPECT_THROW(run(c.objective, state, operator_gauge(), {.n_steps = 1}), InvalidArgument);
    }
    for (const double tau : {0.0, -1.0, infinity})
        EXPECT_THROW(jko_step(c.objective, c.x, c.a, operator_gauge(), tau), InvalidArgument);
    EXPECT_THROW(jko_step(c.objective, c.x, c.a, operator_gauge(), 1.0, {.max_iter = 0}), InvalidArgument);
    EXPECT_THROW(jko_step(c.objective, c.x, c.a, Entrywise{.M = 1.0}, 1.0), InvalidArgument);
}

}  // namespace
}  // namespace spectralot::flow
