/// Searches over the set K of a gauge for what has no closed form: the selector's Q* and membership.
#pragma once

#include "spectralot/gauge/gauge.hpp"

namespace spectralot::detail {

/// Minimises tr(Q⁻¹S) over K, S = W diag(σ²) Wᵀ (math.md §2), until the Fenchel gap γ(Q⁻¹SQ⁻¹) - tr(Q⁻¹S) stops
/// falling: 1e-13 relative and below for well-conditioned S of full rank. Spectral gauges reduce to vectors in the
/// eigenbasis of S. A gauge without program is searched over the convex hull of its active matrices, which grows by
/// the one active at the velocity until the gap closes.
GaugeModel::SelectorMap search_selector_map(const GaugeModel& model, const Vector& sigma, const Matrix& right);

/// membership_excess by projection onto K: an upper bound, λ_max(Q-P)/c with P the projection and c·tr ≤ γ (tr(QS) ≤
/// tr(PS) + λ_max(Q-P)·tr S). About 1e-14 for members; not tight for Q that are only dominated by K or far from it.
double projection_excess(const GaugeModel& model, const GaugeProgram& K, const Matrix& Q);

/// The largest tr(QS)/γ(S) - 1 over a set of trial moments S: a necessary test for membership.
double necessary_excess(const GaugeModel& model, const Matrix& Q);

}  // namespace spectralot::detail
