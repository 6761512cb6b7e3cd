/// The vocabulary types: dense matrices, clouds of points, and the index type.
#pragma once

#include <Eigen/Core>

#include <limits>

namespace spectralot {

using Index = Eigen::Index;
using Vector = Eigen::VectorXd;
/// Small dense matrix (d×d metrics, second moments).
using Matrix = Eigen::MatrixXd;
/// Cloud of points, one particle per row (n×d): the layout of a C-ordered NumPy array.
using Points = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double epsilon = std::numeric_limits<double>::epsilon();

}  // namespace spectralot
