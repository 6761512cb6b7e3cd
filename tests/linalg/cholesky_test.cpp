#include "linalg/cholesky.hpp"

#include "support/linalg_reference.hpp"

#include <gtest/gtest.h>

namespace spectralot::linalg {
namespace {

using testing::normal_points;

TEST(Cholesky, SolvesWhatItFactored) {
    for (const Index n : {1, 2, 5, 6, 7, 16, 63, 64, 65, 100, 127, 128, 193, 300}) {
        const Points root = normal_points(n, n, unsigned(n));
        const Matrix A = root * root.transpose() + Matrix::Identity(n, n);
        Matrix lower = A;
        lower.triangularView<Eigen::StrictlyUpper>().setConstant(-7.0);  // never read
        Cholesky factor;
        factor.compute(lower);
        ASSERT_EQ(factor.info(), Eigen::Success);
        const Vector b = normal_points(n, 1, 3);
        Vector x = b;
        factor.solveInPlace(x);
        // Backward stable: the residual is small against |A||x|, whatever the condition.
        EXPECT_LE((A * x - b).norm(), 4.0 * double(n) * epsilon * A.norm() * x.norm()) << n;
    }
}

TEST(Cholesky, RefusesIndefiniteMatrices) {
    for (const Index n : {1, 40, 150}) {
        Matrix A = Matrix::Identity(n, n);
        A(n - 1, n - 1) = -1e-8;
        Cholesky factor;
        factor.compute(A);
        EXPECT_EQ(factor.info(), Eigen::NumericalIssue);
        factor.compute(Matrix::Identity(n, n));
        EXPECT_EQ(factor.info(), Eigen::Success);
    }
}

}  // namespace
}  // namespace spectralot::linalg
