#include "spectralot/sphere/flow.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/flow/run.hpp"
#include "spectralot/flow/two_layer.hpp"
#include "spectralot/gauge/gauges.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace spectralot;

namespace {

Points random_points(Index n, Index d, std::mt19937& random) {
    std::normal_distribution<double> normal;
    return Points::NullaryExpr(n, d, [&] { return normal(random); });
}

/// A smooth two-homogeneous model: outputs Σ w u (v·z) of a linear network.
flow::TwoLayer linear_network(std::mt19937& random) {
    return {random_points(20, 2, random), random_points(20, 1, random), flow::activation("identity")};
}

double distance_to_ambient(const flow::Objective& f, const Points& x, const Gauge& gauge, int n_steps,
                           sphere::Method on_sphere, flow::Method ambient) {
    const double time = 0.4;
    const auto t = sphere::flow(f, sphere::project(x, {}), gauge,
                                {.step = time / n_steps, .n_steps = n_steps, .method = on_sphere});
    const auto reference = flow::run(f, x, {}, gauge, {.step = time / n_steps, .n_steps = n_steps, .method = ambient});
    const auto expected = sphere::project(reference.points.back(), {});
    return (t.measures.back().directions - expected.directions).norm() +
           (t.measures.back().masses - expected.masses).norm();
}

}  // namespace

TEST(SphericalFlow, AgreesWithTheAmbientFlowToTheOrderOfTheMethod) {
    std::mt19937 random(1);
    const flow::TwoLayer f = linear_network(random);
    const Points x = random_points(12, 3, random);
    for (const Gauge& gauge : {trace_gauge(), Gauge(Schatten{.p = 2.0}), operator_gauge()}) {
        const auto order = [&](sphere::Method a, flow::Method b) {
            return std::log2(distance_to_ambient(f, x, gauge, 16, a, b) / distance_to_ambient(f, x, gauge, 32, a, b));
        };
        EXPECT_NEAR(order(sphere::Method::Euler, flow::Method::Euler), 1.0, 0.3) << gauge.repr();
        EXPECT_NEAR(order(sphere::Method::Heun, flow::Method::Heun), 2.0, 0.4) << gauge.repr();
        EXPECT_NEAR(order(sphere::Method::Rk4, flow::Method::Rk4), 4.0, 0.8) << gauge.repr();
    }
}

TEST(SphericalFlow, ReductionEnergyAndActionForgetWhichParticlesCarryTheMass) {
    std::mt19937 random(4);
    const flow::TwoLayer f = linear_network(random);
    const Points x = random_points(8, 3, random);
    const Vector w = Vector::Constant(8, 1.0 / 8.0);
    // A quarter of the weight at twice the distance, and the other three quarters at the origin.
    Points padded = Points::Zero(9, 3);
    padded.topRows(8) = 2.0 * x;
    Vector padded_w(9);
    padded_w << 0.25 * w, 0.75;
    const auto one = sphere::project(x, w), two = sphere::project(padded, padded_w);
    EXPECT_EQ(one.masses, two.masses.head(8));
    EXPECT_EQ(two.masses[8], 0.0);
    EXPECT_EQ(one.directions, two.directions.topRows(8));
    Points force, padded_force;
    const double energy = f.energy_and_force(x, w, force);
    EXPECT_NEAR(f.energy_and_force(padded, padded_w, padded_force), energy, 64.0 * epsilon * energy);
    for (const Gauge& gauge : {trace_gauge(), Gauge(Schatten{.p = 2.0}), Gauge(KyFan{.k = 2}), operator_gauge()}) {
        // The canonical velocity doubles with the particle, and the action γ(Σ w v vᵀ) stays.
        const Points v = -force * gauge.model().force_map(force, w, -1.0).map.velocity_map;
        const Points padded_v = -padded_force * gauge.model().force_map(padded_force, padded_w, -1.0).map.velocity_map;
        const double tolerance = 1e-11 * v.norm();  // the selector amplifies the rounding of the force
        EXPECT_LE((padded_v.topRows(8) - 2.0 * v).norm(), tolerance) << gauge.repr();
        EXPECT_LE(padded_v.row(8).norm(), tolerance) << gauge.repr();
        const double action = gauge.value(v.transpose() * w.asDiagonal() * v);
        EXPECT_NEAR(gauge.value(padded_v.transpose() * padded_w.asDiagonal() * padded_v), action, 1e-11 * action);
        const auto fields = sphere::fields(x, v), padded_fields = sphere::fields(padded, padded_v);
        EXPECT_LE((fields.growth - padded_fields.growth.head(8)).norm(), tolerance) << gauge.repr();
    }
}

TEST(SphericalFlow, EnergyFallsAtTheRateOfTheDissipation) {
    std::mt19937 random(2);
    const flow::TwoLayer f = linear_network(random);
    const auto t = sphere::flow(f, sphere::project(random_points(12, 3, random), {}), operator_gauge(),
                                {.step = 1e-3, .n_steps = 200, .method = sphere::Method::Rk4});
    double lost = 0.0;  // trapezoids
    for (std::size_t k = 1; k < t.times.size(); ++k) lost += 0.5e-3 * (t.dissipation[k] + t.dissipation[k - 1]);
    EXPECT_NEAR(t.energy.front() - t.energy.back(), lost, 1e-4 * lost);
    EXPECT_LT(t.energy.back(), t.energy.front());
}

TEST(SphericalFlow, KeepsUnitDirectionsAndZeroMasses) {
    std::mt19937 random(3);
    const flow::TwoLayer f = linear_network(random);
    sphere::SphericalMeasure start = sphere::project(random_points(6, 3, random), {});
    start.masses[2] = 0.0;
    const auto t = sphere::flow(f, start, trace_gauge(), {.step = 0.05, .n_steps = 50, .record_every = 50});
    EXPECT_EQ(t.times.size(), 2u);
    EXPECT_EQ(t.measures.back().masses[2], 0.0);
    EXPECT_LE((t.measures.back().directions.rowwise().norm().array() - 1.0).abs().maxCoeff(), 4.0 * epsilon);
    start.masses.setZero();
    EXPECT_THROW(sphere::flow(f, start, trace_gauge(), {}), InvalidArgument);
}
