/// Recomputes a certificate from plan, metric and potentials alone; shares nothing with the solver but the gauge.
#pragma once

#include "spectralot/core/status.hpp"
#include "spectralot/discrete/exact_transport.hpp"
#include "spectralot/gauge/gauge.hpp"

namespace spectralot {

struct Verification {
    Certificate certificate;    ///< bracket proved by the given plan, metric and potentials
    double marginal_error = 0;  ///< total mass by which the plan misses its marginals
    double metric_excess = 0;   ///< Q ∈ (1+excess)K
    double worst_slack = 0;     ///< min over pairs of c_ij - f_i - g_j before the potentials were made feasible
};

/// Never trusts its input: infeasible potentials are lowered until feasible for all pairs, a metric outside K is
/// scaled into it, mass missing from the marginals is charged at the largest cost. O(nm·d) time, O(n+m) memory
/// (O((n+m) log) for rank-one metrics). Throws InvalidArgument on shapes that do not fit, NaN, negative masses.
Verification verify(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge, const SparsePlan& plan,
                    const Matrix& metric, const Potentials& potentials);

}  // namespace spectralot
