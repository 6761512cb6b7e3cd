/// Wide passes over the arrays of one step: particles, forces, velocities; instruction set chosen at run time.
#pragma once

#include <cstddef>

namespace spectralot::flow::kernels {

/// to_k = from_k + h·by_k; false if a result is not finite.
bool move(const double* from, double h, const double* by, double* to, std::size_t size);

/// out_i = stiffness·(x_i - centre) for n rows of d coordinates.
void spring(const double* x, const double* centre, double stiffness, double* out, std::size_t n, std::size_t d);

/// Every entry is finite.
bool is_finite(const double* x, std::size_t size);

/// Σ a_k b_k
double inner(const double* a, const double* b, std::size_t size);

}  // namespace spectralot::flow::kernels
