/// Wide kernels behind `gram` and `apply_right`: row-major doubles, instruction set chosen at run time.
#pragma once

#include <cstddef>

namespace spectralot::linalg::kernels {

/// S += Gᵀ diag(w) G, upper triangle of the row-major d×d array S only. Row i of the n×d matrix G starts at
/// G + i·stride; weights null = ones. Plain sums inside: the caller splits long inputs.
void add_gram(const double* G, std::size_t stride, std::size_t n, std::size_t d, const double* weights, double* S);

/// out = G·B, G n×inner with rows at G + i·stride, B row-major inner×d without gaps. `out` must not overlap G.
void apply_right(const double* G, std::size_t stride, std::size_t n, std::size_t inner, const double* B, std::size_t d,
                 double* out, std::size_t out_stride);

/// max |x_k|; NaN if an entry is not finite.
double largest_magnitude(const double* x, std::size_t n);

}  // namespace spectralot::linalg::kernels
