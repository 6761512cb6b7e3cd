#include "spectralot/flow/coordination.hpp"

#include "spectralot/core/errors.hpp"
#include "support/flow_reference.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace spectralot::flow {
namespace {

using testing::normal_cloud;
using testing::random_weights;

TEST(Coordination, IsOneForACommonDirectionWhateverTheSpeeds) {
    const Points x = normal_cloud(50, 3, 1);
    const Points v = random_weights(50, 2) * Eigen::RowVector3d(1.0, -2.0, 0.5);
    EXPECT_NEAR(coordination(x, v, random_weights(50, 3)), 1.0, 8 * epsilon);
}

TEST(Coordination, CountsNeighboursOnTheLine) {
    const Points x = (Points(4, 1) << 0.0, 1.0, 3.0, 3.5).finished();
    const Points v = (Points(4, 1) << 1.0, -2.0, -1.0, 0.0).finished();
    // Nearest neighbour: 0→1 (cosine -1), 1→0 (-1), 2→3 (0), 3→2 (0).
    EXPECT_NEAR(coordination(x, v, {}, 1), -0.5, epsilon);
    EXPECT_NEAR(coordination(x, v, Vector(Eigen::Vector4d(1.0, 2.0, 3.0, 4.0)), 1), -0.3, epsilon);
}

TEST(Coordination, IsInvariantUnderRotationAndScale) {
    const Points x = normal_cloud(60, 2, 4), v = normal_cloud(60, 2, 5);
    const Vector w = random_weights(60, 6);
    const double c = std::cos(0.4), s = std::sin(0.4), expected = coordination(x, v, w);
    const Matrix R = (Matrix(2, 2) << c, -s, s, c).finished();
    EXPECT_NEAR(coordination(x * R, v * R, w), expected, 16 * epsilon);
    for (const double scale : {1e-150, 1e150})
        EXPECT_NEAR(coordination(scale * x, scale * v, w), expected, 16 * epsilon);
}

TEST(Coordination, MasslessParticlesDoNotCount) {
    const Points x = normal_cloud(20, 2, 7), v = normal_cloud(20, 2, 8);
    Vector w = random_weights(20, 9);
    w.tail(8).setZero();
    EXPECT_EQ(coordination(x, v, w), coordination(x.topRows(12), v.topRows(12), w.head(12)));
}

TEST(Coordination, FewParticlesAllServeAsNeighbours) {
    const Points x = normal_cloud(3, 2, 10), v = normal_cloud(3, 2, 11);
    EXPECT_EQ(coordination(x, v, {}, 2), coordination(x, v, {}, 50));
    EXPECT_EQ(coordination(x.topRows(1), v.topRows(1), {}), 1.0);
}

TEST(Coordination, RefusesBadInput) {
    const Points x = normal_cloud(5, 2, 12);
    EXPECT_THROW(coordination(x, x, {}, 0), InvalidArgument);
    EXPECT_THROW(coordination(x, x.topRows(4), {}), InvalidArgument);
    EXPECT_THROW(coordination(x, x * std::nan(""), {}), InvalidArgument);
    EXPECT_THROW(coordination(x, x, Vector::Ones(4)), InvalidArgument);
}

}  // namespace
}  // namespace spectralot::flow
