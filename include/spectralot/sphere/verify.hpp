/// Recomputes the certificate of UW_γ from coupling, metric and potentials alone; shares nothing with the interior
/// point but the gauge and the formulas of the two bounds.
#pragma once

#include "spectralot/sphere/solve.hpp"
#include "spectralot/transport/verify.hpp"

namespace spectralot::sphere {

/// Never trusts its input: a coupling that exceeds the masses is scaled down, infeasible potentials are raised until
/// feasible for all pairs (`worst_slack`: min √(u_i v_j) - (ω_iᵀQω'_j)_+ before), a metric outside K is scaled into it.
/// `marginal_error` is the mass by which the coupling exceeded the measures. O(nm·d) time, O(n+m) memory. Throws
/// InvalidArgument on shapes that do not fit, NaN, negative masses or potentials. When cancelled the lower end is 0.
Verification verify(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Gauge& gauge,
                    const Coupling& coupling, const Matrix& metric, const GrowthPotentials& potentials,
                    const CancelToken& cancel = {});

}  // namespace spectralot::sphere
