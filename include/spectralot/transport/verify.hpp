/// Recomputes a certificate from plan, metric and potentials alone; shares nothing with the solver but the gauge.
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/discrete/exact_transport.hpp"
#include "spectralot/gauge/gauge.hpp"

namespace spectralot {

struct Verification {
    Certificate certificate;    ///< bracket proved by the given plan, metric and potentials
    double marginal_error = 0;  ///< total mass by which the plan misses its marginals
    double metric_excess = 0;   ///< Q ∈ (1+excess)K
    double worst_slack = 0;     ///< min over pairs of c_ij - f_i - g_j before the potentials were made feasible
    double rounding = 0;        ///< how far two evaluations of one bracket may differ; of the clouds and gauge alone

    /// The bracket proves the claimed one, up to the rounding of evaluating it twice.
    [[nodiscard]] bool confirms(const Certificate& claimed) const;
};

/// Never trusts its input: infeasible potentials are lowered until feasible for all pairs, a metric outside K is
/// scaled into it, mass missing from the marginals is charged at the largest cost. O(nm·d) time, O(n+m) memory
/// (O((n+m) log) for rank-one metrics). Throws InvalidArgument on shapes that do not fit, NaN, negative masses.
/// When cancelled the lower end is the trivial one, 0 (-infinity for a gauge that is not monotone).
Verification verify(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge, const SparsePlan& plan,
                    const Matrix& metric, const Potentials& potentials, const CancelToken& cancel = {});

}  // namespace spectralot
