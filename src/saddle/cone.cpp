#include "saddle/cone.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/SVD>

#include <algorithm>
#include <cmath>

namespace spectralot::saddle {

Matrix symmetric(const Matrix& m) { return 0.5 * (m + m.transpose()); }

double inner(const Matrix& a, const Matrix& b) { return a.cwiseProduct(b).sum(); }

Eigen::RowVectorXd pack(const Matrix& m, const Matrix& root_scale) {
    const Index d = m.rows();
    Eigen::RowVectorXd packed(d * (d + 1) / 2);
    Index t = 0;
    for (Index j = 0; j < d; ++j) {
        for (Index i = 0; i < j; ++i) packed(t++) = std::sqrt(2.0) * m(i, j) * root_scale(i, j);
        packed(t++) = m(j, j) * root_scale(j, j);
    }
    return packed;
}

double longest_step(const Matrix& m, const Matrix& dm) {
    const Eigen::LLT<Matrix> factor(m);
    Matrix scaled = factor.matrixL().solve(dm);
    scaled = factor.matrixL().solve(scaled.transpose()).eval();
    const double least = Eigen::SelfAdjointEigenSolver<Matrix>(symmetric(scaled), Eigen::EigenvaluesOnly).eigenvalues()(0);
    return least < 0 ? -1.0 / least : infinity;
}

double longest_step(const Vector& v, const Vector& dv) {
    double step = infinity;
    for (Index i = 0; i < v.size(); ++i) {
        if (dv(i) < 0) step = std::min(step, -v(i) / dv(i));
    }
    return step;
}

std::optional<Matrix> scaling_root(const Matrix& q, const Matrix& z) {
    const Eigen::LLT<Matrix> lq(q), lz(z);
    if (lq.info() != Eigen::Success || lz.info() != Eigen::Success) return std::nullopt;
    const Matrix product = Matrix(lz.matrixL()).transpose() * Matrix(lq.matrixL());
    const Eigen::JacobiSVD<Matrix> svd(product, Eigen::ComputeFullV);
    if (!(svd.singularValues().minCoeff() > 0)) return std::nullopt;
    return Matrix(lq.matrixL()) * svd.matrixV() * svd.singularValues().cwiseSqrt().cwiseInverse().asDiagonal();
}

}  // namespace spectralot::saddle
