#include "discrete/frame.hpp"

#include "discrete/compensated.hpp"

#include <Eigen/Eigenvalues>

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

}  // namespace

CentredPair::CentredPair(const DiscreteMeasure& mu, const DiscreteMeasure& nu) {
    const Vector mean_a = mean_of(mu);
    const Vector mean_b = mean_of(nu);
    x = mu.points.rowwise() - mean_a.transpose();
    y = nu.points.rowwise() - mean_b.transpose();
    shift = mean_b - mean_a;
    exponent = binary_exponent(std::max({x.cwiseAbs().maxCoeff(), y.cwiseAbs().maxCoeff(), shift.cwiseAbs().maxCoeff()}));
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
    Matrix axes(d, rank);   // U √|λ|
    Vector sign(rank);
    Matrix rebuilt = Matrix::Zero(d, d);
    for (Index r = 0; r < rank; ++r) {
        axes.col(r) = eigen.eigenvectors().col(kept[r]) * std::sqrt(std::abs(lambda[kept[r]]));
        sign[r] = lambda[kept[r]] < 0.0 ? -1.0 : 1.0;
        rebuilt += sign[r] * axes.col(r) * axes.col(r).transpose();
    }
    const double dimension = static_cast<double>(d);
    metric_norm = metric.norm() * (1.0 + dimension * epsilon);
    // What is left over, and the rounding of computing it: each entry of `rebuilt` is a sum of `rank` products.
    residual = (metric - rebuilt).norm() * (1.0 + dimension * dimension * epsilon) +
               (static_cast<double>(rank) + 2.0) * epsilon * axes.squaredNorm();

    u = pair.x * axes;
    w = pair.y * axes * sign.asDiagonal();
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
