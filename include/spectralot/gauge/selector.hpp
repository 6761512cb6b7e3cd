/// Steepest-descent selectors J, norms N and dual norms N* of a gauge (paper §4, math.md §2).
#pragma once

#include "spectralot/gauge/gauge.hpp"

#include <string_view>

namespace spectralot {

enum class SelectorPath { Zero, Gram, CholeskyQR, QR };  ///< how the singular values were computed
std::string_view to_string(SelectorPath path);

struct SelectorResult {
    Points direction;        ///< J(G), n×d, same units as G
    double dual_norm = 0.0;  ///< N*(G) = N(J(G))
    int rank = 0;            ///< numerical rank: singular values above rtol·σ_max
    SelectorPath path = SelectorPath::Zero;
};

/// J(G) = argmin_V <G,V> + ½N(V)². `weights` empty: the matrix version; else the measure version with rows as
/// particles, J^μ(g) = W^{-1/2} J(W^{1/2} G) (rows of zero weight stay finite). Cost O(nd² + d³) for n ≥ d.
/// `rtol` < 0: eps·max(n, d). Works for scales 1e±150. Throws InvalidArgument on NaN, wrong sizes, or a gauge that
/// is not monotone.
SelectorResult selector(const Gauge& gauge, const Eigen::Ref<const Points>& G, const Vector& weights = {},
                        double rtol = -1.0);

/// How well a selector satisfies Fenchel's equality: the larger of |<G,J> + N*²| and |N(J)² - N*²|, relative to N*²
/// (0 when G = 0). O(nd²). `weights` as in the call that gave the result.
double fenchel_residual(const Gauge& gauge, const Eigen::Ref<const Points>& G, const SelectorResult& result,
                        const Vector& weights = {});

/// N(V) = γ(VᵀV)^{1/2}, or γ(Σ w_i v_i v_iᵀ)^{1/2} with weights.
double norm(const Gauge& gauge, const Eigen::Ref<const Points>& V, const Vector& weights = {});

/// N*(G) = max{<G,V> : N(V) ≤ 1}, or its measure version.
double dual_norm(const Gauge& gauge, const Eigen::Ref<const Points>& G, const Vector& weights = {});

/// U Wᵀ of the compact SVD: Muon's unscaled direction.
Points polar(const Eigen::Ref<const Points>& G, double rtol = -1.0);

}  // namespace spectralot
