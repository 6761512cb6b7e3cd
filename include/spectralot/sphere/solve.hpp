/// The spectral unbalanced distance UW_γ between measures on the sphere, in the static form of math.md §8.
///
/// UW_γ(ν0,ν1)² = min γ(S) over couplings (A, B): A, B ≥ 0 on pairs, row sums of A at most ν0, column sums of B at most
/// ν1, C = √(AB) entrywise,
///     S = Σν0_i ω_iω_iᵀ + Σν1_j ω'_jω'_jᵀ - ΣC_ij(ω_iω'_jᵀ + ω'_jω_iᵀ)
///   = max over Q in K of Σν0_i(ω_iᵀQω_i - u_i) + Σν1_j(ω'_jᵀQω'_j - v_j), u,v ≥ 0, u_i v_j ≥ ((ω_iᵀQω'_j)_+)².
/// Mass A_ij leaves ω_i and arrives as B_ij in ω'_j; what the sums leave over vanishes in place, or grows in place from
/// nothing. (math.md's free 0 ≤ C ≤ √(AB) with full row sums is the same set: the part of A and B that C does not use
/// counts as left over.)
///
/// For p = 1 this is the Wasserstein–Fisher–Rao (Hellinger–Kantorovich) distance on the cone. For other gauges the
/// paper gives the dynamic form only; that the static form equals it is this project's claim (docs/sphere.md: proof
/// sketch and numerical evidence).
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/gauge/gauges.hpp"
#include "spectralot/sphere/measure.hpp"
#include "spectralot/transport/solve.hpp"

#include <vector>

namespace spectralot::sphere {

struct SphereOptions {
    double tol = 1e-6;   ///< certified relative gap (upper - lower)/upper of the squared cost at which to stop
    int max_iter = 500;  ///< metrics tried: steps of the interior point, or transports
    double max_seconds = infinity;  ///< stop with the best bracket after this wall time
};

template <class Visitor>
void visit_fields(SphereOptions& o, Visitor&& visit) {
    visit("tol", o.tol, "certified relative gap of the squared cost at which to stop");
    visit("max_iter", o.max_iter, "metrics tried: steps of the interior point, or transports");
    visit("max_seconds", o.max_seconds, "stop with the best bracket after this wall time in seconds");
}

/// Pairs along which mass moves: a[t] leaves row[t], b[t] arrives in col[t]. Sorted by (row, col). At most n + m - 1 +
/// d(d+1)/2 of them in dimensions where that is cheap to make so; where cutting planes were needed, some times n + m.
struct Coupling {
    std::vector<int> row;
    std::vector<int> col;
    std::vector<double> a;
    std::vector<double> b;

    [[nodiscard]] std::size_t size() const { return row.size(); }
};

/// u and v of the dual.
struct GrowthPotentials {
    Vector u;
    Vector v;
};

struct SphereResult {
    double value = 0.0;       ///< UW_γ² (squared): the upper end of the certificate
    Certificate certificate;  ///< lower ≤ UW_γ² ≤ upper for the exact input doubles
    bool converged = false;   ///< relative gap ≤ tol, or zero to rounding
    Status status = Status::IterationLimit;
    int n_iter = 0;
    double seconds = 0.0;
    Coupling coupling;            ///< γ of its moment is at most `upper`
    GrowthPotentials potentials;  ///< with `metric` they prove `lower`
    Matrix metric;                ///< Q in K
    Matrix moment;                ///< S of the coupling
    std::vector<HistoryRow> history;

    [[nodiscard]] double distance() const;  ///< UW_γ = √value
    void require_solved() const;            ///< throws NotSolved unless converged
};

/// nm ≤ 2²⁴, m ≤ 2¹², d up to about 80 (60 at a thousand atoms): an interior point over the metric, as the gauge is
/// composed, and the potentials at once, on the pairs that are nearly tight, all pairs priced at every step; ten to
/// sixty steps of O(nmd + m³ + m²d² + (n+m)d⁴ + d⁶) time, O(m² + md² + d⁴) memory; for the operator norm with a metric
/// of rank one a few, and an exact transport. All others, custom gauges, and where that stalls: fully corrective
/// cutting planes over Q (saddle/mix_vertices.hpp), each metric a transport by an interior point in logarithmic
/// potentials, again on few pairs: O(nm·d) for every step, O(n+m+pairs) memory. One thread. Tiny masses and right
/// angles are safe. The lower bound gives up 16(d+8)·eps·‖Q‖·√(mass_0·mass_1) and the rounding of sums of size one:
/// UW_γ² below about 2e-7 of the masses may keep a relative gap above 1e-6 (`Stalled`). Throws InvalidArgument for bad
/// measures (dirs_0, masses_0, dirs_1, masses_1) or options, and for a gauge that is not monotone or does not fit.
///
///     const auto r = sphere::solve({dirs_0, masses_0}, {dirs_1, masses_1}, operator_gauge(), {.tol = 1e-8});
///     r.value, r.certificate.lower, r.metric
SphereResult solve(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Gauge& gauge,
                   const SphereOptions& options = {}, const Observer& observer = {});

/// UW_γ (not squared). Throws NotSolved when the certificate does not close.
double distance(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Gauge& gauge,
                const SphereOptions& options = {});

/// The measure at time t of a constant-speed geodesic: Π₂ of (1-t)√A ω + t√B ω' along the pairs, (1-t)² and t² of what
/// is left over in place; at t = 0 and 1 the measures themselves. Atoms of mass zero are dropped, unless that leaves
/// none. Throws InvalidArgument for t outside [0, 1] and for indices, masses or sums that are no coupling.
SphericalMeasure geodesic(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Coupling& coupling, double t);

}  // namespace spectralot::sphere
