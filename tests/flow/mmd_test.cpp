#include "spectralot/flow/mmd.hpp"

#include "spectralot/core/errors.hpp"
#include "support/flow_reference.hpp"

#include <gtest/gtest.h>

#include <cmath>

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

Points shifted(const Points& x, double by) {
    return (x.array() + by).matrix();
}

TEST(Mmd, EnergyAndForceMatchTheLongDoubleReference) {
    for (const auto& [n, m, d] : {std::tuple<Index, Index, Index>{1, 1, 1},
                                  {2, 3, 1},
                                  {7, 5, 2},
                                  {8, 8, 2},
                                  {9, 31, 3},
                                  {40, 33, 2},
                                  {65, 10, 5},
                                  {100, 120, 2},
                                  {70, 64, 20}}) {
        for (const double eps : {1e-8, 1e-2, 3.0}) {
            const Points x = normal_cloud(n, d, 1), y = shifted(normal_cloud(m, d, 2), 0.5);
            const Vector a = random_weights(n, 3), b = random_weights(m, 4);
            const Mmd f({y, b}, {.eps = eps});
            const double size = static_cast<double>(testing::mean_distance(x, a, y, b, eps));
            EXPECT_NEAR(f.energy(x, a), static_cast<double>(testing::reference_mmd(x, a, y, b, eps)),
                        16 * epsilon * size)
                << n << " " << m << " " << d;
            const Points error = force_of(f, x, a) - testing::reference_mmd_force(x, a, y, b, eps);
            EXPECT_LE(error.cwiseAbs().maxCoeff(), 64 * epsilon) << n << " " << m << " " << d;  // each sum is at most 2
        }
    }
}

TEST(Mmd, ForceTimesWeightIsTheGradientOfTheEnergy) {
    const double eps = 0.1, h = 1e-5;  // third derivatives are of order 1/eps²
    for (const Index d : {1, 2, 5}) {
        const Points y = normal_cloud(15, d, 5);
        Points x = normal_cloud(12, d, 6);
        Vector a = random_weights(12, 7);
        a[3] = 0.0;
        const Mmd f({y, random_weights(15, 8)}, {.eps = eps});
        const Points g = force_of(f, x, a);
        for (Index i = 0; i < x.rows(); ++i) {
            for (Index c = 0; c < d; ++c) {
                const double here = x(i, c);
                x(i, c) = here + h;
                const double above = f.energy(x, a);
                x(i, c) = here - h;
                const double below = f.energy(x, a);
                x(i, c) = here;
                EXPECT_NEAR((above - below) / (2 * h), a[i] * g(i, c), h * h / (eps * eps) + 16 * epsilon / h);
            }
        }
    }
}

TEST(Mmd, EnergyAndForceTogetherAreTheSameBits) {
    const Points x = normal_cloud(37, 3, 9), y = normal_cloud(22, 3, 10);
    const Vector a = random_weights(37, 11);
    const Mmd f({y, {}});
    Points g;
    EXPECT_EQ(f.energy_and_force(x, a, g), f.energy(x, a));
    EXPECT_EQ(g, force_of(f, x, a));
    EXPECT_EQ(g, force_of(f, x, a));
}

TEST(Mmd, VanishesAtTheTarget) {
    for (const Index d : {1, 2, 7}) {
        const Points y = normal_cloud(101, d, 12);
        const Vector b = random_weights(101, 13);
        const Mmd f({y, b});
        EXPECT_NEAR(f.energy(y, b), 0.0, 8 * epsilon);
        EXPECT_LE(force_of(f, y, b).cwiseAbs().maxCoeff(), 64 * epsilon);
        EXPECT_GT(f.energy(shifted(y, 1e-6), b), 0.0);  // about 1e-12 · density: far above the rounding
    }
}

