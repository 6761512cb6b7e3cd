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

extern template class Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>;
extern template class Eigen::JacobiSVD<Eigen::MatrixXd>;
extern template class Eigen::LLT<Eigen::MatrixXd>;
extern template class Eigen::PartialPivLU<Eigen::MatrixXd>;
extern template class Eigen::SelfAdjointEigenSolver<spectralot::linalg::WideMatrix>;
extern template class Eigen::JacobiSVD<spectralot::linalg::WideMatrix>;
extern template class Eigen::LLT<spectralot::linalg::WideMatrix>;
extern template class Eigen::PartialPivLU<spectralot::linalg::WideMatrix>;
