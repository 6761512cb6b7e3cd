#include "gaussian/factor.hpp"

#include "linalg/decompositions.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/gaussian/gaussian.hpp"

#include <cmath>
#include <optional>
#include <vector>

namespace spectralot::gaussian {

namespace {

/// An unevaluated sum high + low, about 106 bits (Dekker 1971). Relative error of an operation: below 2^-100.
struct Double2 {
    double high = 0.0;
    double low = 0.0;
};

Double2 sum(double a, double b) {
    const double total = a + b;
    const double shadow = total - a;
    return {total, (a - (total - shadow)) + (b - shadow)};
}

Double2 normalised(double high, double low) {
    const double total = high + low;
    return {total, low - (total - high)};
}

Double2 times(const Double2& a, const Double2& b) {
    const double product = a.high * b.high;
    return normalised(product, std::fma(a.high, b.high, -product) + (a.high * b.low + a.low * b.high));
}

Double2 minus(const Double2& a, const Double2& b) {
    const Double2 difference = sum(a.high, -b.high);
    return normalised(difference.high, difference.low + (a.low - b.low));
}

Double2 root(const Double2& a) {
    const double guess = std::sqrt(a.high);
    const double rest = std::fma(-guess, guess, a.high) + a.low;
    return normalised(guess, rest / (2.0 * guess));
}

Double2 divided(const Double2& a, const Double2& b) {
    const double guess = a.high / b.high;
    const Double2 rest = minus(a, times({guess, 0.0}, b));
    return normalised(guess, rest.high / b.high);
}

constexpr double wide_epsilon = 0x1p-100;

[[noreturn]] void refuse(const Matrix& covariance, const std::string& argument) {
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(covariance, Eigen::EigenvaluesOnly);
    const Vector& values = eigen.eigenvalues();
    throw_invalid(
        argument, "must be positive semidefinite",
        "a smallest eigenvalue of " + to_text(values[0] / values.cwiseAbs().maxCoeff()) + " times the largest in size");
}

}  // namespace

Matrix symmetric_part(const Matrix& matrix, Index d, const std::string& argument) {
    if (matrix.rows() != d || matrix.cols() != d)
        throw_invalid(argument, "must be " + std::to_string(d) + "x" + std::to_string(d),
                      std::to_string(matrix.rows()) + "x" + std::to_string(matrix.cols()));
    if (!matrix.allFinite()) throw_invalid(argument, "must be finite", "NaN or infinity");
    const double asymmetry = (matrix - matrix.transpose()).cwiseAbs().maxCoeff();
    if (asymmetry > 64.0 * double(d) * epsilon * matrix.cwiseAbs().maxCoeff())
        throw_invalid(argument, "must be symmetric", "an asymmetry of " + to_text(asymmetry));
    return 0.5 * matrix + 0.5 * matrix.transpose();
}

Factor factor(const Matrix& covariance, const std::string& argument) {
    const Index d = covariance.rows();
    const double largest = covariance.diagonal().maxCoeff();
    const double rounding = 64.0 * double(d) * epsilon * covariance.cwiseAbs().maxCoeff();
    if (covariance.diagonal().minCoeff() < -rounding) refuse(covariance, argument);

    // Right-looking: `rest` is the Schur complement, in the order of `order`.
    std::vector<Double2> rest(static_cast<std::size_t>(d * d));
    const auto at = [&](Index i, Index j) -> Double2& { return rest[static_cast<std::size_t>(i * d + j)]; };
    for (Index i = 0; i < d; ++i)
        for (Index j = 0; j < d; ++j) at(i, j) = {covariance(i, j), 0.0};
    std::vector<Index> order(static_cast<std::size_t>(d));
    for (Index i = 0; i < d; ++i) order[static_cast<std::size_t>(i)] = i;

    Matrix columns = Matrix::Zero(d, d);
    const double zero = double(d) * wide_epsilon * largest;
    Index rank = 0;
    std::optional<Index> noise;  // the step from which all that is left is below rounding
    double rest_trace = 0.0;
    for (; rank < d; ++rank) {
        Index pivot = rank;
        double lowest = infinity;
        for (Index i = rank; i < d; ++i) {
            if (at(i, i).high > at(pivot, pivot).high) pivot = i;
            lowest = std::min(lowest, at(i, i).high);
        }
        const double top = at(pivot, pivot).high;
        double off = 0.0;  // a PSD matrix has no entry beyond its largest diagonal one
        for (Index i = rank; i < d; ++i)
            for (Index j = rank; j < i; ++j) off = std::max(off, std::abs(at(i, j).high));
        if (!noise) {
            if (off > top + rounding || lowest < -rounding) refuse(covariance, argument);
            if (top <= rounding) noise = rank;
        }
        if (noise && (off > top + zero || lowest < -zero)) {  // indefinite by rounding
            rank = *noise;
            break;
        }
        if (top <= zero) {
            for (Index i = rank; i < d; ++i) rest_trace += std::abs(at(i, i).high) + zero;
            break;
        }

        std::swap(order[static_cast<std::size_t>(pivot)], order[static_cast<std::size_t>(rank)]);
        for (Index j = 0; j < d; ++j) std::swap(at(pivot, j), at(rank, j));
        for (Index i = 0; i < d; ++i) std::swap(at(i, pivot), at(i, rank));
        columns.row(pivot).swap(columns.row(rank));

        const Double2 diagonal = root(at(rank, rank));
        std::vector<Double2> column(static_cast<std::size_t>(d));
        column[static_cast<std::size_t>(rank)] = diagonal;
        for (Index i = rank + 1; i < d; ++i) column[static_cast<std::size_t>(i)] = divided(at(i, rank), diagonal);
        for (Index i = rank + 1; i < d; ++i) {
            const Double2 left = column[static_cast<std::size_t>(i)];
            for (Index j = rank + 1; j <= i; ++j) {
                at(i, j) = minus(at(i, j), times(left, column[static_cast<std::size_t>(j)]));
                at(j, i) = at(i, j);
            }
        }
        for (Index i = rank; i < d; ++i) columns(i, rank) = column[static_cast<std::size_t>(i)].high;
    }

    Factor result{Matrix(d, rank), 0.0};
    for (Index k = 0; k < rank; ++k)
        for (Index i = 0; i < d; ++i) result.root(order[static_cast<std::size_t>(i)], k) = columns(i, k);
    // Rounding the columns to double, rounding the elimination, and what the elimination left.
    result.error = epsilon * result.root.norm() + std::sqrt(rest_trace + double(d) * zero);
    return result;
}

void check_gaussian(const Gaussian& gaussian, const std::string& mean_name, const std::string& covariance_name) {
    if (gaussian.mean.size() == 0) throw_invalid(mean_name, "must not be empty", "no entries");
    if (!gaussian.mean.allFinite()) throw_invalid(mean_name, "must be finite", "NaN or infinity");
    const Matrix covariance = symmetric_part(gaussian.covariance, gaussian.dimension(), covariance_name);
    const double scale = covariance.cwiseAbs().maxCoeff();
    if (scale > 0.0) factor(std::ldexp(1.0, -std::ilogb(scale)) * covariance, covariance_name);
}

}  // namespace spectralot::gaussian
