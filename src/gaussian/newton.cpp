#include "gaussian/newton.hpp"

#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"

#include <limits>

namespace spectralot::gaussian {

using linalg::product;

Curvature::Curvature(const Pair& pair, const Coupling& at, double scale, const Matrix& basis)
    : P_(product(basis.transpose(), product(pair.source.root, at.U))),
      R_(product(basis.transpose(), product(pair.target.root, at.V))) {
    const Vector s = (scale * at.s).cwiseMax(std::numeric_limits<double>::min());
    sums_ = s.replicate(1, s.size()) + s.transpose().replicate(s.size(), 1);
    // Where one rank is smaller, the part of the larger factor that no singular vector sees.
    const Index n0 = pair.source.root.cols(), n1 = pair.target.root.cols();
    if (n0 == n1 || at.s.size() == 0) return;
    const Matrix& root = n0 < n1 ? pair.target.root : pair.source.root;
    const Matrix& seen = n0 < n1 ? at.V : at.U;
    const Matrix unseen = basis.transpose() * (root - (root * seen) * seen.transpose());
    rest_ = unseen * unseen.transpose();
    const Matrix& thin = n0 < n1 ? P_ : R_;
    spread_ = thin * s.cwiseInverse().asDiagonal() * thin.transpose();
}

Matrix Curvature::operator()(const Matrix& H) const {
    const Matrix X = product(P_.transpose(), product(H, R_));
    const Matrix K = (X - X.transpose()).cwiseQuotient(sums_);
    Matrix half = product(P_, product(K, R_.transpose()));
    if (rest_.size() > 0) half += product(spread_, product(H, rest_));
    return half + half.transpose();
}

Matrix newton_step(const Curvature& curvature, const Matrix& weights, const Matrix& residual, bool traceless) {
    constexpr double relative = 0.03;
    constexpr int max_cg = 60;
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
    const double goal = relative * relative * rz;
    for (int i = 0; i < max_cg && rz > goal; ++i) {
        const Matrix image = weights.cwiseProduct(p) + curvature(p);
        const double length = rz / p.cwiseProduct(image).sum();
        if (!(length > 0.0)) break;
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
