/// Risk of a two-layer network in the mean-field limit, particles = neurons (paper §6, math.md §6).
#pragma once

#include "spectralot/flow/objective.hpp"

#include <string>

namespace spectralot::flow {

/// An elementwise function σ and its derivative, a block of arguments at a time.
struct Activation {
    std::function<Points(const Points& t)> value;
    std::function<Points(const Points& t)> derivative;
    bool is_relu = false;  ///< takes the wide kernel where it can
};

/// relu (σ'(0) = 0), tanh, softplus, sigmoid, square, identity. Throws InvalidArgument for another name.
Activation activation(const std::string& name);

/// f = ½ mean_s |H(z_s)-y_s|², H(z) = Σ w_i u_i σ(v_i·z), particle x = (u, v) in R^{o+k}, inputs N×k, outputs N×o;
/// force g_u = mean_s r_s σ(v·z_s), g_v = mean_s (u·r_s) σ'(v·z_s) z_s with r = H - y.
///
/// O(nN(o+k)) time, O((n+N)(o+k)) memory. Plain sums: errors grow like (n+N)·eps in the worst case. For ReLU, one
/// output and k ≤ 4 a wide kernel chosen at run time. Mini-batches draw samples. The result does not depend on the
/// number of threads (0 = all cores; only the wide kernel uses them).
///
/// Throws InvalidArgument for shapes that differ, NaN or infinity, particles of another dimension.
///
///     const TwoLayer f(z, y, activation("relu"));
///     f.energy(x, weights), f.predict(x, weights);
class TwoLayer final : public Objective {
public:
    TwoLayer(Points inputs, Points outputs, Activation activation, int n_threads = 1);
    [[nodiscard]] double energy(const Points& x, const Vector& weights) const override;
    void force(const Points& x, const Vector& weights, Points& out) const override;
    double energy_and_force(const Points& x, const Vector& weights, Points& out) const override;
    [[nodiscard]] Index n_data() const override { return inputs_.rows(); }
    void batch_force(const Points& x, const Vector& weights, const std::vector<Index>& batch,
                     Points& out) const override;
    /// H at the given inputs (N'×k): N'×o.
    [[nodiscard]] Points predict(const Points& x, const Vector& weights, const Points& inputs) const;

private:
    double evaluate(const Points& x, const Vector& weights, const Points& inputs, const Points& outputs,
                    Points* out) const;

    Points inputs_, outputs_;
    Activation activation_;
    int n_threads_;
};

}  // namespace spectralot::flow
