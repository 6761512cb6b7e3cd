#include "spectralot/transport/interpolate.hpp"

#include "spectralot/core/errors.hpp"
#include "support/discrete_reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

using namespace spectralot;
using namespace spectralot::test;

TEST(Geodesic, HasConstantSpeed) {
    Random random(1);
    const DiscreteMeasure mu{gaussian_points(12, 2, random), {}},
        nu{gaussian_points(12, 2, random).array() * 2.0 + 1.0, {}};
    for (const double p : {1.0, 2.0, infinity}) {
        const Gauge gauge = Schatten{.p = p};
        const TransportOptions options{.tol = 1e-9};
        const TransportResult r = solve(mu, nu, gauge, options);
        ASSERT_TRUE(r.converged);
        for (const auto& [s, t] : {std::pair{0.0, 0.5}, {0.25, 0.75}, {0.3, 1.0}}) {
            const TransportResult part =
                solve(geodesic(mu, nu, gauge, r.plan, s), geodesic(mu, nu, gauge, r.plan, t), gauge, options);
            EXPECT_NEAR(part.distance(), (t - s) * r.distance(), 2e-9 * r.distance()) << p << " " << s << " " << t;
        }
    }
}

TEST(Geodesic, RefusesAGaugeWithoutMetric) {
    const DiscreteMeasure mu{Points::Random(3, 2), {}};
    const TransportResult r = solve(mu, {Points::Random(3, 2), {}}, Entrywise{.M = 3.0});
    EXPECT_THROW(geodesic(mu, mu, Entrywise{.M = 3.0}, r.plan, 0.5), InvalidArgument);
    EXPECT_THROW(geodesic(mu, mu, trace_gauge(), r.plan, 1.5), InvalidArgument);
}

TEST(Matching, IsTheHeaviestPermutationOfTheSupport) {
    Random random(2);
    const int n = 6;
    for (int trial = 0; trial < 50; ++trial) {
        // A random mixture of permutations is a bistochastic plan.
        Matrix dense = Matrix::Zero(n, n);
        std::vector<int> order(n);
        std::iota(order.begin(), order.end(), 0);
        for (int k = 0; k < 4; ++k) {
            std::shuffle(order.begin(), order.end(), random);
            for (int i = 0; i < n; ++i) dense(i, order[std::size_t(i)]) += 0.25 / n;
        }
        SparsePlan plan{.n_rows = n, .n_cols = n, .row = {}, .col = {}, .mass = {}};
        for (int i = 0; i < n; ++i) {
            for (int j = 0; j < n; ++j) {
                if (dense(i, j) > 0) {
                    plan.row.push_back(i);
                    plan.col.push_back(j);
                    plan.mass.push_back(dense(i, j));
                }
            }
        }
        double best = 0.0;
        std::iota(order.begin(), order.end(), 0);
        do {
            double mass = 0.0;
            bool inside = true;
            for (int i = 0; i < n; ++i) {
                mass += dense(i, order[std::size_t(i)]);
                inside = inside && dense(i, order[std::size_t(i)]) > 0;
            }
            if (inside) best = std::max(best, mass);
        } while (std::next_permutation(order.begin(), order.end()));
        const DiscreteMeasure cloud{Points::Random(n, 2), {}};
        const Matching m = matching(cloud, cloud, trace_gauge(), plan);
        double mass = 0.0;
        for (int i = 0; i < n; ++i) mass += dense(i, m.target[std::size_t(i)]);
        EXPECT_NEAR(mass, best, 1e-12);
    }
}

TEST(Matching, CostsAtLeastTheCertifiedValue) {
    Random random(3);
    const DiscreteMeasure mu{gaussian_points(40, 2, random), {}}, nu{gaussian_points(40, 2, random), {}};
    for (const double p : {1.0, 2.0, infinity}) {
        const Gauge gauge = Schatten{.p = p};
        const TransportResult r = solve(mu, nu, gauge, {.tol = 1e-9});
        EXPECT_GE(matching(mu, nu, gauge, r.plan).cost, r.certificate.lower);
    }
    EXPECT_THROW(matching(mu, {gaussian_points(39, 2, random), {}}, trace_gauge(),
                          SparsePlan{.n_rows = 40, .n_cols = 39, .row = {}, .col = {}, .mass = {}}),
                 InvalidArgument);
}

TEST(Matching, IsEmptyWhenCancelled) {
    const DiscreteMeasure cloud{Points::Random(5, 2), {}};
    const TransportResult r = solve(cloud, {Points::Random(5, 2), {}}, operator_gauge());
    const CancelToken cancel;
    cancel.request();
    EXPECT_TRUE(matching(cloud, cloud, operator_gauge(), r.plan, cancel).target.empty());
}

TEST(BarycentricMap, AveragesTheTargets) {
    Random random(4);
    const DiscreteMeasure mu{gaussian_points(10, 2, random), {}}, nu{gaussian_points(17, 2, random), {}};
    const TransportResult r = solve(mu, nu, Schatten{.p = 2.0});
    const Points map = barycentric_map(mu, nu, r.plan);
    EXPECT_LE((map.colwise().mean() - nu.points.colwise().mean()).norm(), 1e-14);
}

TEST(EnvelopeGradient, MatchesFiniteDifferences) {
    Random random(5);
    const Gauge gauge = Schatten{.p = 2.0};
    const TransportOptions options{.tol = 1e-12, .max_iter = 200};
    DiscreteMeasure mu{gaussian_points(7, 3, random), Vector::Constant(7, 0.2)}, nu{gaussian_points(9, 3, random), {}};
    std::uniform_real_distribution<double> uniform(0.5, 1.5);
    for (Index i = 0; i < 7; ++i) mu.weights(i) = uniform(random);
    mu.weights /= mu.weights.sum();
    const EnvelopeGradient g = gradient(mu, nu, solve(mu, nu, gauge, options));
    const double h = 1e-4;
    const auto cost = [&] { return solve(mu, nu, gauge, options).value; };
    for (Index i = 0; i < 7; ++i) {
        for (Index r = 0; r < 3; ++r) {
            mu.points(i, r) += h;
            const double up = cost();
            mu.points(i, r) -= 2 * h;
            const double down = cost();
            mu.points(i, r) += h;
            EXPECT_NEAR(g.points_a(i, r), (up - down) / (2 * h), 2e-5);
        }
        const double w = mu.weights(i), t = 1e-5;
        mu.weights(i) = w + t;
        const double up = cost();
        mu.weights(i) = w - t;
        const double down = cost();
        mu.weights(i) = w;
        EXPECT_NEAR(g.weights_a(i), (up - down) / (2 * t), 1e-3);
    }
}
