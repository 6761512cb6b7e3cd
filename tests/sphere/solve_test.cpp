#include "spectralot/sphere/solve.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/gauge/parse.hpp"
#include "spectralot/io/json.hpp"
#include "spectralot/sphere/verify.hpp"

#include <gtest/gtest.h>
#include <Eigen/QR>
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

/// Drawn together around the first axis.
SphericalMeasure cap(SphericalMeasure measure, double spread) {
    measure.directions *= spread;
    measure.directions.col(0).array() += 1.0;
    measure.directions.rowwise().normalize();
    return measure;
}

SphericalMeasure dirac(double angle, double mass) {
    Points direction(1, 2);
    direction << std::cos(angle), std::sin(angle);
    return {direction, Vector::Constant(1, mass)};
}

/// Of dimension 3, none of them a single ball: sums, maxima, and maxima within sums within maxima.
std::vector<Gauge> composed_gauges() {
    const Matrix A = Matrix(Vector{{1.0, 0.5, 2.0}}.asDiagonal()), B = Matrix(Vector{{0.3, 2.0, 0.4}}.asDiagonal());
    const std::vector<std::vector<int>> blocks{{1}, {0, 2}};
    const std::vector<Gauge> on_blocks{trace_gauge(), Schatten{.p = 3.0}};
    const Gauge maximum = BlockMax{.blocks = blocks, .gauges = on_blocks, .eta = {1.0, 0.8}};
    const Gauge nested = ConicSum{.gauges = {maximum, Polyhedral{{A, B}}, KyFan{.k = 2}}, .weights = {1.0, 0.1, 0.01}};
    return {ConicSum{.gauges = {trace_gauge(), operator_gauge()}, .weights = {0.5, 1.0}},
            BlockSum{.blocks = blocks, .gauges = {trace_gauge(), operator_gauge()}},
            BlockMax{.blocks = blocks, .gauges = {trace_gauge(), operator_gauge()}, .eta = {1.0, 1.0}},
            Polyhedral{{A, B}},
            maximum,
            nested};
}

