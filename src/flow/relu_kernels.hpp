/// Wide kernels behind `TwoLayer`: ReLU neurons against samples, instruction set chosen at run time.
#pragma once

#include <cstddef>

namespace spectralot::flow::kernels {

/// Largest input dimension of these kernels.
inline constexpr std::size_t relu_dimension = 4;

/// Vectors as structure of arrays: coordinate c of vector i is data[c·stride + i], with room for whole SIMD vectors
/// after the n entries (`relu_padding`, zeros).
inline constexpr std::size_t relu_padding = 64;
struct Vectors {
    const double* data;
    std::size_t n;
    std::size_t stride;
};

/// sums_i = Σ_j b_j max(<p_i, q_j>, 0) for first ≤ i < last, first a multiple of relu_padding; `sums` has room for
/// whole vectors.
void relu_sums(const Vectors& p, std::size_t first, std::size_t last, const Vectors& q, std::size_t d, const double* b,
               double* sums);

/// sums_{c·stride_p + i} = Σ_j b_j q_jc [<p_i, q_j> > 0], with bq = b_j q_jc in the layout of q.
void relu_slopes(const Vectors& p, std::size_t first, std::size_t last, const Vectors& q, std::size_t d,
                 const double* bq, double* sums);

}  // namespace spectralot::flow::kernels
