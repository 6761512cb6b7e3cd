/// Helpers shared by the gauges: spectra that survive extreme scales, sub-matrices, texts.
#pragma once

#include "spectralot/core/types.hpp"

#include <string>
#include <vector>

namespace spectralot::detail {

/// S = scale · vectors · diag(values) · vectorsᵀ, values decreasing, scale a power of two that brings the largest
/// entry of S near 1.
struct Spectrum {
    Vector values;
    Matrix vectors;
    double scale = 1.0;
};
Spectrum spectrum(const Matrix& S);
/// The same without vectors, at a third of the cost.
Spectrum eigenvalues(const Matrix& S);

/// The power of two 2^e with 2^-1 ≤ x·2^-e < 1; 1 for x = 0.
double power_of_two_above(double x);

/// How many of the decreasing non-negative `values` are equal to values[index] to the rounding of an eigensolver:
/// the half-open range [first, last) of indices.
struct Tie {
    Index first = 0;
    Index last = 0;
};
Tie tie_around(const Vector& values, Index index);

/// ‖v‖_p for v ≥ 0, p in (0, ∞], without overflow.
double vector_norm(const Vector& v, double p);

/// p/(p-1), with 1 ↔ ∞.
double conjugate(double p);

Matrix submatrix(const Matrix& S, const std::vector<int>& block);

/// "[[1.0, 0.5], [0.5, 2.0]]"
std::string python_text(const Matrix& A);
/// A Python float: "2.0", "inf".
std::string python_text(double value);

/// Throws InvalidArgument unless A is a finite symmetric matrix (square, not empty).
void check_symmetric(const Matrix& A, const std::string& argument);

}  // namespace spectralot::detail
