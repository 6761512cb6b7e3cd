/// A transport on fewer pairs.
#pragma once

#include "sphere/pairs.hpp"

namespace spectralot::sphere {

/// P ≥ 0 with the same row sums, column sums and Σ P_ij (x_i y_jᵀ + y_j x_iᵀ) as `flow` on the pairs, to rounding, but
/// positive on at most n + m - 1 + d(d+1)/2 of them: a vertex of that polytope. Pairs join a spanning forest one by
/// one, the largest first; each one more than d(d+1)/2 outside it gives a combination of cycles that changes nothing,
/// along which a pair is emptied. O(N·D(h + D²)) time for N pairs, D = d(d+1)/2 and paths of h pairs to a root.
Vector thinned(const PairList& pairs, const Vector& flow, const Points& x, const Points& y);

}  // namespace spectralot::sphere
