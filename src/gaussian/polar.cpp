#include "gaussian/polar.hpp"

#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"

#include <optional>
#include <utility>

namespace spectralot::gaussian {

namespace {

using linalg::product;

/// For n0 ≥ n1. With the eigenvectors V of GᵀG and s = ‖GV‖ by columns, U₀ = GV/s is orthonormal up to N = U₀ᵀU₀ - I,
/// of size eps·(s_max/s_min)². U₀(I+N)^{-1/2} is orthonormal, and the rotation exp(Ω), Ω_ij = ½N_ij
/// (s_j-s_i)/(s_i+s_j), makes UᵀGV symmetric: off the diagonal N_ij s_i s_j/(s_i+s_j) remains, and terms of order N².
std::optional<Polar> from_gram(const Matrix& G) {
    constexpr double least_ratio = 1e-13, first_order = 1e-8, second_order = 1e-5;
    const Index n = G.cols();
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(product(G.transpose(), G));
    if (!(eigen.eigenvalues()[0] > least_ratio * eigen.eigenvalues()[n - 1])) return std::nullopt;
    Polar result{product(G, eigen.eigenvectors()), eigen.eigenvectors(), Vector(), 0.0};
    result.s = result.U.colwise().norm();
    result.U.array().rowwise() /= result.s.transpose().array();

    const Vector& s = result.s;
    const Matrix N = product(result.U.transpose(), result.U) - Matrix::Identity(n, n);
    const double defect = N.norm();
    if (!(defect <= second_order)) return std::nullopt;
    Matrix rotation(n, n);
    double off = 0.0;
    for (Index j = 0; j < n; ++j) {
        for (Index i = 0; i < n; ++i) {
            rotation(i, j) = 0.5 * N(i, j) * (s[j] - s[i]) / (s[i] + s[j]);
            if (i != j) off += std::pow(N(i, j) * s[i] * s[j] / (s[i] + s[j]), 2.0);
        }
    }
    result.residual = std::sqrt(off) + 2.0 * defect * defect * s.maxCoeff();
    Matrix correction = rotation - 0.5 * N;
    if (defect > first_order) correction += product(0.5 * rotation - 0.5 * N, rotation) + 0.375 * product(N, N);
    result.U += product(result.U, correction);
    return result;
}

template <class Svd>
Polar from_svd(const Matrix& G) {
    const Svd svd(G, Eigen::ComputeThinU | Eigen::ComputeThinV);
    return {svd.matrixU(), svd.matrixV(), svd.singularValues(), 0.0};
}

}  // namespace

Polar polar(const Matrix& G) {
    if (G.size() == 0) return {Matrix(G.rows(), 0), Matrix(G.cols(), 0), Vector(), 0.0};
    if (G.rows() < G.cols()) {
        Polar result = polar(G.transpose());
        std::swap(result.U, result.V);
        return result;
    }
    if (auto result = from_gram(G)) return *std::move(result);
    return G.cols() > 48 ? from_svd<Eigen::BDCSVD<Matrix>>(G) : from_svd<Eigen::JacobiSVD<Matrix>>(G);
}

}  // namespace spectralot::gaussian
