#include "discrete/frame.hpp"

#include "core/compensated_sum.hpp"
#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace spectralot {

namespace {

Vector mean_of(const DiscreteMeasure& measure) {
    const double scale = measure.weights.size() > 0 ? measure.weights.maxCoeff() : 1.0;
    CompensatedSum mass;
    std::vector<CompensatedSum> sums(static_cast<std::size_t>(measure.dimension()));
    for (Index i = 0; i < measure.size(); ++i) {
        const double w = measure.weights.size() > 0 ? measure.weights[i] / scale : 1.0;
        mass.add(w);
        for (Index r = 0; r < measure.dimension(); ++r) sums[r].add_product(w, measure.points(i, r));
    }
    Vector mean(measure.dimension());
    for (Index r = 0; r < mean.size(); ++r) mean[r] = sums[r].value() / mass.value();
    return mean;
}

/// Smallest k with |entries| ≤ 2^k; 0 for all zeros.
int binary_exponent(double largest) {
    return largest > 0.0 ? std::ilogb(largest) + 1 : 0;
}

void scale_by_power(double* values, Index size, int exponent) {
    for (Index t = 0; t < size; ++t) values[t] = std::ldexp(values[t], exponent);
}

/// ‖Q - A diag(sign) Aᵀ‖_F, accumulated with 64 bits so that its own rounding is a small addition.
double reconstruction_error(const Matrix& metric, const Matrix& axes, const Vector& sign) {
    long double square = 0.0L;
    long double size = 0.0L;
    for (Index i = 0; i < metric.rows(); ++i) {
        for (Index j = 0; j <= i; ++j) {
            long double difference = metric(i, j);
            for (Index r = 0; r < axes.cols(); ++r) {
                const long double product = static_cast<long double>(axes(i, r)) * axes(j, r);
                difference -= sign[r] * product;
                size += std::abs(product);
            }
            square += (i == j ? 1.0L : 2.0L) * difference * difference;
        }
    }
    const long double rounding = static_cast<long double>(axes.cols() + 2) * 0x1p-63L * (2.0L * size);
    return static_cast<double>(std::sqrt(square) + rounding) * (1.0 + 8.0 * epsilon);
}

}  // namespace

CentredPair::CentredPair(const DiscreteMeasure& mu, const DiscreteMeasure& nu) {
    const Vector mean_a = mean_of(mu);
    const Vector mean_b = mean_of(nu);
    x = mu.points.rowwise() - mean_a.transpose();
    y = nu.points.rowwise() - mean_b.transpose();
    shift = mean_b - mean_a;
    exponent =
        binary_exponent(std::max({x.cwiseAbs().maxCoeff(), y.cwiseAbs().maxCoeff(), shift.cwiseAbs().maxCoeff()}));
    scale_by_power(x.data(), x.size(), -exponent);
    scale_by_power(y.data(), y.size(), -exponent);
    scale_by_power(shift.data(), shift.size(), -exponent);
    x_radius = x.rowwise().norm().maxCoeff() * (1.0 + static_cast<double>(x.cols()) * epsilon);
    y_radius = y.rowwise().norm().maxCoeff() * (1.0 + static_cast<double>(x.cols()) * epsilon);
}

Frame::Frame(const CentredPair& pair, const Matrix& Q) {
    const Index d = Q.rows();
    metric_exponent = binary_exponent(Q.cwiseAbs().maxCoeff());
    metric = (Q + Q.transpose()) / 2.0;
    scale_by_power(metric.data(), metric.size(), -metric_exponent);

    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(metric);
    const Vector& lambda = eigen.eigenvalues();
    const double largest = lambda.cwiseAbs().maxCoeff();
    std::vector<Index> kept;
    for (Index r = d - 1; r >= 0; --r) {
        if (std::abs(lambda[r]) > 4.0 * epsilon * largest) kept.push_back(r);
    }
    if (kept.empty()) kept.push_back(d - 1);  // Q = 0

    const auto rank = static_cast<Index>(kept.size());
    x_axes.resize(d, rank);
    Vector sign(rank);
    for (Index r = 0; r < rank; ++r) {
        x_axes.col(r) = eigen.eigenvectors().col(kept[r]) * std::sqrt(std::abs(lambda[kept[r]]));
        sign[r] = lambda[kept[r]] < 0.0 ? -1.0 : 1.0;
    }
    const Matrix sizes = x_axes.cwiseAbs();
    axes_norm = std::sqrt(sizes.colwise().sum().maxCoeff() * sizes.rowwise().sum().maxCoeff());
    entry_norm = metric.norm();
    residual = reconstruction_error(metric, x_axes, sign);
    metric_norm = largest * (1.0 + 8.0 * epsilon) + residual;

    y_axes = x_axes * sign.asDiagonal();
    u = linalg::rows_times(pair.x, x_axes);
    w = linalg::rows_times(pair.y, y_axes);
    const Vector pull = metric * pair.shift;
    row_offset = -2.0 * (pair.x * pull);
    col_offset = 2.0 * (pair.y * pull);
    col_offset.array() += pair.shift.dot(pull);
    for (Index r = 0; r < rank; ++r) {
        if (sign[r] > 0.0) continue;
        row_offset -= 2.0 * u.col(r).cwiseAbs2();
        col_offset -= 2.0 * w.col(r).cwiseAbs2();
    }
}

}  // namespace spectralot
