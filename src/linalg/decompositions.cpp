#include "linalg/decompositions.hpp"

template class Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>;
template class Eigen::JacobiSVD<Eigen::MatrixXd>;
template class Eigen::LLT<Eigen::MatrixXd>;
template class Eigen::PartialPivLU<Eigen::MatrixXd>;
template class Eigen::SelfAdjointEigenSolver<spectralot::linalg::WideMatrix>;
template class Eigen::JacobiSVD<spectralot::linalg::WideMatrix>;
template class Eigen::LLT<spectralot::linalg::WideMatrix>;
template class Eigen::PartialPivLU<spectralot::linalg::WideMatrix>;
