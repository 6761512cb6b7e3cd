/// The static spectral Wasserstein problem W_γ(μ,ν)² = min_P γ(S(P)) = max_{Q∈K} W_Q(μ,ν)² (paper §3, math.md §3).
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/discrete/exact_transport.hpp"
#include "spectralot/gauge/gauges.hpp"

#include <vector>

namespace spectralot {

/// Options of the static solver. The defaults certify six digits.
struct TransportOptions {
    double tol = 1e-6;    ///< certified relative gap (upper - lower)/upper of the squared cost at which to stop
    int max_iter = 1000;  ///< outer iterations, each one exact transport solve
    int n_threads = 1;    ///< 0 = all cores; the result does not depend on it
    double max_seconds = infinity;  ///< stop with the best bracket after this wall time
};

/// The one list of the options' names: Python keywords, CLI flags, JSON and the docs table are generated from it.
template <class Visitor>
void visit_fields(TransportOptions& o, Visitor&& visit) {
    visit("tol", o.tol, "certified relative gap of the squared cost at which to stop");
    visit("max_iter", o.max_iter, "outer iterations, each one exact transport solve");
    visit("n_threads", o.n_threads, "threads for pricing; 0 = all cores; the result does not depend on it");
    visit("max_seconds", o.max_seconds, "stop with the best bracket after this wall time in seconds");
}

struct HistoryRow {
    double lower = 0.0;
    double upper = 0.0;
    double seconds = 0.0;
};

struct TransportResult {
    double value = 0.0;       ///< W_γ² (squared): the upper end of the certificate
    Certificate certificate;  ///< lower ≤ W_γ² ≤ upper, proved for the exact input doubles
    bool converged = false;   ///< relative gap ≤ tol, or zero to rounding
    Status status = Status::IterationLimit;
    int n_iter = 0;  ///< outer iterations: one exact transport solve or one step on the masses of single pairs each
    double seconds = 0.0;
    SparsePlan plan;        ///< coupling P with γ(S(P)) ≤ upper
    Potentials potentials;  ///< with `metric` they prove `lower`
    Matrix metric;          ///< Q in K
    Matrix moment;          ///< S(P)
    std::vector<HistoryRow> history;

    [[nodiscard]] double distance() const;  ///< W_γ = √value
    void require_solved() const;            ///< throws NotSolved unless converged
};

/// Solves the static problem to a certified gap. O(n+m) memory in low dimension; one `solve` is one exact transport
/// from scratch and a few warm ones. Throws InvalidArgument for bad measures or options, for a gauge that does not
/// fit the dimension, and for Schatten p < 1.
///
/// `warm_start`: an earlier result between the same measures for another gauge, or after their points have moved a
/// little (same sizes and weights). Its plan, metric and potentials are where the search begins; where they prove less
/// than nine tenths of the cost they are left aside. Nothing of them is trusted.
///
///     const DiscreteMeasure mu{points_x}, nu{points_y, weights_y};
///     const TransportResult r = solve(mu, nu, Schatten{.p = 2.0}, {.tol = 1e-8});
TransportResult solve(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge,
                      const TransportOptions& options = {}, const Observer& observer = {},
                      const TransportResult* warm_start = nullptr);

/// W_γ (not squared). Throws NotSolved when the certificate does not close.
double distance(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge,
                const TransportOptions& options = {});

}  // namespace spectralot
