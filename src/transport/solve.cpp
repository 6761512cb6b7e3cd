#include "spectralot/transport/solve.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/saddle/master.hpp"
#include "transport/pilot.hpp"
#include "transport/search.hpp"
#include "transport/slice.hpp"

#include <cmath>
#include <optional>

namespace spectralot {

namespace {

void check_options(const TransportOptions& options) {
    if (!(options.tol > 0.0 && options.tol < 1.0)) throw_invalid("tol", "must lie in (0, 1)", to_text(options.tol));
    if (options.max_iter < 1) throw_invalid("max_iter", "must be at least 1", std::to_string(options.max_iter));
    if (options.n_threads < 0)
        throw_invalid("n_threads", "must be 0 (all cores) or more", std::to_string(options.n_threads));
    if (!(options.max_seconds > 0.0)) throw_invalid("max_seconds", "must be positive", to_text(options.max_seconds));
}

void check_warm_start(const TransportResult* earlier, Index d) {
    if (!earlier || (earlier->metric.rows() == d && earlier->metric.cols() == d && earlier->metric.allFinite())) return;
    throw_invalid("warm_start", "must be a result in dimension " + std::to_string(d),
                  "a metric of " + std::to_string(earlier->metric.rows()) + " rows");
}

DiscreteMeasure rescaled(const DiscreteMeasure& measure, double factor) {
    return {.points = measure.points * factor, .weights = measure.weights};
}

/// A power of two that brings the largest coordinate difference to about one: scaling by it is exact, and squared
/// costs neither overflow nor underflow.
double unit_scale(const DiscreteMeasure& mu, const DiscreteMeasure& nu) {
    const Eigen::RowVectorXd low = mu.points.colwise().minCoeff().cwiseMin(nu.points.colwise().minCoeff());
    const Eigen::RowVectorXd high = mu.points.colwise().maxCoeff().cwiseMax(nu.points.colwise().maxCoeff());
    const double spread = (0.5 * high - 0.5 * low).maxCoeff();
    return spread > 0.0 ? std::ldexp(1.0, -std::ilogb(spread)) : 1.0;
}

constexpr double master_share = 0.1;   // the master closes this share of the outer gap: Q stays central
constexpr double finest_pilot = 1e-6;  // relative gap at coarse levels: what refinement changes is no smaller

/// Worth the descent: enough points, and dimensions in which a coarse problem is cheap and tells much of the fine one.
bool pays_to_descend(const Search& search) {
    constexpr Index fewest_points = 64, highest_dimension = 3;
    return std::max(search.mu.size(), search.nu.size()) >= fewest_points && search.mu.dimension() <= highest_dimension;
}

/// Plan by plan: the master mixes the plans found so far, the pilot proposes the metric for the next one. Where whole
/// plans make poor progress the master takes over that mixes single arcs.
void run(Search& search, const TransportResult* warm_start) {
    const std::optional<Matrix> known = warm_start ? search.resume(*warm_start) : std::nullopt;
    if (known && search.bracket().relative_gap() <= search.options.tol && search.finished()) return;
    if (!known && can_search_slices(search) && search_slices(search)) return;
    const auto d = int(search.mu.dimension());
    Master master(search.gauge, d);
    Pilot pilot(search.gauge, std::max(search.options.tol, finest_pilot));
    StallDetector slow(16, 4.0), stuck(40, 1.01), useless(1, 3.0);
    double arcs_gap = infinity;  // when single arcs were last tried
    Matrix metric = known.value_or(search.gauge.active(Matrix::Identity(d, d)));
    if (!known && pays_to_descend(search)) {
        search.descend(metric, pilot);
    } else {
        search.solve_vertex(metric);
    }
    while (true) {
        const std::vector<Matrix>& moments = search.mixture.moments();
        for (std::size_t k = master.moments().size(); k < moments.size(); ++k) master.add(moments[k]);
        // The last plan alone gives a first upper bound, which tells the master how far to go.
        search.offer_last_plan();
        if (search.bracket().relative_gap() > search.options.tol && !search.must_stop()) {
            const double enough = master_share * search.options.tol * search.bracket().upper;
            const double gap = std::max(master_share * search.gap(), enough);
            const MasterSolution saddle = master.solve(gap);
            search.offer_mixture(saddle.weights);
            metric = pilot.propose(master, gap, enough).value_or(saddle.metric);
        }
        if (search.finished()) return;

        const double gap = search.bracket().relative_gap();
        if (useless.stalls(gap)) pilot.fall_back();
        if (slow.stalls(gap) && gap < 0.1 * arcs_gap && can_search_arcs(search)) {
            if (search_arcs(search)) return;
            metric = search.best_metric();
            arcs_gap = gap;
        }
        if (stuck.stalls(gap)) return search.stall();
        search.solve_vertex(metric);
        pilot.observe(metric, moments.back());
    }
}

}  // namespace

double TransportResult::distance() const {
    return std::sqrt(value);
}

void TransportResult::require_solved() const {
    if (converged) return;
    throw NotSolved("not solved (" + std::string(to_string(status)) + "): the squared cost lies in [" +
                    to_text(certificate.lower) + ", " + to_text(certificate.upper) + "], relative gap " +
                    to_text(certificate.relative_gap()));
}

TransportResult solve(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge,
                      const TransportOptions& options, const Observer& observer, const TransportResult* warm_start) {
    check_pair(mu, nu);
    check_options(options);
    check_warm_start(warm_start, mu.dimension());
    gauge.check_dimension(int(mu.dimension()));
    if (!gauge.is_convex()) {
        throw_invalid("gauge",
                      "a static solve needs a convex gauge (Schatten p >= 1); for p < 1 only norms and selectors exist",
                      gauge.repr());
    }

    const double scale = unit_scale(mu, nu);
    const double unit = 1.0 / scale / scale;  // squared unit of the caller
    const DiscreteMeasure unit_mu = rescaled(mu, scale), unit_nu = rescaled(nu, scale);
    Search state(unit_mu, unit_nu, gauge, options, observer, unit);
    run(state, warm_start);
    return state.take_result();
}

double distance(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge,
                const TransportOptions& options) {
    const TransportResult result = solve(mu, nu, gauge, options);
    result.require_solved();
    return result.distance();
}

}  // namespace spectralot
