#include "spectralot/sphere/solve.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/gauge/parse.hpp"
#include "spectralot/io/json.hpp"
#include "spectralot/sphere/verify.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <random>

using namespace spectralot;
using sphere::SphericalMeasure;

namespace {

SphericalMeasure random_measure(Index n, Index d, std::mt19937& random) {
    std::normal_distribution<double> normal;
    std::uniform_real_distribution<double> uniform(0.1, 1.0);
    const Points x = Points::NullaryExpr(n, d, [&] { return normal(random); });
    return {sphere::project(x, {}).directions, Vector::NullaryExpr(n, [&] { return uniform(random); })};
}

SphericalMeasure dirac(double angle, double mass) {
    Points direction(1, 2);
    direction << std::cos(angle), std::sin(angle);
    return {direction, Vector::Constant(1, mass)};
}

void expect_confirmed(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Gauge& gauge,
                      const sphere::SphereResult& r) {
    const Verification v = sphere::verify(nu0, nu1, gauge, r.coupling, r.metric, r.potentials);
    EXPECT_TRUE(v.confirms(r.certificate)) << v.certificate.lower << " " << v.certificate.upper;
}

SphericalMeasure read_measure(const nlohmann::json& item, const std::string& side) {
    const auto& rows = item.at("directions_" + side);
    Points directions(Index(rows.size()), Index(rows.at(0).size()));
    for (Index i = 0; i < directions.rows(); ++i)
        for (Index k = 0; k < directions.cols(); ++k) directions(i, k) = rows.at(std::size_t(i)).at(std::size_t(k));
    const auto masses = item.at("masses_" + side).get<std::vector<double>>();
    return {directions, Eigen::Map<const Vector>(masses.data(), Index(masses.size()))};
}

Gauge read_gauge(const nlohmann::json& gauge) {
    if (gauge.at("name") == "ky_fan") return KyFan{.k = gauge.at("k").get<int>()};
    const auto& p = gauge.at("p");
    return Schatten{.p = p.is_string() ? infinity : p.get<double>()};
}

}  // namespace

TEST(SphereCost, MeetsTheReferenceBrackets) {
    const nlohmann::json reference = io::read_json(SPECTRALOT_TEST_DATA "/reference/sphere.json");
    for (const auto& item : reference) {
        const SphericalMeasure nu0 = read_measure(item, "0"), nu1 = read_measure(item, "1");
        for (const auto& entry : item.at("entries")) {
            const Gauge gauge = read_gauge(entry.at("gauge"));
            const auto r = sphere::solve(nu0, nu1, gauge);
            const double lower = entry.at("lower"), upper = entry.at("upper");
            EXPECT_TRUE(r.converged) << item.at("instance") << gauge.repr() << r.certificate.relative_gap();
            EXPECT_GE(r.certificate.upper, lower - 1e-9 * upper) << item.at("instance") << gauge.repr();
            EXPECT_LE(r.certificate.lower, upper + 1e-9 * upper) << item.at("instance") << gauge.repr();
            expect_confirmed(nu0, nu1, gauge, r);
        }
    }
}

TEST(SphereCost, TwoDiracsHaveTheClosedFormOfWassersteinFisherRao) {
    for (const double angle : {0.0, 0.4, 1.2, M_PI / 2, 2.5, M_PI}) {
        const double a = 0.7, b = 2.3;
        const auto r = sphere::solve(dirac(0.1, a), dirac(0.1 + angle, b), trace_gauge(), {.tol = 1e-9});
        const double expected = a + b - 2.0 * std::sqrt(a * b) * std::max(0.0, std::cos(angle));
        EXPECT_TRUE(r.converged);
        EXPECT_NEAR(r.value, expected, 2e-9 * expected) << angle;
    }
}

TEST(SphereCost, OrthogonalDiracsLeaveEachOtherAloneForTheOperatorNorm) {
    // S = diag(a, b) without any transport; whatever moves only raises the top eigenvalue.
    const auto r = sphere::solve(dirac(0.0, 1.0), dirac(M_PI / 2, 1.0), operator_gauge());
    EXPECT_TRUE(r.converged);
    EXPECT_NEAR(r.value, 1.0, 1e-6);
}

TEST(SphereCost, IsAMetricDecreasingInP) {
    std::mt19937 random(5);
    const SphericalMeasure a = random_measure(12, 3, random), b = random_measure(9, 3, random),
                           c = random_measure(7, 3, random);
    double previous = infinity;
    for (const double p : {1.0, 1.5, 2.0, 4.0, infinity}) {
        const Gauge gauge = Schatten{.p = p};
        const auto ab = sphere::solve(a, b, gauge), ba = sphere::solve(b, a, gauge), bc = sphere::solve(b, c, gauge),
                   ac = sphere::solve(a, c, gauge);
        EXPECT_TRUE(ab.converged && bc.converged && ac.converged);
        EXPECT_GE(ab.certificate.upper, ba.certificate.lower);
        EXPECT_GE(ba.certificate.upper, ab.certificate.lower);
        EXPECT_LE(std::sqrt(ac.certificate.lower), ab.distance() + bc.distance());
        EXPECT_LE(ab.certificate.lower, previous);
        previous = ab.certificate.upper;
    }
}

