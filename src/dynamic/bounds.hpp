/// Both ends of the certificate of the discrete problem.
#pragma once

#include "dynamic/poisson.hpp"

namespace spectralot::dynamic {

/// A field that satisfies the continuity equation, with its action.
struct UpperBound {
    double value = infinity;
    Vector action;  ///< per slice
};

/// Action of u as it stands; infinite where a mass that moves is not positive. Moved outwards by its rounding.
UpperBound action_of(const Layout& layout, const Gauge& gauge, const StaggeredField& u);

/// Moves u towards masses of at least `floor` in every cell by projections with momentum, one Poisson solve each, at
/// most `max_rounds`; a tenth of the floor is enough. u keeps satisfying the continuity equation. False when some mass
/// is still not positive. φ is scratch.
bool make_positive(const Layout& layout, const PoissonSolver& solver, double floor, int max_rounds, StaggeredField& u,
                   Plane& phi);

/// u becomes the cheapest of a few mixtures of u and v: what errs in one need not in the other.
void mix(const Layout& layout, const Gauge& gauge, const StaggeredField& v, StaggeredField& u);

/// Lower end from any cell field w ≈ the dual iterate and any metrics near the optimal ones.
///
/// φ is fitted to w, w changed to have Iᵀw = Dᵀφ exactly, and then Σ w·Iu is the same for every feasible u; what w_0 +
/// ¼w_1ᵀQ⁻¹w_1 exceeds zero by in a slice, at most, is taken off times the mass there. Q is moved towards the isotropic
/// element of K as far as helps. `mass`: that of any slice, or with growth an upper bound of it.
struct LowerBound {
    double value = -infinity;
    std::vector<Matrix> metrics;
};
LowerBound lower_bound(const Layout& layout, const Gauge& gauge, const PoissonSolver& solver, const StaggeredField& u,
                       const CellField& w, const std::vector<Matrix>& metrics, double mass, StaggeredField& scratch,
                       Plane& phi);

}  // namespace spectralot::dynamic
