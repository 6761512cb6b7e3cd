#include "linalg/decompositions.hpp"

using spectralot::linalg::WideMatrix;

template class Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>;
template Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>& Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>::compute(
    const Eigen::EigenBase<Eigen::MatrixXd>&, int);
template class Eigen::LLT<Eigen::MatrixXd>;
template Eigen::LLT<Eigen::MatrixXd>& Eigen::LLT<Eigen::MatrixXd>::compute(const Eigen::EigenBase<Eigen::MatrixXd>&);
template class Eigen::JacobiSVD<Eigen::MatrixXd>;
template class Eigen::PartialPivLU<Eigen::MatrixXd>;

template class Eigen::SelfAdjointEigenSolver<WideMatrix>;
template Eigen::SelfAdjointEigenSolver<WideMatrix>& Eigen::SelfAdjointEigenSolver<WideMatrix>::compute(
    const Eigen::EigenBase<WideMatrix>&, int);
template class Eigen::LLT<WideMatrix>;
template Eigen::LLT<WideMatrix>& Eigen::LLT<WideMatrix>::compute(const Eigen::EigenBase<WideMatrix>&);
template class Eigen::JacobiSVD<WideMatrix>;
template class Eigen::PartialPivLU<WideMatrix>;
