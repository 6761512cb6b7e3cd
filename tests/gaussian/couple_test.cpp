#include "gaussian/couple.hpp"

#include "gaussian/newton.hpp"
#include "gaussian/polar.hpp"
#include "linalg/decompositions.hpp"

#include <gtest/gtest.h>

#include <cmath>

using namespace spectralot;
using namespace spectralot::gaussian;

namespace {

Matrix symmetric(Index d) {
    const Matrix A = Matrix::Random(d, d);
    return A + A.transpose();
}

Matrix orthogonal(Index d) {
    return Eigen::HouseholderQR<Matrix>(Matrix::Random(d, d)).householderQ();
}

Pair random_pair(Index d, Index rank0, Index rank1) {
    Pair pair;
    pair.shift = Matrix::Random(d, 1);
    pair.source.root = Matrix::Random(d, rank0);
    pair.target.root = Matrix::Random(d, rank1);
    return pair;
}

}  // namespace

TEST(Polar, GivesBackTheMatrixFromOrthonormalFactors) {
    for (const Index d : {1, 3, 20, 60}) {
        for (const double condition : {1.0, 1e3, 1e5, 1e7, 1e12}) {
            const Vector s =
                Vector::LinSpaced(d, 0.0, -std::log10(condition)).unaryExpr([](double e) { return std::pow(10.0, e); });
            for (const Index extra : {0, 2}) {
                Matrix G = Matrix::Zero(d + extra, d);
                G.topRows(d) = s.asDiagonal();
                G = orthogonal(d + extra) * G * orthogonal(d).transpose();
                for (const bool wide : {false, true}) {
                    const Matrix given = wide ? Matrix(G.transpose()) : G;
                    const Polar p = polar(given);
                    const double rounding = 16.0 * double(d + 1) * epsilon;
                    const Matrix one = Matrix::Identity(d, d);
                    EXPECT_LE((p.U.transpose() * p.U - one).norm(), rounding);
                    EXPECT_LE((p.V.transpose() * p.V - one).norm(), rounding);
                    const Matrix again = p.U * p.s.asDiagonal() * p.V.transpose();
                    EXPECT_LE((given - again).norm(), p.residual + rounding) << d << ' ' << condition;
                    EXPECT_NEAR(p.s.sum(), s.sum(), rounding * s.sum() + p.residual * p.residual / s.minCoeff());
                    // What the residual may add to a nuclear norm stays below rounding.
                    EXPECT_LE(p.residual * p.residual / (2.0 * s.minCoeff()), 8.0 * double(d) * epsilon);
                }
            }
        }
    }
    EXPECT_EQ(polar(Matrix::Zero(3, 2)).s.sum(), 0.0);
}

TEST(Coupling, MomentIsTheDerivativeOfTheSmoothCostAndCurvatureThatOfTheMoment) {
    constexpr double h = 1e-5;
    for (const Index rank1 : {6, 4}) {
        const Pair pair = random_pair(6, 6, rank1);
        const Matrix root = Matrix::Random(6, 6), H = symmetric(6);
        const Matrix Q = root * root.transpose() + Matrix::Identity(6, 6);
        for (const double smoothing : {0.0, 0.3}) {
            const Coupling at = couple(pair, Q, smoothing);
            const Coupling ahead = couple(pair, Q + h * H, smoothing), behind = couple(pair, Q - h * H, smoothing);
            const double slope = (ahead.smooth_cost - behind.smooth_cost) / (2.0 * h);
            EXPECT_NEAR(slope, at.moment.cwiseProduct(H).sum(), 1e-8 * at.smooth_cost);
            const Eigen::SelfAdjointEigenSolver<Matrix> eigen(Q);
            const Matrix& basis = eigen.eigenvectors();
            const Matrix turned = Curvature(pair, at, 1.0, basis)(basis.transpose() * H * basis);
            const Matrix change = (behind.moment - ahead.moment) / (2.0 * h);
            EXPECT_LE((basis * turned * basis.transpose() - change).norm(), 1e-6 * change.norm()) << smoothing;
        }
    }
}

TEST(Coupling, SmoothingKeepsTheJointCovariancePositive) {
    const Pair pair = random_pair(5, 5, 3);
    const Coupling c = couple(pair, Matrix::Identity(5, 5), 0.5);
    Matrix joint(10, 10);
    const Matrix A = cross_covariance(pair, c);
    joint << pair.source.root * pair.source.root.transpose(), A, A.transpose(),
        pair.target.root * pair.target.root.transpose();
    EXPECT_GE(Eigen::SelfAdjointEigenSolver<Matrix>(joint).eigenvalues()[0], -1e-14 * joint.norm());
    const Matrix moment = pair.shift * pair.shift.transpose() + joint.topLeftCorner(5, 5) +
                          joint.bottomRightCorner(5, 5) - A - A.transpose();
    EXPECT_LE((moment - c.moment).norm(), 64.0 * epsilon * joint.norm());
    EXPECT_LT(couple(pair, Matrix::Identity(5, 5)).cost, c.moment.trace());  // the polar factor is the best one
    EXPECT_NEAR(couple(pair, Matrix::Identity(5, 5)).cost, c.cost, 64.0 * epsilon * joint.norm());
}

TEST(NewtonStep, IsSymmetricWhateverTheRoundingOfTheResidual) {
    // Moments are of size one and rounded without symmetry: of that the stiff equation would make steps of 1e-6.
    Pair pair = random_pair(6, 6, 3);
    pair.source.root *= 1e-6;
    pair.target.root *= 1e-6;
    const Matrix basis = orthogonal(6);
    Vector q = Vector::Ones(6);
    q.tail(3).setConstant(1e-9);
    const double mu = 1e-9;
    const Coupling at = couple(pair, basis * q.asDiagonal() * basis.transpose());
    const Curvature curvature(pair, at, 1.0, basis);
    const Matrix weights = mu * q.cwiseInverse() * q.cwiseInverse().transpose();
    const Matrix wanted = 0.1 * q.cwiseSqrt().asDiagonal() * symmetric(6) * q.cwiseSqrt().asDiagonal();
    const Matrix residual = weights.cwiseProduct(wanted) + curvature(wanted), noise = 1e-15 * Matrix::Random(6, 6);
    const Matrix step = newton_step(curvature, weights, residual + noise, false, 1e-6 * mu).step;
    EXPECT_LE((step - step.transpose()).norm(), 4.0 * epsilon * step.norm());
    EXPECT_LE((step - wanted).norm(), 1e-2 * wanted.norm());
}
