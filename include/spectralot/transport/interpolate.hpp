/// What a coupling gives besides its cost: displacement geodesics, barycentric map, matching, envelope gradients.
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/transport/solve.hpp"

namespace spectralot {

/// μ_t = ((1-t)x + t·y)_# P: a constant-speed geodesic of W_γ for monotone γ (paper §5). One atom per plan entry.
/// Throws InvalidArgument for t outside [0, 1] or a gauge that is not monotone.
DiscreteMeasure geodesic(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge,
                         const SparsePlan& plan, double t);

/// T(x_i) = Σ_j P_ij y_j / Σ_j P_ij (n×d); rows without mass map to the barycentre image of the nearest row: x_i
/// itself.
Points barycentric_map(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const SparsePlan& plan);

/// A permutation extracted from the plan by linear assignment (maximal total plan mass), with its γ-cost (squared),
/// which is ≥ W_γ². n = m and equal weights only.
struct Matching {
    std::vector<int> target;  ///< x_i goes to y_{target[i]}; empty when cancelled
    double cost = infinity;
};
Matching matching(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge, const SparsePlan& plan,
                  const CancelToken& cancel = {});

/// Envelope (sub)gradients of W_γ² (math.md §3): ∂/∂x_i = 2Σ_j P_ij Q(x_i-y_j), ∂/∂y_j likewise, ∂/∂a = f, ∂/∂b = g
/// (each of the last two centred to mean zero under its measure, because weights are normalised).
struct EnvelopeGradient {
    Points points_a;
    Points points_b;
    Vector weights_a;
    Vector weights_b;
};
EnvelopeGradient gradient(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const TransportResult& result);

/// Rows of the plan whose largest entry is below (1-1e-9)·a_i: mass that a map could not move.
int count_split_rows(const DiscreteMeasure& mu, const SparsePlan& plan);

}  // namespace spectralot
