/// One metric as a gauge: γ(S) = tr(QS) for any symmetric Q, singular or indefinite, so that K = {Q}.
#pragma once

#include "spectralot/gauge/gauge.hpp"

namespace spectralot {

/// The gauge of classical transport for the cost (y-x)ᵀQ(y-x), in which results of `ExactTransport` are stored and
/// verified. It has no selector: throws InvalidArgument there, and for a Q that is not a finite symmetric matrix.
///
///     verify(mu, nu, FixedMetric{.Q = Q}, result.plan, Q, result.potentials);
struct FixedMetric {
    Matrix Q;
    operator Gauge() const;
};

}  // namespace spectralot
