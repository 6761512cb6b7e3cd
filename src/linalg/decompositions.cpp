#include "linalg/decompositions.hpp"

SPECTRALOT_DECOMPOSITIONS(template, Eigen::MatrixXd)
SPECTRALOT_DECOMPOSITIONS(template, spectralot::linalg::WideMatrix)
