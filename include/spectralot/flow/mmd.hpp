/// Squared maximum mean discrepancy to a target cloud, for three kernels (paper §6, math.md §6).
#pragma once

#include "spectralot/discrete/measure.hpp"
#include "spectralot/flow/objective.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace spectralot::flow {

enum class MmdKernel {
    Energy,    ///< k = -√(|x-y|²+ε²): the smoothed energy distance, in the unit of the points
    Gaussian,  ///< k = exp(-|x-y|²/(2ε²))
    Imq,       ///< k = (1+|x-y|²/ε²)^{-1/2}: inverse multiquadric
};

/// The names that Python, JSON and the command line use.
constexpr auto names(MmdKernel) {
    return std::to_array<std::pair<std::string_view, MmdKernel>>(
        {{"energy", MmdKernel::Energy}, {"gaussian", MmdKernel::Gaussian}, {"imq", MmdKernel::Imq}});
}

struct MmdOptions {
    MmdKernel kernel = MmdKernel::Energy;
    double eps = 1e-2;  ///< smoothing length or bandwidth of the kernel, in the unit of the points; > 0
    int n_threads = 1;  ///< 0 = all cores; the result does not depend on it
};

template <class Visitor>
void visit_fields(MmdOptions& o, Visitor&& visit) {
    visit("kernel", o.kernel, "energy, gaussian or imq (inverse multiquadric)");
    visit("eps", o.eps, "smoothing length or bandwidth of the kernel, in the unit of the points");
    visit("n_threads", o.n_threads, "threads; 0 = all cores; the result does not depend on it");
}

/// f(X) = ΣΣ a a k(x,x) - 2ΣΣ a_i b_j k(x_i,y_j) + ΣΣ b b k(y,y);
/// force g(x_i) = 2[Σ_k a_k ∇k(x_i-x_k) - Σ_j b_j ∇k(x_i-y_j)].
///
/// O(n(n+m)d) time, O((n+m)d) memory. Each term is accurate to a few eps and the sum is compensated, so the error of
/// f is a few eps times the mean of |k|, also near f = 0 (where f may come out negative by that much). Any scale of
/// the points is safe; an ε below 1e-150 (bounded kernels: 1e-75) times the largest coordinate counts as that.
/// Smoothness: 2/ε (energy), 2(1+2e^{-3/2})/ε² (Gaussian), 2(1+2·2.5^{-5/2})/ε² (inverse multiquadric), from the
/// extreme eigenvalues of ∇²k. Mini-batches draw target points.
///
/// Throws InvalidArgument for a bad target, ε ≤ 0, points of another dimension, or the wrong number of weights.
///
///     const Mmd f(DiscreteMeasure{y, {}}, {.eps = 1e-2});
///     Points g;
///     const double value = f.energy_and_force(x, weights, g);
class Mmd final : public Objective {
public:
    explicit Mmd(const DiscreteMeasure& target, const MmdOptions& options = {});
    [[nodiscard]] double energy(const Points& x, const Vector& weights) const override;
    void force(const Points& x, const Vector& weights, Points& out) const override;
    double energy_and_force(const Points& x, const Vector& weights, Points& out) const override;
    [[nodiscard]] std::optional<double> smoothness() const override;
    [[nodiscard]] Index n_data() const override { return target_.rows(); }
    void batch_force(const Points& x, const Vector& weights, const std::vector<Index>& batch,
                     Points& out) const override;

private:
    double evaluate(const Points& x, const Vector& weights, const Points& target, const Vector& target_weights,
                    bool with_energy, Points* out) const;

    Points target_;
    Vector weights_;  // sum to one
    MmdOptions options_;
    double largest_;                   // largest absolute coordinate of the target, or ε
    double self_energy_, self_error_;  // -ΣΣ b b k(y,y) as an unevaluated sum, lengths in units of 2^self_exponent_
    int self_exponent_;
};

}  // namespace spectralot::flow
