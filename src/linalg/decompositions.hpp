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

// A member template like `compute` is no part of its class's instantiation.
extern template class Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>;
extern template Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>& Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>::compute(
    const Eigen::EigenBase<Eigen::MatrixXd>&, int);
extern template class Eigen::LLT<Eigen::MatrixXd>;
extern template Eigen::LLT<Eigen::MatrixXd>& Eigen::LLT<Eigen::MatrixXd>::compute(
    const Eigen::EigenBase<Eigen::MatrixXd>&);
extern template class Eigen::JacobiSVD<Eigen::MatrixXd>;
extern template class Eigen::PartialPivLU<Eigen::MatrixXd>;

extern template class Eigen::SelfAdjointEigenSolver<spectralot::linalg::WideMatrix>;
extern template Eigen::SelfAdjointEigenSolver<spectralot::linalg::WideMatrix>& Eigen::SelfAdjointEigenSolver<
    spectralot::linalg::WideMatrix>::compute(const Eigen::EigenBase<spectralot::linalg::WideMatrix>&, int);
extern template class Eigen::LLT<spectralot::linalg::WideMatrix>;
extern template Eigen::LLT<spectralot::linalg::WideMatrix>& Eigen::LLT<spectralot::linalg::WideMatrix>::compute(
    const Eigen::EigenBase<spectralot::linalg::WideMatrix>&);
extern template class Eigen::JacobiSVD<spectralot::linalg::WideMatrix>;
extern template class Eigen::PartialPivLU<spectralot::linalg::WideMatrix>;