TEST(Mmd, OrderOfThePointsDoesNotMatter) {
    const Points x = normal_cloud(43, 2, 14), y = normal_cloud(30, 2, 15);
    const Vector a = random_weights(43, 16);
    const Mmd f({y, {}}), reversed({y.colwise().reverse(), {}});
    const double scale = static_cast<double>(testing::mean_distance(x, a, y, equal_weights(30), 1e-2));
    EXPECT_NEAR(f.energy(x, a), reversed.energy(x.colwise().reverse(), a.reverse()), 16 * epsilon * scale);
    const Points flipped = force_of(reversed, x.colwise().reverse(), a.reverse()).colwise().reverse();
    EXPECT_LE((force_of(f, x, a) - flipped).cwiseAbs().maxCoeff(), 64 * epsilon);
}

TEST(Mmd, TranslationAndRotationCarryTheForce) {
    const Points x = normal_cloud(25, 2, 17), y = normal_cloud(31, 2, 18);
    const Vector a = random_weights(25, 19);
    const Points g = force_of(Mmd({y, {}}), x, a);
    // A shift by a power of two costs each coordinate 128·eps, and pairs are at least ε = 1e-2 apart.
    const Points moved = force_of(Mmd({shifted(y, 256), {}}), shifted(x, 256), a);
    EXPECT_LE((moved - g).cwiseAbs().maxCoeff(), 4 * 256 * epsilon / 1e-2);
    const double c = std::cos(0.7), s = std::sin(0.7);
    const Matrix R = (Matrix(2, 2) << c, -s, s, c).finished();
    const Points turned = force_of(Mmd({y * R, {}}), x * R, a);
    EXPECT_LE((turned - g * R).cwiseAbs().maxCoeff(), 16 * epsilon / 1e-2);
}

TEST(Mmd, IsHomogeneousOverTheWholeRangeOfDouble) {
    const Points x = normal_cloud(13, 2, 20), y = normal_cloud(17, 2, 21);
    const Vector a = random_weights(13, 22);
    const Mmd f({y, {}}, {.eps = 0.25});
    const double expected = f.energy(x, a);
    for (const int exponent : {-900, -490, 3, 490, 900}) {
        const double s = std::ldexp(1.0, exponent);
        const Mmd far({s * y, {}}, {.eps = 0.25 * s});
        EXPECT_EQ(far.energy(s * x, a), s * expected);
        EXPECT_EQ(force_of(far, s * x, a), force_of(f, x, a));
    }
}

TEST(Mmd, ReplicatedParticlesShareTheirWeight) {
    const Points x = normal_cloud(19, 3, 23), y = normal_cloud(11, 3, 24);
    const Vector a = random_weights(19, 25);
    Points doubled(38, 3);
    doubled << x, x;
    Vector halves(38);
    halves << a / 2, a / 2;
    const Mmd f({y, {}});
    EXPECT_NEAR(f.energy(doubled, halves), f.energy(x, a), 16 * epsilon * 4);
    EXPECT_LE((force_of(f, doubled, halves).topRows(19) - force_of(f, x, a)).cwiseAbs().maxCoeff(), 64 * epsilon);
}

TEST(Mmd, IdenticalPointsFeelNoForceFromEachOther) {
    const Points x = Points::Constant(20, 2, 0.3), y = Points::Constant(9, 2, 0.3);
    const Mmd f({y, {}}, {.eps = 1e-300});
    EXPECT_EQ(force_of(f, x, equal_weights(20)), Points::Zero(20, 2));
    EXPECT_NEAR(f.energy(x, equal_weights(20)), 0.0, epsilon);
}

TEST(Mmd, RefusesBadInput) {
    const Points y = normal_cloud(4, 2, 26);
    EXPECT_THROW(Mmd({y, {}}, {.eps = 0.0}), InvalidArgument);
    EXPECT_THROW(Mmd({y, {}}, {.eps = -1.0}), InvalidArgument);
    EXPECT_THROW(Mmd({y, {}}, {.eps = infinity}), InvalidArgument);
    EXPECT_THROW(Mmd({Points(0, 2), {}}), InvalidArgument);
    EXPECT_THROW(Mmd({y, Vector::Zero(4)}), InvalidArgument);
    const Mmd f({y, {}});
    EXPECT_THROW((void)f.energy(normal_cloud(4, 3, 27), equal_weights(4)), InvalidArgument);
    EXPECT_THROW((void)f.energy(y, equal_weights(3)), InvalidArgument);
}

}  // namespace
}  // namespace spectralot::flow