TEST(SphereCost, IdenticalMeasuresAreAtDistanceZero) {
    std::mt19937 random(6);
    const SphericalMeasure a = random_measure(15, 3, random);
    for (const Gauge& gauge : {trace_gauge(), operator_gauge()}) {
        const auto r = sphere::solve(a, a, gauge);
        EXPECT_LE(r.value, 1e-9 * a.masses.sum()) << to_string(r.status);
        EXPECT_EQ(r.certificate.lower >= 0.0, true);
    }
}

TEST(SphereCost, TheZeroMeasureIsReachedByShrinkingInPlace) {
    std::mt19937 random(7);
    const SphericalMeasure a = random_measure(6, 3, random);
    const SphericalMeasure nothing{a.directions, Vector::Zero(6)};
    const auto r = sphere::solve(a, nothing, operator_gauge());
    const Matrix S = a.directions.transpose() * a.masses.asDiagonal() * a.directions;
    EXPECT_TRUE(r.converged);
    EXPECT_NEAR(r.value, operator_gauge().value(S), 1e-6 * r.value);
    EXPECT_EQ(sphere::solve(nothing, nothing, trace_gauge()).status, Status::ZeroToRounding);
}

TEST(SphereCost, TinyMassesAndRightAnglesAreSafe) {
    Points directions = Points::Identity(3, 3);
    const SphericalMeasure a{directions, Vector{{1.0, 1e-200, 1e-12}}}, b{directions, Vector{{1e-9, 1.0, 0.0}}};
    for (const Gauge& gauge : {trace_gauge(), Gauge(Schatten{.p = 2.0}), operator_gauge()}) {
        const auto r = sphere::solve(a, b, gauge);
        EXPECT_TRUE(r.converged) << gauge.repr() << " " << r.certificate.relative_gap();
        expect_confirmed(a, b, gauge, r);
    }
    const double scale = 1e150;
    const SphericalMeasure big_a{directions, scale * a.masses}, big_b{directions, scale * b.masses};
    EXPECT_NEAR(sphere::solve(big_a, big_b, trace_gauge()).value / scale, sphere::solve(a, b, trace_gauge()).value,
                1e-6);
}

TEST(SphereGeodesic, HasConstantSpeed) {
    std::mt19937 random(8);
    const SphericalMeasure a = random_measure(8, 3, random), b = random_measure(10, 3, random);
    const Gauge gauge = Schatten{.p = 2.0};
    const auto whole = sphere::solve(a, b, gauge, {.tol = 1e-8});
    const auto middle = sphere::geodesic(a, b, whole.coupling, 0.25);
    const auto part = sphere::solve(a, middle, gauge);
    EXPECT_NEAR(part.distance(), 0.25 * whole.distance(), 1e-4 * whole.distance());
    EXPECT_NEAR(sphere::geodesic(a, b, whole.coupling, 0.0).masses.sum(), a.masses.sum(), 1e-12);
    EXPECT_NEAR(sphere::geodesic(a, b, whole.coupling, 1.0).masses.sum(), b.masses.sum(), 1e-12);
}

TEST(SphereVerify, NeverTrustsAForgedResult) {
    std::mt19937 random(9);
    const SphericalMeasure a = random_measure(10, 3, random), b = random_measure(10, 3, random);
    auto r = sphere::solve(a, b, trace_gauge());
    r.potentials.u *= 0.5;
    r.certificate.lower = 1.5 * r.certificate.upper;
    EXPECT_FALSE(sphere::verify(a, b, trace_gauge(), r.coupling, r.metric, r.potentials).confirms(r.certificate));
    for (double& mass : r.coupling.a) mass *= 4.0;
    const auto v = sphere::verify(a, b, trace_gauge(), r.coupling, r.metric, r.potentials);
    EXPECT_GE(v.certificate.upper, (1.0 - 1e-6) * r.value);
    EXPECT_GT(v.marginal_error, 0.0);
}

TEST(SphereInput, BadInputIsRefusedByName) {
    const SphericalMeasure a = dirac(0.0, 1.0);
    EXPECT_THROW(sphere::solve({2.0 * a.directions, a.masses}, a, trace_gauge()), InvalidArgument);
    EXPECT_THROW(sphere::solve({a.directions, -a.masses}, a, trace_gauge()), InvalidArgument);
    EXPECT_THROW(sphere::solve(a, {Points::Identity(3, 3), Vector::Ones(3)}, trace_gauge()), InvalidArgument);
    EXPECT_THROW(sphere::solve(a, a, Entrywise{.M = 3.0}), InvalidArgument);
    EXPECT_THROW(sphere::geodesic(a, a, {}, 1.5), InvalidArgument);
}

TEST(SphereReduction, ForgetsHowMassIsSplitBetweenWeightAndRadius) {
    std::mt19937 random(10);
    std::normal_distribution<double> normal;
    const Points x = Points::NullaryExpr(5, 3, [&] { return normal(random); });
    const Vector w = Vector::Constant(5, 0.2);
    const auto one = sphere::project(x, w), two = sphere::project(2.0 * x, 0.25 * w);
    EXPECT_EQ(one.masses, two.masses);
    EXPECT_EQ(one.directions, two.directions);
    EXPECT_EQ(sphere::project(Points::Zero(1, 3), {}).masses[0], 0.0);
}
