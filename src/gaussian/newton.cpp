#include "gaussian/newton.hpp"

#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace spectralot::gaussian {

using linalg::product;

Curvature::Curvature(const Pair& pair, const Coupling& at, double scale, const Matrix& basis)
    : P_(product(basis.transpose(), product(pair.source.root, at.U))),
      R_(product(basis.transpose(), product(pair.target.root, at.V))) {
    if (at.s.size() == 0) return;
    // Singular values below rounding are as good as that.
    const Vector s = (scale * at.s).cwiseMax(std::max(scale * epsilon * at.s.maxCoeff(), 1e-150));
    const double smoothing = scale * at.smoothing;
    const Vector c =
        smoothing > 0.0
            ? Vector(2.0 * s.array() / (smoothing + (smoothing * smoothing + 4.0 * s.array().square()).sqrt()))
            : at.c;
    turning_.resize(s.size(), s.size());
    if (smoothing > 0.0) stretching_.resize(s.size(), s.size());
    for (Index j = 0; j < s.size(); ++j) {
        for (Index i = 0; i < s.size(); ++i) {
            const double sum = c[i] + c[j];
            turning_(i, j) = 0.5 * sum / (s[i] + s[j]);
            // (c_i - c_j)/(s_i - s_j) from s(1-c²) = νc
            if (smoothing > 0.0) stretching_(i, j) = 0.5 * at.split[i] / (smoothing + s[j] * sum);
        }
    }
    // Where one rank is smaller, the part of the larger factor that no singular vector sees.
    const Index n0 = pair.source.root.cols(), n1 = pair.target.root.cols();
    if (n0 == n1) return;
    const Matrix& root = n0 < n1 ? pair.target.root : pair.source.root;
    const Matrix& seen = n0 < n1 ? at.V : at.U;
    const Matrix unseen = basis.transpose() * (root - (root * seen) * seen.transpose());
    rest_ = unseen * unseen.transpose();
    const Matrix& thin = n0 < n1 ? P_ : R_;
    spread_ = thin * c.cwiseQuotient(s).asDiagonal() * thin.transpose();
}

Matrix Curvature::operator()(const Matrix& H) const {
    const Matrix X = product(P_.transpose(), product(H, R_));
    Matrix K = (X - X.transpose()).cwiseProduct(turning_);
    if (stretching_.size() > 0) K += (X + X.transpose()).cwiseProduct(stretching_);
    Matrix half = product(P_, product(K, R_.transpose()));
    if (rest_.size() > 0) half += product(spread_, product(H, rest_));
    return half + half.transpose();
}

Matrix newton_step(const Curvature& curvature, const Matrix& weights, const Matrix& residual, bool traceless,
                   double goal) {
    constexpr double relative = 0.03;
    constexpr int max_cg = 200;
    const Matrix inverse = weights.cwiseInverse();
    const double trace = inverse.trace();
    const auto precondition = [&](const Matrix& r) {
        Matrix z = inverse.cwiseProduct(r);
        if (traceless) z.diagonal() -= z.trace() / trace * inverse.diagonal();
        return z;
    };
    Matrix step = Matrix::Zero(residual.rows(), residual.cols());
    Matrix r = residual, z = precondition(r), p = z;
    double rz = r.cwiseProduct(z).sum();
    goal = std::min(goal, relative * relative * rz);
    for (int i = 0; i < max_cg && rz > goal; ++i) {
        const Matrix image = weights.cwiseProduct(p) + curvature(p);
        const double length = rz / p.cwiseProduct(image).sum();
        if (!(length > 0.0) || std::isinf(length)) break;
        step += length * p;
        r -= length * image;
        z = precondition(r);
        const double next = r.cwiseProduct(z).sum();
        p = z + next / rz * p;
        rz = next;
    }
    return step;
}

double least_relative(const Matrix& H, const Vector& scale) {
    const Vector root = scale.cwiseSqrt().cwiseInverse();
    const Matrix scaled = root.asDiagonal() * H * root.asDiagonal();
    return Eigen::SelfAdjointEigenSolver<Matrix>(scaled, Eigen::EigenvaluesOnly).eigenvalues()[0];
}

}  // namespace spectralot::gaussian
