#include "spectralot/sphere/measure.hpp"

#include "spectralot/core/errors.hpp"

#include <cmath>

namespace spectralot::sphere {

namespace {

std::string shape(const Points& x) {
    return std::to_string(x.rows()) + "x" + std::to_string(x.cols());
}

void check_points(const Points& x, const std::string& name) {
    if (x.rows() == 0 || x.cols() == 0)
        throw_invalid(name, "must have at least one row and one column", "shape " + shape(x));
    for (Index i = 0; i < x.rows(); ++i)
        for (Index k = 0; k < x.cols(); ++k)
            if (!std::isfinite(x(i, k)))
                throw_invalid(name, "entries must be finite", to_text(x(i, k)) + " in row " + std::to_string(i));
}

void check_masses(const Vector& masses, Index size, const std::string& name) {
    if (masses.size() != size)
        throw_invalid(name, "must have one entry per row (" + std::to_string(size) + ")",
                      std::to_string(masses.size()));
    for (Index i = 0; i < size; ++i)
        if (!std::isfinite(masses[i]) || masses[i] < 0.0)
            throw_invalid(name, "must be finite and at least 0",
                          to_text(masses[i]) + " at position " + std::to_string(i));
}

}  // namespace

void check_spherical(const SphericalMeasure& measure, const std::string& directions_name,
                     const std::string& masses_name) {
    check_points(measure.directions, directions_name);
    check_masses(measure.masses, measure.size(), masses_name);
    if (!std::isfinite(measure.masses.sum()))
        throw_invalid(masses_name, "must have a finite sum", to_text(measure.masses.sum()));
    constexpr double unit_tolerance = 1e-9;
    for (Index i = 0; i < measure.size(); ++i) {
        const double length = measure.directions.row(i).stableNorm();
        if (!(std::abs(length - 1.0) <= unit_tolerance))
            throw_invalid(directions_name, "rows must have length 1 to 1e-9 (`project` makes them so)",
                          to_text(length) + " in row " + std::to_string(i));
    }
}

void check_pair(const SphericalMeasure& nu0, const SphericalMeasure& nu1) {
    check_spherical(nu0, "dirs_0", "masses_0");
    check_spherical(nu1, "dirs_1", "masses_1");
    if (nu1.dimension() != nu0.dimension())
        throw_invalid("dirs_1", "must have the dimension of dirs_0 (" + std::to_string(nu0.dimension()) + ")",
                      std::to_string(nu1.dimension()));
}

SphericalMeasure project(const Points& x, const Vector& weights) {
    check_points(x, "x");
    const Index n = x.rows();
    if (weights.size() > 0) check_masses(weights, n, "weights");
    SphericalMeasure measure{Points::Zero(n, x.cols()), Vector::Zero(n)};
    for (Index i = 0; i < n; ++i) {
        const double largest = x.row(i).cwiseAbs().maxCoeff();
        if (!(largest > 0.0)) {
            measure.directions(i, 0) = 1.0;
            continue;
        }
        // By a power of two: exact, and squares stay in range.
        const int exponent = std::ilogb(largest);
        for (Index k = 0; k < x.cols(); ++k) measure.directions(i, k) = std::ldexp(x(i, k), -exponent);
        const double length = measure.directions.row(i).norm();
        measure.directions.row(i) /= length;
        const double weight = weights.size() > 0 ? weights[i] : 1.0 / static_cast<double>(n);
        measure.masses[i] = std::ldexp(std::ldexp(weight * (length * length), exponent), exponent);
        if (!std::isfinite(measure.masses[i]))
            throw_invalid("x", "masses w|x|² must be in the range of double precision",
                          to_text(measure.masses[i]) + " in row " + std::to_string(i));
    }
    return measure;
}

SphericalFields fields(const Points& x, const Points& velocity) {
    check_points(x, "x");
    check_points(velocity, "velocity");
    if (velocity.rows() != x.rows() || velocity.cols() != x.cols())
        throw_invalid("velocity", "must have the shape of x, " + shape(x), shape(velocity));
    SphericalFields result{Vector::Zero(x.rows()), Points::Zero(x.rows(), x.cols())};
    for (Index i = 0; i < x.rows(); ++i) {
        const double length = x.row(i).stableNorm();
        if (!(length > 0.0)) continue;
        const Eigen::RowVectorXd direction = x.row(i) / length, pull = velocity.row(i) / length;
        result.growth[i] = pull.dot(direction);
        result.tangential.row(i) = pull - result.growth[i] * direction;
    }
    return result;
}

}  // namespace spectralot::sphere
