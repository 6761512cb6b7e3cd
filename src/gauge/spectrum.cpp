#include "gauge/spectrum.hpp"

#include "linalg/decompositions.hpp"
#include "spectralot/core/errors.hpp"

#include <cmath>

namespace spectralot::detail {

double power_of_two_above(double x) {
    int exponent = 0;
    if (x > 0.0) std::frexp(x, &exponent);
    return std::ldexp(1.0, std::min(exponent, 1023));
}

Spectrum spectrum(const Matrix& S) {
    const double scale = power_of_two_above(S.cwiseAbs().maxCoeff());
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(Matrix(S / scale));
    return {solver.eigenvalues().reverse(), solver.eigenvectors().rowwise().reverse(), scale};
}

Spectrum eigenvalues(const Matrix& S) {
    const double scale = power_of_two_above(S.cwiseAbs().maxCoeff());
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(Matrix(S / scale), Eigen::EigenvaluesOnly);
    return {solver.eigenvalues().reverse(), {}, scale};
}

Tie tie_around(const Vector& values, Index index) {
    const double tolerance = 8.0 * static_cast<double>(values.size()) * epsilon * values[0];
    Tie tie{index, index + 1};
    while (tie.first > 0 && values[tie.first - 1] - values[index] <= tolerance) --tie.first;
    while (tie.last < values.size() && values[index] - values[tie.last] <= tolerance) ++tie.last;
    return tie;
}

double vector_norm(const Vector& v, double p) {
    const double largest = v.size() ? v.maxCoeff() : 0.0;
    if (largest <= 0.0 || std::isinf(p)) return std::max(largest, 0.0);
    double sum = 0.0;
    for (const double x : v) sum += x > 0.0 ? std::pow(x / largest, p) : 0.0;
    return largest * std::pow(sum, 1.0 / p);
}

double conjugate(double p) {
    if (std::isinf(p)) return 1.0;
    return p == 1.0 ? infinity : p / (p - 1.0);
}

Matrix submatrix(const Matrix& S, const std::vector<int>& block) {
    return S(block, block);
}

std::string python_text(double value) {
    std::string text = to_text(value);
    if (text.find_first_of(".en") == std::string::npos) text += ".0";
    return text;
}

std::string python_text(const Matrix& A) {
    std::string text = "[";
    for (Index i = 0; i < A.rows(); ++i) {
        text += i ? ", [" : "[";
        for (Index j = 0; j < A.cols(); ++j) text += (j ? ", " : "") + python_text(A(i, j));
        text += "]";
    }
    return text + "]";
}

void check_symmetric(const Matrix& A, const std::string& argument) {
    if (A.rows() != A.cols() || A.rows() == 0)
        throw_invalid(argument, "must be a square matrix", std::to_string(A.rows()) + "x" + std::to_string(A.cols()));
    for (Index j = 0; j < A.cols(); ++j)
        for (Index i = 0; i < A.rows(); ++i)
            if (!std::isfinite(A(i, j)))
                throw_invalid(argument, "must be finite",
                              to_text(A(i, j)) + " at (" + std::to_string(i) + ", " + std::to_string(j) + ")");
    const double largest = A.cwiseAbs().maxCoeff();
    const double asymmetry = (A - A.transpose()).cwiseAbs().maxCoeff();
    if (asymmetry > 1e-12 * largest)
        throw_invalid(argument, "must be symmetric", "an asymmetry of " + to_text(asymmetry));
}

}  // namespace spectralot::detail
