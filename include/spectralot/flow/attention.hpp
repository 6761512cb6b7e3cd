/// Risk of one layer of softmax attention in the mean-field limit, particles = heads (paper §6, math.md §6).
#pragma once

#include "spectralot/flow/objective.hpp"

namespace spectralot::flow {

struct AttentionOptions {
    int d_head = 1;
    int n_tokens = 1;   ///< per sequence; divides the number of rows of `tokens`
    int n_threads = 1;  ///< 0 = all cores
};

/// f = ½ mean of (H-target)² over sequences, tokens and coordinates; H = Σ w_i φ(·, x_i), head x = (Q, K, V, O) in
/// R^{4·d_head·d}, four row-major d_head×d matrices, φ(z,x)_j = Oᵀ Σ_i softmax_i(<Qz_j, Kz_i>/√d_head) V z_i.
/// `tokens` and `target`: (sequences·n_tokens)×d, one token per row, sequence by sequence.
///
/// O(n·sequences·n_tokens²·d_head) time, O(n·n_tokens²) memory. A wide kernel chosen at run time, vectorised over
/// heads; exponentials are accurate to a few eps, sums are plain. Mini-batches draw sequences. The result does not
/// depend on the number of threads (0 = all cores).
///
/// Throws InvalidArgument for shapes that differ, NaN or infinity, d_head outside 1 … 64, heads of another dimension.
///
///     const Attention f(tokens, target, {.d_head = 3, .n_tokens = 16});
class Attention final : public Objective {
public:
    Attention(Points tokens, Points target, const AttentionOptions& options);
    [[nodiscard]] double energy(const Points& x, const Vector& weights) const override;
    void force(const Points& x, const Vector& weights, Points& out) const override;
    double energy_and_force(const Points& x, const Vector& weights, Points& out) const override;
    [[nodiscard]] Index n_data() const override { return tokens_.rows() / options_.n_tokens; }
    void batch_force(const Points& x, const Vector& weights, const std::vector<Index>& batch,
                     Points& out) const override;
    /// H at the stored tokens, in their shape.
    [[nodiscard]] Points predict(const Points& x, const Vector& weights) const;

private:
    double evaluate(const Points& x, const Vector& weights, const std::vector<Index>* batch, Points* out,
                    Points* prediction) const;

    Points tokens_, target_;
    AttentionOptions options_;
};

}  // namespace spectralot::flow
