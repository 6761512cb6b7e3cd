/// Wide kernel behind `Attention`: one lane per head, instruction set chosen at run time.
#pragma once

#include <cstddef>

namespace spectralot::flow::kernels {

inline constexpr std::size_t max_head_dimension = 64;
/// Heads are padded to a multiple of this with zero weights.
inline constexpr std::size_t head_padding = 8;

/// All heads as structure of arrays: entry c of head i is parameters[c·stride + i], c over Q, K, V, O in turn, each
/// d_head×d row-major; stride a multiple of head_padding, weights padded with zeros.
struct Heads {
    const double* parameters;
    const double* weights;
    std::size_t stride;
    std::size_t d_head, d;
};

/// Doubles of work space for one sequence: attention weights and projected tokens of every head.
std::size_t attention_space(const Heads& heads, std::size_t n_tokens);

/// prediction (n_tokens×d) = Σ w_i φ(tokens, x_i), leaving in `space` what `attention_force` needs.
void attention_forward(const Heads& heads, const double* tokens, std::size_t n_tokens, double* space,
                       double* prediction);

/// force (layout of the parameters) += gradient of <residual, φ(tokens, x_i)>, after `attention_forward`.
/// Uses the scratch part of `space` again.
void attention_force(const Heads& heads, const double* tokens, std::size_t n_tokens, double* space,
                     const double* residual, double* force);

}  // namespace spectralot::flow::kernels
