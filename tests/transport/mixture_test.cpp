#include "spectralot/transport/mixture.hpp"

#include "spectralot/core/errors.hpp"

#include <gtest/gtest.h>

using namespace spectralot;
using gaussian::Gaussian;

namespace {

Gaussian disc(double x, double y) {
    return {Vector{{x, y}}, Matrix::Identity(2, 2)};
}

/// Two far components, each moved by 1e-3: the marginals' rounding at the scale of 1e4 hides the cost of 1e-6.
struct Moved {
    GaussianMixture before{{}, {disc(0.0, 0.0), disc(1e4, 0.0)}};
    GaussianMixture after{{}, {disc(1e-3, 0.0), disc(1e4 + 1e-3, 0.0)}};
};

void expect_refused(const GaussianMixture& mu, const GaussianMixture& nu, const std::string& message) {
    try {
        solve_mixture(mu, nu, trace_gauge());
        ADD_FAILURE() << "accepted: " << message;
    } catch (const InvalidArgument& error) {
        EXPECT_EQ(std::string(error.what()).rfind(message, 0), 0U) << error.what();
    }
}

}  // namespace

TEST(Mixture, StopsWhereTheBracketNoLongerShrinksAndKeepsItTrue) {
    const Moved mixtures;
    const MixtureResult r = solve_mixture(mixtures.before, mixtures.after, trace_gauge());
    EXPECT_EQ(r.status, Status::Stalled);
    EXPECT_FALSE(r.converged);
    EXPECT_LT(r.n_iter, MixtureOptions{}.max_iter);
    EXPECT_LE(r.certificate.lower, 1e-6 * (1.0 + 1e-9));
    EXPECT_GE(r.certificate.lower, 0.99e-6);
    EXPECT_GE(r.certificate.upper, 1e-6);
}

TEST(Mixture, IterationLimitCountsMetrics) {
    const Moved mixtures;
    for (const int limit : {1, 4}) {
        const MixtureResult r = solve_mixture(mixtures.before, mixtures.after, Schatten{.p = 2.0}, {.max_iter = limit});
        EXPECT_EQ(r.status, Status::IterationLimit);
        EXPECT_EQ(r.n_iter, limit);
        EXPECT_LE(r.certificate.lower, r.certificate.upper);
        EXPECT_EQ(r.plan.rows(), 2);
    }
}

TEST(Mixture, CancellingKeepsTheBestResult) {
    const Moved mixtures;
    Observer observer;
    observer.on_progress = [&](const Progress& at) {
        if (at.iteration == 2) observer.cancel.request();
    };
    const MixtureResult r = solve_mixture(mixtures.before, mixtures.after, operator_gauge(), {}, observer);
    EXPECT_EQ(r.status, Status::Interrupted);
    EXPECT_EQ(r.n_iter, 2);
    EXPECT_LE(r.certificate.lower, r.certificate.upper);
}

TEST(Mixture, EqualMixturesAreZeroToRounding) {
    const Moved mixtures;
    const MixtureResult r = solve_mixture(mixtures.before, mixtures.before, Schatten{.p = 2.0});
    EXPECT_EQ(r.status, Status::ZeroToRounding);
    EXPECT_EQ(r.certificate.lower, 0.0);
}

TEST(Mixture, ErrorsNameTheComponent) {
    const GaussianMixture good{{}, {disc(0.0, 0.0), disc(1.0, 0.0)}};
    GaussianMixture bad = good;
    bad.components[1].covariance(0, 1) = bad.components[1].covariance(1, 0) = 2.0;
    expect_refused(good, bad, "covariances_b[1]: must be positive semidefinite");
    expect_refused(bad, good, "covariances_a[1]: must be positive semidefinite");
    expect_refused(good, {{}, {{Vector::Zero(3), Matrix::Identity(3, 3)}}}, "means_b[0]: must have the dimension");
    expect_refused(good, {}, "means_b: must not be empty");
    expect_refused({Vector{{1.0}}, good.components}, good, "a: must be one per component, 2, got 1");
    expect_refused(good, {Vector{{1.0, -1.0}}, good.components}, "b: must be non-negative and finite, got -1");
}
