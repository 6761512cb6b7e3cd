/// Proximal map of the squared norm of a gauge, where it has a closed form up to scalar equations.
#pragma once

#include "spectralot/gauge/gauge.hpp"

namespace spectralot::flow {

/// argmin over V of ½Σ w|v-v⁰|² + ½λN(V)² for the weighted traces, Schatten p ≥ 1 and the operator norm: V = V⁰B,
/// B = (I+λQ)⁻¹ for the Q ∈ K active at V. For a spectral gauge the singular values of diag(√w)V⁰ shrink: with
/// r = s/‖s‖_{2p}, r + λr^{2p-1} = σ/‖s‖_{2p}; p = ∞ clips them at the t with Σ(σ-t)₊ = λt.
class ProximalMap {
public:
    ProximalMap(const Gauge& gauge, int d, const Vector& weights);

    /// False for gauges without such a form.
    [[nodiscard]] bool exists() const { return exists_; }
    /// O(nd² + d³); `out` must not alias `v`.
    void apply(const Points& v, double lambda, Points& out) const;

private:
    [[nodiscard]] Vector shrink(const Vector& sigma, double lambda) const;

    const Vector& weights_;
    GaugeLeaf leaf_;
    bool exists_ = false;
};

}  // namespace spectralot::flow
