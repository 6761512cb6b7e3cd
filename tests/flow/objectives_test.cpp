#include "spectralot/core/errors.hpp"
#include "spectralot/flow/attention.hpp"
#include "spectralot/flow/mmd.hpp"
#include "spectralot/flow/potential.hpp"
#include "spectralot/flow/two_layer.hpp"
#include "support/flow_reference.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

namespace spectralot::flow {
namespace {

using testing::equal_weights;
using testing::normal_cloud;
using testing::random_weights;

Points force_of(const Objective& f, const Points& x, const Vector& w) {
    Points out;
    f.force(x, w, out);
    return out;
}

ScalarField quartic() {
    return {[](const Points& x) -> Vector { return x.array().pow(4).matrix().rowwise().sum(); },
            [](const Points& x) -> Points { return 4.0 * x.array().cube().matrix(); }};
}

ScalarField repulsion() {
    return {[](const Points& z) -> Vector { return (-z.rowwise().squaredNorm()).array().exp().matrix(); },
            [](const Points& z) -> Points {
                const Vector e = (-z.rowwise().squaredNorm()).array().exp();
                return e.asDiagonal() * (-2.0 * z);
            }};
}

struct Named {
    std::string name;
    std::shared_ptr<const Objective> f;
    Index d;
};

std::vector<Named> objectives() {
    std::vector<Named> all;
    const DiscreteMeasure target{normal_cloud(11, 2, 1), random_weights(11, 2)};
    for (const auto& [name, kernel] : names(MmdKernel{}))
        all.push_back({std::string(name), std::make_shared<Mmd>(target, MmdOptions{.kernel = kernel, .eps = 0.7}), 2});
    all.push_back({"potential", std::make_shared<Potential>(quartic()), 2});
    all.push_back({"quadratic", std::make_shared<Quadratic>(Vector(normal_cloud(2, 1, 9)), 3.0), 2});
    all.push_back({"interaction", std::make_shared<Interaction>(repulsion()), 2});
    for (const std::string name : {"relu", "tanh", "sigmoid", "softplus", "square", "identity"})
        all.push_back(
            {name, std::make_shared<TwoLayer>(normal_cloud(33, 2, 3), normal_cloud(33, 1, 4), activation(name)), 3});
    all.push_back({"relu with 5 inputs and 2 outputs",
                   std::make_shared<TwoLayer>(normal_cloud(33, 5, 3), normal_cloud(33, 2, 4), activation("relu")), 7});
    for (const int h : {1, 2, 3, 4, 6})
        all.push_back({"attention " + std::to_string(h),
                       std::make_shared<Attention>(normal_cloud(20, 3, 5), normal_cloud(20, 3, 6),
                                                   AttentionOptions{.d_head = h, .n_tokens = 4}),
                       12 * h});
    all.push_back({"sum",
                   std::make_shared<SumObjective>(std::vector<std::shared_ptr<const Objective>>{all[0].f, all[3].f},
                                                  std::vector<double>{1.0, 0.25}),
                   2});
    return all;
}

TEST(Objectives, ForceTimesWeightIsTheGradientOfTheEnergy) {
    const Vector w = random_weights(9, 7);
    for (const auto& [name, f, d] : objectives()) {
        const Points x = 0.7 * normal_cloud(9, d, 8);
        const Points g = force_of(*f, x, w);
        // Central differences of step h: rounding eps/h beside h² times third derivatives of order one.
        const double h = 1e-5, scale = g.cwiseAbs().maxCoeff();
        for (Index i = 0; i < x.rows(); ++i) {
            for (Index c = 0; c < d; ++c) {
                Points up = x, down = x;
                up(i, c) += h;
                down(i, c) -= h;
                const double difference = (f->energy(up, w) - f->energy(down, w)) / (2 * h) / w[i];
                EXPECT_NEAR(difference, g(i, c), 3e-8 * std::max(scale, 0.1)) << name;
            }
        }
    }
}

TEST(Objectives, EnergyAndForceTogetherAreTheSameBits) {
    const Vector w = random_weights(9, 7);
    for (const auto& [name, f, d] : objectives()) {
        const Points x = normal_cloud(9, d, 8);
        Points g;
        EXPECT_EQ(f->energy_and_force(x, w, g), f->energy(x, w)) << name;
        EXPECT_EQ(g, force_of(*f, x, w)) << name;
    }
}

TEST(Objectives, EnergyIsBelowItsQuadraticModel) {
    const Vector w = random_weights(9, 7);
    for (const auto& [name, f, d] : objectives()) {
        const auto L = f->smoothness();
        if (!L) continue;
        for (unsigned seed = 0; seed < 20; ++seed) {
            const Points x = normal_cloud(9, d, seed), v = normal_cloud(9, d, 100 + seed);
            const Points g = force_of(*f, x, w);
            const double slope = w.dot(g.cwiseProduct(v).rowwise().sum());
            const double curvature = *L * w.dot(v.rowwise().squaredNorm());
            const double model = f->energy(x, w) + slope + 0.5 * curvature;  // a quadratic f attains it
            EXPECT_LE(f->energy(x + v, w), model + 16 * epsilon * (std::abs(model) + curvature)) << name;
        }
    }
}

TEST(Objectives, BatchesOfAllTheDataAverageToTheForce) {
    const Vector w = random_weights(9, 7);
    for (const auto& [name, f, d] : objectives()) {
        const Index n = f->n_data();
        if (n == 0) continue;
        const Points x = normal_cloud(9, d, 8), g = force_of(*f, x, w);
        std::vector<Index> all(static_cast<std::size_t>(n));
        for (std::size_t k = 0; k < all.size(); ++k) all[k] = static_cast<Index>(k);
        Points batch, mean = Points::Zero(9, d);
        f->batch_force(x, w, all, batch);
        EXPECT_LE((batch - g).cwiseAbs().maxCoeff(), 64 * epsilon * std::max(1.0, g.cwiseAbs().maxCoeff())) << name;
        for (const Index k : all) {
            f->batch_force(x, w, {k}, batch);
            mean += batch / static_cast<double>(n);
        }
        EXPECT_LE((mean - g).cwiseAbs().maxCoeff(), 256 * epsilon * std::max(1.0, g.cwiseAbs().maxCoeff())) << name;
    }
}

TEST(Objectives, NoBatchesWithoutData) {
    Points out;
    EXPECT_THROW(Potential(quartic()).batch_force(normal_cloud(3, 2, 1), equal_weights(3), {0}, out), InvalidArgument);
}

TEST(Objectives, ThreadsDoNotChangeABit) {
    const Points y = normal_cloud(2500, 2, 1), x = normal_cloud(2600, 2, 2);
    const Vector w = random_weights(2600, 3);
    for (const auto& [name, kernel] : names(MmdKernel{})) {
        const Mmd one({y, {}}, {.kernel = kernel, .eps = 0.3}),
            two({y, {}}, {.kernel = kernel, .eps = 0.3, .n_threads = 2});
        Points g, h;
        EXPECT_EQ(one.energy_and_force(x, w, g), two.energy_and_force(x, w, h)) << name;
        EXPECT_EQ(g, h) << name;
    }
    const Points neurons = normal_cloud(1000, 3, 4), heads = normal_cloud(21, 36, 5);
    const TwoLayer relu_one(y, normal_cloud(2500, 1, 6), activation("relu"), 1),
        relu_two(y, normal_cloud(2500, 1, 6), activation("relu"), 2);
    EXPECT_EQ(force_of(relu_one, neurons, equal_weights(1000)), force_of(relu_two, neurons, equal_weights(1000)));
    const Points tokens = normal_cloud(36, 3, 7);
    const Attention one(tokens, tokens, {.d_head = 3, .n_tokens = 4}),
        two(tokens, tokens, {.d_head = 3, .n_tokens = 4, .n_threads = 2});
    EXPECT_EQ(force_of(one, heads, equal_weights(21)), force_of(two, heads, equal_weights(21)));
}

/// ΣΣ of long double, without any of the kernel's tricks.
double slow_mmd(MmdKernel kernel, double eps, const Points& x, const Vector& a, const Points& y, const Vector& b) {
    const auto k = [&](const Points& p, Index i, const Points& q, Index j) -> long double {
        const long double squared = (p.row(i) - q.row(j)).cast<long double>().squaredNorm() / eps / eps;
        return kernel == MmdKernel::Gaussian ? std::exp(-squared / 2) : 1 / std::sqrt(1 + squared);
    };
    const auto mean = [&](const Points& p, const Vector& u, const Points& q, const Vector& v) {
        long double sum = 0;
        for (Index i = 0; i < p.rows(); ++i)
            for (Index j = 0; j < q.rows(); ++j) sum += static_cast<long double>(u[i]) * v[j] * k(p, i, q, j);
        return sum;
    };
    return static_cast<double>(mean(x, a, x, a) - 2 * mean(x, a, y, b) + mean(y, b, y, b));
}

TEST(Mmd, BoundedKernelsMatchTheLongDoubleReference) {
    const Points x = normal_cloud(41, 3, 1), y = normal_cloud(37, 3, 2);
    const Vector a = random_weights(41, 3), b = random_weights(37, 4);
    for (const MmdKernel kernel : {MmdKernel::Gaussian, MmdKernel::Imq}) {
        for (const double eps : {0.05, 0.7, 20.0}) {
            const Mmd f({y, b}, {.kernel = kernel, .eps = eps});
            EXPECT_NEAR(f.energy(x, a), slow_mmd(kernel, eps, x, a, y, b), 16 * epsilon);
            for (const int exponent : {-490, 490}) {  // a kernel of |x-y|/ε knows no unit
                const double s = std::ldexp(1.0, exponent);
                const Mmd far({s * y, b}, {.kernel = kernel, .eps = eps * s});
                EXPECT_EQ(far.energy(s * x, a), f.energy(x, a));
                const Points error = s * force_of(far, s * x, a) - force_of(f, x, a);
                EXPECT_LE(error.cwiseAbs().maxCoeff(), 1e-150);  // what underflows in the larger unit
            }
        }
    }
}

TEST(TwoLayer, WideReluIsTheGeneralPath) {
    const Points z = normal_cloud(300, 3, 1), y = normal_cloud(300, 1, 2), x = normal_cloud(170, 4, 3);
    const Vector w = random_weights(170, 4);
    Activation plain = activation("relu");
    plain.is_relu = false;
    const TwoLayer wide(z, y, activation("relu")), general(z, y, plain);
    const double scale = force_of(general, x, w).cwiseAbs().maxCoeff();
    EXPECT_NEAR(wide.energy(x, w), general.energy(x, w), 64 * epsilon * general.energy(x, w));
    EXPECT_LE((force_of(wide, x, w) - force_of(general, x, w)).cwiseAbs().maxCoeff(), 300 * epsilon * scale);
    const Points residual = wide.predict(x, w, z) - y;
    EXPECT_NEAR(0.5 * residual.squaredNorm() / 300, wide.energy(x, w), 64 * epsilon * wide.energy(x, w));
}

TEST(TwoLayer, ReluRiskDependsOnTheSphericalMeasureAlone) {
    // math.md §8: Φ is two-homogeneous, so particles on one ray merge by Σ w|x|², and the force is one-homogeneous.
    const TwoLayer f(normal_cloud(50, 2, 1), normal_cloud(50, 1, 2), activation("relu"));
    Points x = normal_cloud(6, 3, 3);
    Vector w = random_weights(6, 4);
    x.row(1) = 3.0 * x.row(0);
    Points merged = x;
    merged.row(0) = x.row(0) * std::sqrt((w[0] + 9.0 * w[1]) / (w[0] + w[1]));
    merged.row(1) = merged.row(0);
    EXPECT_NEAR(f.energy(merged, w), f.energy(x, w), 64 * epsilon * f.energy(x, w));
    const Points g = force_of(f, x, w);
    EXPECT_LE((g.row(1) - 3.0 * g.row(0)).cwiseAbs().maxCoeff(), 64 * epsilon * g.cwiseAbs().maxCoeff());
    Points mirrored = x;
    mirrored.row(0) = -x.row(0);  // λ < 0 is no symmetry
    EXPECT_GT(std::abs(f.energy(mirrored, w) - f.energy(x, w)), 1e-6 * f.energy(x, w));
}

TEST(TwoLayer, RealisableRiskIsHalfTheMmdOfItsKernel) {
    const Points z = normal_cloud(80, 2, 1), teacher = normal_cloud(3, 3, 2), x = normal_cloud(7, 3, 3);
    const Vector a = random_weights(7, 4), b = random_weights(3, 5);
    const TwoLayer zero(z, Points::Zero(80, 1), activation("relu"));
    const TwoLayer f(z, zero.predict(teacher, b, z), activation("relu"));
    // K(x, x') = E[φ(z,x) φ(z,x')]
    const auto features = [&](const Points& p) -> Points {
        Points phi(p.rows(), 80);
        for (Index i = 0; i < p.rows(); ++i)
            phi.row(i) = zero.predict(p.row(i), Vector::Ones(1), z).transpose() / std::sqrt(80.0);
        return phi;
    };
    const Points u = features(x), v = features(teacher);
    const Vector ua = u.transpose() * a, vb = v.transpose() * b;
    const double mmd =
        a.dot((u * u.transpose()) * a) - 2 * a.dot((u * v.transpose()) * b) + b.dot((v * v.transpose()) * b);
    EXPECT_NEAR(f.energy(x, a), 0.5 * mmd, 64 * epsilon * (ua.squaredNorm() + vb.squaredNorm()));
    EXPECT_NEAR(f.energy(teacher, b), 0.0, epsilon);
    EXPECT_LE(force_of(f, teacher, b).cwiseAbs().maxCoeff(), 64 * epsilon);  // stationary at the target
}

TEST(Attention, MatchesItsFormula) {
    const int T = 4, h = 2, d = 3, n = 5;
    const Points tokens = normal_cloud(2 * T, d, 1), x = normal_cloud(n, 4 * h * d, 2);
    const Vector w = random_weights(n, 3);
    const Attention f(tokens, Points::Zero(2 * T, d), {.d_head = h, .n_tokens = T});
    Points expected = Points::Zero(2 * T, d);
    for (Index i = 0; i < n; ++i) {
        const Points Q = x.row(i).segment(0, h * d).reshaped<Eigen::RowMajor>(h, d);
        const Points K = x.row(i).segment(h * d, h * d).reshaped<Eigen::RowMajor>(h, d);
        const Points V = x.row(i).segment(2 * h * d, h * d).reshaped<Eigen::RowMajor>(h, d);
        const Points O = x.row(i).segment(3 * h * d, h * d).reshaped<Eigen::RowMajor>(h, d);
        for (Index s = 0; s < 2; ++s) {
            const Points z = tokens.middleRows(s * T, T);
            Points p = ((z * Q.transpose()) * (z * K.transpose()).transpose() / std::sqrt(2.0)).array().exp();
            const Vector total = p.rowwise().sum();
            p = total.cwiseInverse().asDiagonal() * p;
            expected.middleRows(s * T, T) += w[i] * p * (z * V.transpose()) * O;
        }
    }
    EXPECT_LE((f.predict(x, w) - expected).cwiseAbs().maxCoeff(), 64 * epsilon * expected.cwiseAbs().maxCoeff());
    EXPECT_NEAR(f.energy(x, w), 0.5 * expected.squaredNorm() / (2 * T * d), 64 * epsilon * f.energy(x, w));
}

TEST(Objectives, RefuseBadInput) {
    const Points z = normal_cloud(8, 2, 1), y = normal_cloud(8, 1, 2);
    EXPECT_THROW(Mmd({z, {}}, {.n_threads = -1}), InvalidArgument);
    EXPECT_THROW(Potential({nullptr, nullptr}), InvalidArgument);
    EXPECT_THROW(TwoLayer(z, normal_cloud(7, 1, 2), activation("relu")), InvalidArgument);
    EXPECT_THROW(TwoLayer(z * std::nan(""), y, activation("relu")), InvalidArgument);
    EXPECT_THROW(activation("step"), InvalidArgument);
    const TwoLayer f(z, y, activation("relu"));
    EXPECT_THROW((void)f.energy(normal_cloud(4, 2, 3), equal_weights(4)), InvalidArgument);
    EXPECT_THROW((void)f.energy(normal_cloud(4, 3, 3), equal_weights(5)), InvalidArgument);
    EXPECT_THROW(Attention(z, z, {.d_head = 0, .n_tokens = 4}), InvalidArgument);
    EXPECT_THROW(Attention(z, z, {.d_head = 65, .n_tokens = 4}), InvalidArgument);
    EXPECT_THROW(Attention(z, z, {.d_head = 1, .n_tokens = 3}), InvalidArgument);
    EXPECT_THROW(Attention(z, y, {.d_head = 1, .n_tokens = 4}), InvalidArgument);
    EXPECT_THROW(SumObjective({}, {}), InvalidArgument);
    const Interaction odd({[](const Points& d) -> Vector { return d.col(0); }, [](const Points& d) { return d; }});
    EXPECT_THROW((void)odd.energy(z, equal_weights(8)), InvalidArgument);
}

}  // namespace
}  // namespace spectralot::flow
