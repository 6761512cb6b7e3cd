/// Coordination number of a velocity field on a cloud: do neighbours move the same way? (paper §6, Figure 2)
#pragma once

#include "spectralot/core/types.hpp"

namespace spectralot::flow {

/// Σ_i w_i · mean over the k nearest neighbours j of x_i of cos(v_i, v_j), divided by Σ w_i: 1 for a common direction,
/// about 0 for independent ones. Rows are particles; `w` empty = uniform. Particles of zero weight neither count nor
/// serve as neighbours; the cosine with a zero velocity is 0; ties in distance go to the smaller index; with fewer
/// than k other particles all of them serve, and a lone particle has coordination 1. O(n²d).
/// Throws InvalidArgument for k < 1, shapes that differ, NaN or infinity, bad weights.
///
///     const auto v = selector(operator_gauge(), force, w).direction;
///     const double c = flow::coordination(x, v, w);
double coordination(const Points& x, const Points& v, const Vector& w, int k = 5);

}  // namespace spectralot::flow
