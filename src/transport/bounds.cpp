#include "transport/bounds.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot {

double diameter_bound(const DiscreteMeasure& mu, const DiscreteMeasure& nu) {
    const Eigen::RowVectorXd centre = mu.points.colwise().mean();
    const double radius_x = std::sqrt((mu.points.rowwise() - centre).rowwise().squaredNorm().maxCoeff());
    const double radius_y = std::sqrt((nu.points.rowwise() - centre).rowwise().squaredNorm().maxCoeff());
    return (radius_x + radius_y) * (1.0 + 1e-12);
}

double safe_upper(const Gauge& gauge, const Matrix& moment, double missing_mass, double diameter) {
    const auto d = double(moment.rows());
    const ComparisonConstants constants = gauge.comparison_constants(int(moment.rows()));
    const double largest_ratio = std::max(std::abs(constants.lower), std::abs(constants.upper));  // |γ| ≤ C·tr
    const double value = gauge.value(moment);
    const double moment_error = 8.0 * d * epsilon * moment.trace();
    return value + 16.0 * d * epsilon * std::abs(value) + d * largest_ratio * moment_error +
           largest_ratio * missing_mass * diameter * diameter;
}

}  // namespace spectralot
