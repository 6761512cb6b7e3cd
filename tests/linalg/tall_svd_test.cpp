#include "spectralot/linalg/tall_svd.hpp"

#include "spectralot/core/errors.hpp"
#include "support/linalg_reference.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace spectralot::linalg {
namespace {

using testing::LongMatrix;
using testing::normal_points;
using testing::planted;
using testing::uniform_weights;

const std::vector<std::pair<Index, Index>> shapes = {
    {1, 1},  {2, 1}, {9, 1},   {1, 2},    {3, 2},   {500, 2}, {501, 3}, {4, 4},    {700, 5},  {10, 7},
    {33, 8}, {6, 9}, {77, 15}, {300, 16}, {40, 17}, {91, 31}, {3, 33},  {130, 64}, {9000, 3}, {70000, 1}};

/// UWᵀ through the factors, as the selector for p = ∞ does it.
Points polar_through_factors(const Points& G, const RightSvd& svd) {
    Points out(G.rows(), G.cols());
    apply_right(G, svd.right * svd.sigma.cwiseInverse().asDiagonal() * svd.right.transpose(), 1.0, out);
    return out;
}

TEST(Gram, IsTheSumOfWeightedOuterProducts) {
    for (const auto& [n, d] : shapes) {
        const Points G = normal_points(n, d, 1);
        for (const Vector& w : {Vector(), uniform_weights(n, 2)}) {
            const LongMatrix L = G.cast<long double>();
            const Vector ones = Vector::Ones(n);
            const auto weights = (w.size() ? w : ones).cast<long double>();
            const LongMatrix expected = L.transpose() * weights.asDiagonal() * L;
            const LongMatrix magnitude = L.cwiseAbs().transpose() * weights.asDiagonal() * L.cwiseAbs();
            const LongMatrix error = (gram(G, w).cast<long double>() - expected).cwiseAbs();
            EXPECT_LE((error.array() / magnitude.array()).maxCoeff(), 16 * epsilon) << n << "x" << d;
        }
    }
}

TEST(Gram, IsSymmetricToTheBit) {
    const Matrix S = gram(normal_points(333, 21, 3), uniform_weights(333, 4));
    EXPECT_EQ(S, S.transpose());
}

TEST(Gram, OfABlockReadsOnlyTheBlock) {
    for (const auto& [n, d] : shapes) {
        Points frame = Points::Constant(n + 2, d + 3, std::nan(""));
        frame.block(1, 2, n, d) = normal_points(n, d, 5);
        EXPECT_EQ(gram(frame.block(1, 2, n, d)), gram(normal_points(n, d, 5))) << n << "x" << d;
    }
}

TEST(Gram, OfNoRowsIsZero) {
    EXPECT_EQ(gram(Points(0, 3)), Matrix::Zero(3, 3));
}

TEST(ApplyRight, IsTheMatrixProduct) {
    for (const auto& [n, d] : shapes) {
        const Points G = normal_points(n, d, 6);
        const Matrix B = normal_points(d, d, 7);
        Points out(n, d);
        apply_right(G, B, -0.5, out);
        const LongMatrix L = G.cast<long double>(), R = B.cast<long double>();
        const LongMatrix error = (out.cast<long double>() + 0.5L * (L * R)).cwiseAbs();
        const LongMatrix magnitude = L.cwiseAbs() * R.cwiseAbs();
        EXPECT_LE((error.array() / magnitude.array()).maxCoeff(), static_cast<double>(d) * epsilon) << n << "x" << d;
    }
}

TEST(ApplyRight, WritesOnlyItsBlock) {
    for (const auto& [n, d] : shapes) {
        const Points G = normal_points(n, d, 8);
        const Matrix B = normal_points(d, d, 9);
        Points expected(n, d);
        apply_right(G, B, 2.0, expected);
        Points frame = Points::Constant(n + 2, d + 3, 7.0);
        apply_right(G, B, 2.0, frame.block(1, 2, n, d));
        EXPECT_EQ(frame.block(1, 2, n, d), expected) << n << "x" << d;
        frame.block(1, 2, n, d).setConstant(7.0);
        EXPECT_TRUE((frame.array() == 7.0).all()) << n << "x" << d;
    }
}

TEST(LargestMagnitude, IsTheOneOfEveryEntryAndNanWhereOneIsNotFinite) {
    for (const Index n : {1, 3, 8, 41}) {
        for (const Index d : {1, 2, 5}) {
            Points wide = normal_points(n, d + 2, 7);
            wide.col(d).setConstant(1e9);  // beside the block
            const auto block = wide.leftCols(d);
            EXPECT_EQ(largest_magnitude(block), block.cwiseAbs().maxCoeff());
            EXPECT_EQ(largest_magnitude(Points(block)), block.cwiseAbs().maxCoeff());
            for (const double odd : {infinity, -infinity, std::nan("")}) {
                Points spoiled = block;
                spoiled(n - 1, d / 2) = odd;
                EXPECT_TRUE(std::isnan(largest_magnitude(spoiled)));
            }
        }
    }
}

TEST(RightSvd, PolarFactorErrsByTwiceTheConditionNumberAtMost) {
    for (const auto& [n, d] : {std::pair<Index, Index>{50, 2}, {60, 3}, {12, 10}, {20, 20}, {10, 20}, {200, 16}}) {
        for (const double condition : {1.0, 3.0, 5.9, 6.1, 30.0, 1e3, 1e5, 9e6, 1.1e7, 1e9, 1e12}) {
            for (unsigned seed = 0; seed < 4; ++seed) {
                const Points G = planted(n, d, condition, 10 + seed);
                const RightSvd svd = right_svd(G, {}, 0.0);
                const LongMatrix expected = testing::reference_polar(G, 0.0);
                const LongMatrix error = polar_through_factors(G, svd).cast<long double>() - expected;
                EXPECT_LE(error.norm() / expected.norm(), 2 * (50 + condition) * epsilon)
                    << n << "x" << d << " " << condition;
            }
        }
    }
}

TEST(RightSvd, SingularValuesErrByAFewUnitsOfTheLargest) {
    for (const auto& [n, d] : {std::pair<Index, Index>{5, 1}, {50, 3}, {20, 20}, {10, 20}, {200, 16}}) {
        for (const double condition : {1.0, 5.0, 1e3, 1e9, 1e14}) {
            const Points G = planted(n, d, condition, 20);
            const RightSvd svd = right_svd(G, {}, 0.0);
            const auto expected = testing::long_svd(G).singularValues();
            ASSERT_EQ(svd.sigma.size(), expected.size());
            const double error = static_cast<double>((svd.sigma.cast<long double>() - expected).cwiseAbs().maxCoeff());
            EXPECT_LE(error, 2.0 * static_cast<double>(d + 4) * epsilon) << n << "x" << d << " " << condition;
        }
    }
}

TEST(RightSvd, RightVectorsAreOrthonormalAndDiagonaliseTheGram) {
    for (const auto& [n, d] : shapes) {
        const Points G = normal_points(n, d, 30);
        const RightSvd svd = right_svd(G);
        const Index r = svd.sigma.size();
        ASSERT_EQ(svd.right.rows(), d);
        ASSERT_EQ(svd.right.cols(), r);
        EXPECT_EQ(r, std::min(n, d));
        EXPECT_LE((svd.right.transpose() * svd.right - Matrix::Identity(r, r)).norm(),
                  16 * static_cast<double>(d) * epsilon);
        const Matrix rebuilt = svd.right * svd.sigma.cwiseAbs2().asDiagonal() * svd.right.transpose();
        EXPECT_LE((rebuilt - gram(G)).norm(), 16 * static_cast<double>(d) * epsilon * gram(G).norm());
        EXPECT_TRUE(std::is_sorted(svd.sigma.begin(), svd.sigma.end(), std::greater<>()));
    }
}

TEST(RightSvd, TheConditionChoosesThePath) {
    EXPECT_EQ(right_svd(planted(40, 4, 3.0, 1)).path, SvdPath::Gram);
    EXPECT_EQ(right_svd(planted(40, 4, 1e4, 1)).path, SvdPath::CholeskyQR);
    EXPECT_EQ(right_svd(planted(40, 4, 1e9, 1)).path, SvdPath::QR);
    EXPECT_EQ(right_svd(planted(3, 4, 1.0, 1)).path, SvdPath::QR);
    EXPECT_EQ(right_svd(Points::Zero(5, 3)).path, SvdPath::Zero);
}

TEST(RightSvd, IsHomogeneousOverTheWholeRangeOfDouble) {
    for (const auto& [n, d] : {std::pair<Index, Index>{50, 3}, {5, 8}}) {
        for (const double condition : {2.0, 1e4, 1e10}) {
            const Points G = planted(n, d, condition, 40);
            const RightSvd expected = right_svd(G);
            for (const int exponent : {-1000, -500, -200, 200, 500, 1000}) {
                const RightSvd svd = right_svd(G * std::ldexp(1.0, exponent));
                ASSERT_EQ(svd.sigma.size(), expected.sigma.size()) << exponent;
                const Vector back = svd.sigma.unaryExpr([&](double s) { return std::ldexp(s, -exponent); });
                EXPECT_LE((back - expected.sigma).cwiseAbs().maxCoeff(), 8 * epsilon) << exponent;
            }
        }
    }
}

TEST(RightSvd, RowsOfAnyScaleAddNothingOrEverything) {
    Points G = normal_points(60, 3, 50);
    for (Index i = 0; i < 60; ++i) G.row(i) *= std::pow(10.0, -5.0 * static_cast<double>(i));  // 1 … 1e-295
    const auto expected = testing::long_svd(G).singularValues();
    const RightSvd svd = right_svd(G);
    ASSERT_EQ(svd.sigma.size(), 3);
    EXPECT_LE(static_cast<double>((svd.sigma.cast<long double>() - expected).cwiseAbs().maxCoeff()),
              8 * epsilon * svd.sigma[0]);
}

TEST(RightSvd, WeightsScaleRowsByTheirSquareRoot) {
    for (const double condition : {2.0, 1e4, 1e10}) {
        const Points G = planted(80, 4, condition, 60);
        Vector w = uniform_weights(80, 61);
        w.head(7).setZero();
        const Points scaled = w.cwiseSqrt().asDiagonal() * G;
        const RightSvd weighted = right_svd(G, w), plain = right_svd(scaled);
        ASSERT_EQ(weighted.sigma.size(), plain.sigma.size());
        EXPECT_LE((weighted.sigma - plain.sigma).cwiseAbs().maxCoeff(), 16 * epsilon * plain.sigma[0]);
        for (const double scale : {1e-300, 1e300}) {
            const Vector far = right_svd(G, scale * w).sigma / std::sqrt(scale);
            ASSERT_EQ(far.size(), plain.sigma.size());
            EXPECT_LE((far - plain.sigma).cwiseAbs().maxCoeff(), 16 * epsilon * plain.sigma[0]);
        }
    }
}

TEST(RightSvd, RankIsTheNumberOfIndependentDirections) {
    for (const Index rank : {1, 2, 4}) {
        const Points G = normal_points(100, rank, 70) * normal_points(rank, 6, 71);
        EXPECT_EQ(right_svd(G).sigma.size(), rank);
        EXPECT_EQ(right_svd(G.transpose()).sigma.size(), rank);
    }
    EXPECT_EQ(right_svd(Points::Zero(5, 3)).sigma.size(), 0);
    EXPECT_EQ(right_svd(Points::Zero(5, 3)).right.rows(), 3);
    EXPECT_EQ(right_svd(Points(0, 3)).sigma.size(), 0);
    EXPECT_EQ(right_svd(normal_points(9, 3, 72), Vector::Zero(9)).sigma.size(), 0);
}

TEST(RightSvd, AZeroColumnStaysOutside) {
    Points G = normal_points(50, 4, 80);
    G.col(2).setZero();
    const RightSvd svd = right_svd(G);
    EXPECT_EQ(svd.sigma.size(), 3);
    EXPECT_EQ(svd.right.row(2).cwiseAbs().maxCoeff(), 0.0);
}

TEST(RightSvd, ToleranceDropsWhatIsBelowIt) {
    const Points G = planted(50, 3, 1e6, 90);  // singular values 1, 1e-3, 1e-6
    EXPECT_EQ(right_svd(G, {}, 1e-2).sigma.size(), 1);
    EXPECT_EQ(right_svd(G, {}, 1e-5).sigma.size(), 2);
    EXPECT_EQ(right_svd(G, {}, 1e-7).sigma.size(), 3);
}

TEST(RightSvd, SameBitsTwice) {
    for (const double condition : {2.0, 1e4, 1e10}) {
        const Points G = planted(1000, 7, condition, 95);
        EXPECT_EQ(right_svd(G).sigma, right_svd(G).sigma);
        EXPECT_EQ(right_svd(G).right, right_svd(G).right);
    }
}

TEST(RightSvd, RefusesBadInput) {
    Points G = normal_points(5, 2, 99);
    EXPECT_THROW(right_svd(G, Vector::Ones(4)), InvalidArgument);
    EXPECT_THROW(right_svd(G, Vector::Constant(5, -1.0)), InvalidArgument);
    EXPECT_THROW(gram(G, Vector::Ones(6)), InvalidArgument);
    Points out(5, 2), wrong(4, 2);
    EXPECT_THROW(apply_right(G, Matrix::Identity(3, 3), 1.0, out), InvalidArgument);
    EXPECT_THROW(apply_right(G, Matrix::Identity(2, 2), 1.0, wrong), InvalidArgument);
    G(3, 1) = std::nan("");
    EXPECT_THROW(right_svd(G), InvalidArgument);
    G(3, 1) = infinity;
    EXPECT_THROW(right_svd(G), InvalidArgument);
}

}  // namespace
}  // namespace spectralot::linalg
