#include "gaussian/factor.hpp"

#include "spectralot/core/errors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace spectralot;

namespace {

/// Entries are multiples of 1/4 below 4: products are exact, so R·Rᵀ is exactly of rank r.
Matrix dyadic(Index d, Index r, std::mt19937& random) {
    std::uniform_int_distribution<int> entry(-15, 15);
    return Matrix::NullaryExpr(d, r, [&] { return entry(random) / 4.0; });
}

}  // namespace

TEST(Factor, RankOfAnExactlySingularMatrixIsFound) {
    std::mt19937 random(1);
    for (const Index r : {0, 1, 3, 7}) {
        const Matrix root = dyadic(8, r, random);
        const gaussian::Factor found = gaussian::factor(root * root.transpose(), "S");
        EXPECT_EQ(found.root.cols(), r);
        EXPECT_LE((found.root * found.root.transpose() - root * root.transpose()).norm(),
                  8.0 * epsilon * root.squaredNorm());
        EXPECT_LE(found.error, 64.0 * epsilon * root.norm());
    }
}

TEST(Factor, SmallEigenvaluesKeepTheirDigits) {
    // diag(1, 1e-14) turned by a rotation of dyadic entries: the determinant of the input doubles is known exactly.
    Matrix S(2, 2);
    S << 1.0, 0.5, 0.5, 0.25 + 0x1p-50;
    const gaussian::Factor found = gaussian::factor(S, "S");
    ASSERT_EQ(found.root.cols(), 2);
    EXPECT_NEAR(std::abs(found.root(1, 1)), 0x1p-25, 2.0 * epsilon * 0x1p-25);
}

TEST(Factor, IndefiniteByRoundingStandsForThePartAboveIt) {
    Matrix S = Matrix::Ones(3, 3);
    S(2, 2) -= epsilon;
    EXPECT_EQ(gaussian::factor(S, "S").root.cols(), 1);
}

TEST(Factor, IndefiniteMatricesAreRefused) {
    Matrix hollow(2, 2), negative(2, 2);
    hollow << 0.0, 1.0, 1.0, 0.0;
    negative << 1.0, 0.0, 0.0, -1e-6;
    for (const Matrix& S : {hollow, negative}) EXPECT_THROW(gaussian::factor(S, "S"), InvalidArgument);
}