/// Known through two functions only, it has no program: cutting planes take it.
Gauge opaque(const Gauge& gauge) {
    return CustomGauge{.value = [gauge](const Matrix& S) { return gauge.value(S); },
                       .active = [gauge](const Matrix& S) { return gauge.active(S); }};
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

TEST(SphereCost, ClosedFormsOfHellingerKantorovichForSeveralAtoms) {
    const auto expect_cost = [](const SphericalMeasure& nu0, const SphericalMeasure& nu1, double expected) {
        const auto r = sphere::solve(nu0, nu1, trace_gauge(), {.tol = 1e-9});
        EXPECT_TRUE(r.converged) << to_string(r.status);
        EXPECT_NEAR(r.value, expected, 2e-9 * expected);
    };
    // Pairs in orthogonal planes do not see each other: the sum of their costs, unequal masses and a zero among them.
    const std::vector<double> angles{0.0, 0.3, 1.0, M_PI / 2, 2.0}, a{1.0, 0.2, 3.0, 0.5, 0.0},
        b{1.5, 2.0, 0.1, 0.7, 0.4};
    const auto n = Index(angles.size());
    SphericalMeasure nu0{Points::Zero(n, 2 * n), Vector::Zero(n)}, nu1 = nu0;
    double expected = 0.0;
    for (Index k = 0; k < n; ++k) {
        const auto at = std::size_t(k);
        nu0.directions(k, 2 * k) = 1.0;
        nu1.directions(k, 2 * k) = std::cos(angles[at]);
        nu1.directions(k, 2 * k + 1) = std::sin(angles[at]);
        nu0.masses[k] = a[at];
        nu1.masses[k] = b[at];
        expected += a[at] + b[at] - 2.0 * std::sqrt(a[at] * b[at]) * std::max(0.0, std::cos(angles[at]));
    }
    expect_cost(nu0, nu1, expected);
    // Several atoms to one of mass m: the best shares of m give a + m - 2√(m Σ a_i cos²θ_i).
    Points fan(3, 2);
    Vector fan_masses(3);
    double total = 0.0, squares = 0.0;
    for (Index i = 0; i < 3; ++i) {
        const double theta = -0.8 + 0.7 * double(i);
        fan.row(i) << std::cos(theta), std::sin(theta);
        fan_masses[i] = 0.5 + double(i);
        total += fan_masses[i];
        squares += fan_masses[i] * std::cos(theta) * std::cos(theta);
    }
    expect_cost({fan, fan_masses}, dirac(0.0, 1.7), total + 1.7 - 2.0 * std::sqrt(1.7 * squares));
    // The same directions, in the same proportions: growth in place.
    expect_cost({fan, fan_masses}, {fan, 4.0 * fan_masses}, total);
    // Opposite: one vanishes, the other grows from nothing.
    expect_cost({fan, fan_masses}, {-fan, 2.0 * fan_masses}, 3.0 * total);
}

TEST(SphereCost, TheCentralPathAndTheCuttingPlanesAgree) {
    std::mt19937 random(11);
    const SphericalMeasure a = random_measure(60, 3, random);
    const SphericalMeasure near = cap(random_measure(70, 3, random), 0.2);  // for p = ∞ the metric has rank one
    std::vector<Gauge> gauges = composed_gauges();
    gauges.insert(gauges.end(), {KyFan{.k = 2}, Schatten{.p = 3.0}, operator_gauge()});
    for (const SphericalMeasure& b : {random_measure(50, 3, random), near}) {
        for (const Gauge& gauge : gauges) {
            const auto path = sphere::solve(a, b, gauge), cuts = sphere::solve(a, b, opaque(gauge), {.tol = 1e-4});
            EXPECT_TRUE(path.converged && cuts.converged) << gauge.repr() << cuts.certificate.relative_gap();
            EXPECT_LE(path.certificate.lower, cuts.certificate.upper) << gauge.repr();
            EXPECT_LE(cuts.certificate.lower, path.certificate.upper) << gauge.repr();
            EXPECT_LE(path.coupling.size(), std::size_t(a.size() + b.size() - 1 + 6)) << gauge.repr();
            expect_confirmed(a, b, gauge, path);
        }
    }
}

TEST(SphereCost, ComposedGaugesAreOrderedAsTheirPartsAre) {
    std::mt19937 random(21);
    const SphericalMeasure a = random_measure(60, 4, random), b = random_measure(55, 4, random);
    const auto cost = [&](const Gauge& gauge) {
        const auto r = sphere::solve(a, b, gauge);
        EXPECT_TRUE(r.converged) << gauge.repr();
        expect_confirmed(a, b, gauge, r);
        return r.certificate;
    };
    const Matrix A = Matrix(Vector{{1.0, 0.5, 2.0, 0.1}}.asDiagonal()), B = Matrix::Identity(4, 4) - 0.3 * A;
    // A maximum is no less than its parts, and the maximum of equals is one of them.
    const auto maximum = cost(Polyhedral{{A, B}});
    const auto of_A = cost(WeightedTrace{A}), of_B = cost(WeightedTrace{B}), of_A_twice = cost(Polyhedral{{A, A}});
    EXPECT_GE(maximum.upper, std::max(of_A.lower, of_B.lower));
    EXPECT_LE(of_A_twice.lower, of_A.upper);
    EXPECT_GE(of_A_twice.upper, of_A.lower);
    // A sum is no less than the sum of its parts, and equal for parts of traces.
    const Gauge half_trace = ConicSum{.gauges = {trace_gauge()}, .weights = {0.5}};
    const auto sum = cost(ConicSum{.gauges = {trace_gauge(), operator_gauge()}, .weights = {0.5, 1.0}});
    const auto trace = cost(trace_gauge()), norm = cost(operator_gauge());
    EXPECT_GE(sum.upper, 0.5 * trace.lower + norm.lower);
    EXPECT_LE(sum.lower, 1.5 * trace.upper);
    const std::vector<std::vector<int>> blocks{{0, 2}, {1, 3}};
    const auto traces = cost(ConicSum{
        .gauges = {half_trace, BlockSum{.blocks = blocks, .gauges = {half_trace, half_trace}}}, .weights = {1.0, 1.0}});
    EXPECT_LE(traces.lower, trace.upper);
    EXPECT_GE(traces.upper, trace.lower);
    // Blocks: the sum is no less than the maximum, and no more than twice it.
    const std::vector<Gauge> on_blocks{Schatten{.p = 3.0}, operator_gauge()};
    const auto block_sum = cost(BlockSum{.blocks = blocks, .gauges = on_blocks});
    const auto block_max = cost(BlockMax{.blocks = blocks, .gauges = on_blocks, .eta = {1.0, 1.0}});
    EXPECT_GE(block_sum.upper, block_max.lower);
    EXPECT_LE(block_sum.lower, 2.0 * block_max.upper);
}

TEST(SphereCost, MeasuresOnComplementaryBlocksDoNotSeeEachOther) {
    std::mt19937 random(22);
    const SphericalMeasure a = random_measure(30, 2, random), b = random_measure(25, 2, random),
                           c = random_measure(20, 3, random), e = random_measure(35, 3, random);
    const auto joined = [](const SphericalMeasure& low, const SphericalMeasure& high) {
        SphericalMeasure both{Points::Zero(low.size() + high.size(), 5), Vector(low.size() + high.size())};
        both.directions.topLeftCorner(low.size(), 2) = low.directions;
        both.directions.bottomRightCorner(high.size(), 3) = high.directions;
        both.masses << low.masses, high.masses;
        return both;
    };
    const SphericalMeasure nu0 = joined(a, c), nu1 = joined(b, e);
    const std::vector<std::vector<int>> blocks{{0, 1}, {2, 3, 4}};
    const std::vector<Gauge> gauges{operator_gauge(), Schatten{.p = 2.0}};
    const auto low = sphere::solve(a, b, gauges[0]).certificate, high = sphere::solve(c, e, gauges[1]).certificate;
    const auto sum = sphere::solve(nu0, nu1, BlockSum{.blocks = blocks, .gauges = gauges}),
               max = sphere::solve(nu0, nu1, BlockMax{.blocks = blocks, .gauges = gauges, .eta = {1.0, 1.0}});
    EXPECT_TRUE(sum.converged && max.converged);
    EXPECT_LE(sum.certificate.lower, low.upper + high.upper);
    EXPECT_GE(sum.certificate.upper, low.lower + high.lower);
    EXPECT_LE(max.certificate.lower, std::max(low.upper, high.upper));
    EXPECT_GE(max.certificate.upper, std::max(low.lower, high.lower));
}

TEST(SphereCost, IsTheSameForPermutedAtomsAndRotatedDirections) {
    std::mt19937 random(23);
    const SphericalMeasure a = random_measure(40, 3, random), b = random_measure(50, 3, random);
    const Matrix R = Eigen::HouseholderQR<Matrix>(random_measure(3, 3, random).directions).householderQ();
    const auto turned = [&](const SphericalMeasure& measure, const Matrix& rotation) {
        SphericalMeasure result{measure.directions * rotation, measure.masses.reverse()};
        result.directions = result.directions.colwise().reverse().rowwise().normalized().eval();
        return result;
    };
    const Gauge spectral = ConicSum{.gauges = {Schatten{.p = 4.0}, KyFan{.k = 2}}, .weights = {0.2, 1.0}};
    std::vector<std::pair<Gauge, Matrix>> cases{{spectral, R}};
    for (const Gauge& gauge : composed_gauges()) cases.emplace_back(gauge, Matrix::Identity(3, 3));
    for (const auto& [gauge, rotation] : cases) {
        const auto one = sphere::solve(a, b, gauge),
                   other = sphere::solve(turned(a, rotation), turned(b, rotation), gauge);
        EXPECT_TRUE(one.converged && other.converged) << gauge.repr();
        EXPECT_LE(one.certificate.lower, other.certificate.upper) << gauge.repr();
        EXPECT_LE(other.certificate.lower, one.certificate.upper) << gauge.repr();
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

TEST(SphereCost, SatisfiesTheAxiomsOfAMetricForEveryGauge) {
    std::mt19937 random(12);
    const Matrix A = Matrix(Vector{{1.0, 0.5, 2.0}}.asDiagonal()), B = Matrix(Vector{{0.3, 2.0, 0.4}}.asDiagonal());
    const std::vector<Gauge> gauges{trace_gauge(),
                                    operator_gauge(),
                                    Schatten{.p = 2.0},
                                    KyFan{.k = 2},
                                    WeightedTrace{A},
                                    Polyhedral{{A, B}},
                                    ConicSum{.gauges = {trace_gauge(), operator_gauge()}, .weights = {0.3, 1.0}}};
    for (int trial = 0; trial < 4; ++trial) {
        const SphericalMeasure a = random_measure(6, 3, random), b = random_measure(9, 3, random),
                               c = random_measure(5, 3, random);
        for (const Gauge& gauge : gauges) {
            const auto ab = sphere::solve(a, b, gauge), ba = sphere::solve(b, a, gauge),
                       bc = sphere::solve(b, c, gauge), ac = sphere::solve(a, c, gauge);
            EXPECT_TRUE(ab.converged && ba.converged && bc.converged && ac.converged) << gauge.repr();
            EXPECT_GT(ab.certificate.lower, 0.0) << gauge.repr();
            EXPECT_LE(ab.certificate.lower, ba.certificate.upper) << gauge.repr();
            EXPECT_LE(ba.certificate.lower, ab.certificate.upper) << gauge.repr();
            EXPECT_LE(std::sqrt(ac.certificate.lower), ab.distance() + bc.distance()) << gauge.repr();
        }
    }
}

TEST(SphereCost, IdenticalMeasuresAreAtDistanceZero) {
    std::mt19937 random(6);
    const SphericalMeasure a = random_measure(15, 3, random);
    for (const Gauge& gauge : {trace_gauge(), operator_gauge()}) {
        const auto r = sphere::solve(a, a, gauge);
        EXPECT_LE(r.value, 1e-9 * a.masses.sum()) << to_string(r.status);
        EXPECT_LT(r.coupling.size(), 15u * 15u / 2u) << gauge.repr();
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
    const Points directions = Points::Identity(3, 3);
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

TEST(SphereCost, StopsWithTheBestBracketWhenAskedTo) {
    std::mt19937 random(13);
    const SphericalMeasure a = random_measure(80, 3, random), b = random_measure(80, 3, random);
    Observer observer;
    observer.on_progress = [&](const Progress& at) {
        if (at.iteration == 4) observer.cancel.request();
    };
    for (const Gauge& gauge : {operator_gauge(), composed_gauges()[1], opaque(composed_gauges()[0])}) {
        observer.cancel = {};
        const auto r = sphere::solve(a, b, gauge, {.tol = 1e-10}, observer);
        EXPECT_EQ(r.status, Status::Interrupted) << gauge.repr();
        EXPECT_EQ(r.n_iter, 4) << gauge.repr();
        EXPECT_LT(r.certificate.upper, infinity);
        expect_confirmed(a, b, gauge, r);
        EXPECT_EQ(sphere::solve(a, b, gauge, {.tol = 1e-10, .max_iter = 3}).status, Status::IterationLimit);
        EXPECT_EQ(sphere::solve(a, b, gauge, {.tol = 1e-10, .max_seconds = 1e-9}).status, Status::TimeLimit);
    }
}

TEST(SphereCost, TheCouplingHasNoMorePairsThanAVertex) {
    std::mt19937 random(14);
    const SphericalMeasure a = random_measure(60, 3, random);
    SphericalMeasure b = random_measure(50, 3, random);
    const std::vector<Gauge> gauges{trace_gauge(), Schatten{.p = 2.0}, KyFan{.k = 2}, operator_gauge()};
    for (const double spread : {1.0, 0.1}) {  // a cap: for p = ∞ all pairs are tight
        if (spread < 1.0) b = cap(b, spread);
        for (const Gauge& gauge : gauges) {
            const auto r = sphere::solve(spread < 1.0 ? cap(a, spread) : a, b, gauge);
            EXPECT_TRUE(r.converged) << gauge.repr();
            EXPECT_LE(r.coupling.size(), 60u + 50u - 1u + 6u) << gauge.repr() << spread;
            expect_confirmed(spread < 1.0 ? cap(a, spread) : a, b, gauge, r);
        }
    }
}

TEST(SphereCost, DozensOfDimensionsAreCertified) {
    std::mt19937 random(16);
    const SphericalMeasure a = random_measure(40, 20, random), b = cap(random_measure(30, 20, random), 0.5);
    for (const Gauge& gauge : {Gauge(Schatten{.p = 2.0}), Gauge(KyFan{.k = 6}), operator_gauge()}) {
        const auto r = sphere::solve(a, b, gauge);
        EXPECT_TRUE(r.converged) << gauge.repr() << r.certificate.relative_gap();
        EXPECT_LE(r.n_iter, 40) << gauge.repr();
        expect_confirmed(a, b, gauge, r);
    }
}

TEST(SphereCost, EveryPowerIsCertifiedOnSmallCaps) {
    std::mt19937 random(15);
    // Of the metric's eigenvalues all but one are tiny, for large p far below the tolerance.
    const SphericalMeasure a = cap(random_measure(150, 3, random), 0.1), b = cap(random_measure(150, 3, random), 0.2);
    double previous = infinity;
    for (const double p : {1.01, 2.0, 8.0, 16.0, 100.0, 1e9, infinity}) {
        const auto r = sphere::solve(a, b, Schatten{.p = p});
        EXPECT_TRUE(r.converged) << p << " " << r.certificate.relative_gap();
        EXPECT_LE(r.n_iter, 60) << p;
        EXPECT_LE(r.certificate.lower, previous) << p;
        expect_confirmed(a, b, Schatten{.p = p}, r);
        previous = r.certificate.upper;
    }
}

TEST(SphereGeodesic, HasConstantSpeed) {
    std::mt19937 random(8);
    const SphericalMeasure a = random_measure(8, 3, random), b = random_measure(10, 3, random);
    const Gauge gauge = Schatten{.p = 2.0};
    const auto whole = sphere::solve(a, b, gauge, {.tol = 1e-8});
    const auto middle = sphere::geodesic(a, b, whole.coupling, 0.25);
    const auto part = sphere::solve(a, middle, gauge);
    EXPECT_NEAR(part.distance(), 0.25 * whole.distance(), 1e-4 * whole.distance());
    EXPECT_EQ(sphere::geodesic(a, b, whole.coupling, 0.0).masses, a.masses);
    EXPECT_EQ(sphere::geodesic(a, b, whole.coupling, 1.0).directions, b.directions);
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
