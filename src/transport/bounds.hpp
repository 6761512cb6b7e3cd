/// Rounding-safe ends of a certificate: what the computed numbers prove about the exact input doubles (math.md §3).
#pragma once

#include "spectralot/discrete/measure.hpp"
#include "spectralot/gauge/gauge.hpp"

namespace spectralot {

/// Upper bound of |y_j - x_i| over all pairs. Same unit as the points.
double diameter_bound(const DiscreteMeasure& mu, const DiscreteMeasure& nu);

/// γ(S) with the rounding of S and of γ added, for a plan that misses its marginals by `missing_mass`: putting that
/// mass right moves it at most `diameter` far. Squared unit.
double safe_upper(const Gauge& gauge, const Matrix& moment, double missing_mass, double diameter);

}  // namespace spectralot
