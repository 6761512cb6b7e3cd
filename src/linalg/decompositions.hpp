/// Eigen's dense decompositions, compiled once (linalg/decompositions.cpp): including Eigen's headers directly would
/// instantiate them again in every file.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <Eigen/QR>
#include <Eigen/SVD>

namespace spectralot::linalg {

using WideMatrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;

}  // namespace spectralot::linalg

/// Decompositions of Real matrices; `prefix` is `extern template` here and `template` where they are compiled. What
/// takes its matrix by a member template has that member named: it is no part of the class's instantiation.
#define SPECTRALOT_DECOMPOSITIONS(prefix, Matrix)                                                         \
    prefix class Eigen::SelfAdjointEigenSolver<Matrix>;                                                   \
    prefix Eigen::SelfAdjointEigenSolver<Matrix>& Eigen::SelfAdjointEigenSolver<Matrix>::compute<Matrix>( \
        const Eigen::EigenBase<Matrix>&, int);                                                            \
    prefix class Eigen::LLT<Matrix>;                                                                      \
    prefix Eigen::LLT<Matrix>& Eigen::LLT<Matrix>::compute<Matrix>(const Eigen::EigenBase<Matrix>&);      \
    prefix class Eigen::JacobiSVD<Matrix>;                                                                \
    prefix class Eigen::PartialPivLU<Matrix>;

SPECTRALOT_DECOMPOSITIONS(extern template, Eigen::MatrixXd)
SPECTRALOT_DECOMPOSITIONS(extern template, spectralot::linalg::WideMatrix)
