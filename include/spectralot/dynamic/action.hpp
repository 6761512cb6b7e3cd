/// The action A_γ(μ, m) = max over Q in K of ∫ mᵀQm/μ of a mass and a momentum per cell (math.md §5).
#pragma once

#include "spectralot/gauge/gauge.hpp"

namespace spectralot::dynamic {

/// γ(Σ_c m_c m_cᵀ/μ_c), `mass` of size n and `momentum` n×d: jointly convex and of degree one in (mass, momentum).
/// Where the mass is zero the momentum must not be seen by the gauge (Q^½m = 0 for every Q in K), else the action is
/// +∞; negative masses are +∞. O(nd² + d³). Throws InvalidArgument for wrong shapes, NaN, or a gauge that is not
/// monotone.
///
///     const double a = dynamic::action(mass, momentum, operator_gauge());
double action(const Vector& mass, const Eigen::Ref<const Points>& momentum, const Gauge& gauge);

}  // namespace spectralot::dynamic
