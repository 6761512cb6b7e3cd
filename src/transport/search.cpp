#include "transport/search.hpp"

#include "core/ending.hpp"
#include "spectralot/core/errors.hpp"
#include "transport/bounds.hpp"
#include "transport/pilot.hpp"

#include <algorithm>

namespace spectralot {

PlanMixture::PlanMixture(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge)
    : mu_(mu), nu_(nu), gauge_(gauge), diameter_(diameter_bound(mu, nu)) {}

void PlanMixture::add(SparsePlan plan, const Matrix& moment) {
    missing_mass_ = std::max(missing_mass_, marginal_error(plan, mu_, nu_));
    plans_.push_back(std::move(plan));
    moments_.push_back(moment);
}

double PlanMixture::upper(const Vector& weights) const {
    Matrix moment = Matrix::Zero(moments_[0].rows(), moments_[0].cols());
    for (Index k = 0; k < weights.size(); ++k) moment += weights(k) * moments_[std::size_t(k)];
    return safe_upper(gauge_, moment, missing_mass_, diameter_);
}

Vector PlanMixture::sparsified(const Vector& weights, double allowance) const {
    const double limit = upper(weights) + allowance;
    for (double threshold = 1e-2; threshold > 1e-16; threshold *= 0.1) {
        Vector kept = (weights.array() < threshold).select(0.0, weights);
        if (!(kept.sum() > 0.0)) continue;
        kept /= kept.sum();
        if (upper(kept) <= limit) return kept;
    }
    return weights;
}

SparsePlan PlanMixture::mixed(const Vector& weights) const {
    std::vector<const SparsePlan*> used;
    std::vector<double> masses;
    for (Index k = 0; k < weights.size(); ++k) {
        if (weights(k) > 0.0) {
            used.push_back(&plans_[std::size_t(k)]);
            masses.push_back(weights(k));
        }
    }
    return mix(used, masses);
}

Search::Search(const DiscreteMeasure& mu_, const DiscreteMeasure& nu_, const Gauge& gauge_,
               const TransportOptions& options_, const Observer& observer_, double unit)
    : mu(mu_),
      nu(nu_),
      gauge(gauge_),
      options(options_),
      observer(observer_),
      oracle(mu, nu),
      mixture(mu, nu, gauge),
      unit_(unit),
      cancel_(observer.cancel.within(options.max_seconds)),
      zero_level_(64.0 * double(mu.dimension()) * epsilon * mixture.diameter() * mixture.diameter()) {
    result_.certificate = {.lower = 0.0, .upper = infinity};
}

double Search::seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Search::offer_dual(const Matrix& metric, Potentials potentials, double lower) {
    const double metric_rounding = 64.0 * double(mu.dimension()) * epsilon;  // Q lies in (1 + this)·K
    lower /= 1.0 + metric_rounding;
    if (result_.metric.size() > 0 && !(lower > bracket().lower)) return;
    result_.certificate.lower = std::max(lower, 0.0);
    result_.metric = metric;
    result_.potentials = std::move(potentials);
}

Potentials Search::take(ExactResult vertex, const Matrix& metric) {
    offer_dual(metric, vertex.potentials, vertex.certificate.lower);
    mixture.add(std::move(vertex.plan), vertex.moment);
    return std::move(vertex.potentials);
}

Potentials Search::solve_vertex(const Matrix& metric) {
    return take(oracle.solve(metric, exact_options()), metric);
}

Potentials Search::descend(Matrix metric, Pilot& pilot) {
    const auto steer = [&](const Matrix& Q, const Matrix& moment, Index n_clusters) {
        return pilot.steer(Q, moment, n_clusters);
    };
    ExactResult vertex = oracle.descend(metric, steer, exact_options());
    pilot.arrive(metric, vertex.moment);
    return take(std::move(vertex), metric);
}

void Search::offer_mixture(const Vector& weights) {
    const double upper = mixture.upper(weights);
    if (!(upper < bracket().upper)) return;
    result_.certificate.upper = upper;
    best_weights_ = weights;
    best_plan_.reset();
}

double Search::upper_of(const SparsePlan& plan) const {
    return safe_upper(gauge, second_moment(plan, mu.points, nu.points), marginal_error(plan, mu, nu),
                      mixture.diameter());
}

void Search::offer_plan(SparsePlan plan) {
    const double upper = upper_of(plan);
    if (!(upper < bracket().upper)) return;
    result_.certificate.upper = upper;
    best_plan_ = std::move(plan);
}

void Search::mix_best_plan() {
    if (!best_plan_) return;
    const Matrix moment = second_moment(*best_plan_, mu.points, nu.points);
    mixture.add(*best_plan_, moment);
}

std::optional<Matrix> Search::resume(const TransportResult& earlier) {
    constexpr double rounding = 1e-12;  // a coarser fit would spoil the bracket
    constexpr double near = 0.1;        // relative gap beyond which a fresh start is better
    const SparsePlan& plan = earlier.plan;
    const auto all_below = [](const std::vector<int>& index, Index size) {
        return std::all_of(index.begin(), index.end(), [size](int i) { return i >= 0 && i < size; });
    };
    const bool is_plan = plan.n_rows == mu.size() && plan.n_cols == nu.size() && plan.row.size() == plan.size() &&
                         plan.col.size() == plan.size() && all_below(plan.row, mu.size()) &&
                         all_below(plan.col, nu.size()) &&
                         std::all_of(plan.mass.begin(), plan.mass.end(), [](double mass) { return mass >= 0.0; });
    if (!is_plan || marginal_error(plan, mu, nu) > rounding) return std::nullopt;
    const Matrix moment = second_moment(plan, mu.points, nu.points);
    Matrix metric = earlier.metric;
    if (gauge.membership_excess(metric) > rounding) {  // another gauge
        metric = gauge.active(moment);
    } else {
        const auto& [f, g] = earlier.potentials;
        if (f.size() != mu.size() || g.size() != nu.size() || !f.allFinite() || !g.allFinite()) return std::nullopt;
        PricedPotentials priced = oracle.price(metric, {f / unit_, g / unit_}, 1, exact_options());
        offer_dual(metric, std::move(priced.potentials), priced.lower);
        if (!(priced.lower >= (1.0 - near) * gauge.value(moment))) return std::nullopt;
    }
    mixture.add(plan, moment);
    offer_last_plan();
    return metric;
}

/// Until the gap reaches the tolerance, if its logarithm goes on falling as it did over the later half of the history;
/// NaN while there is too little of that, or where the gap does not fall.
double Search::seconds_left() const {
    constexpr std::size_t fewest_rows = 4;
    const std::vector<HistoryRow>& rows = result_.history;
    const auto log_gap = [](const HistoryRow& row) { return std::log(1.0 - row.lower / row.upper); };
    if (rows.size() < fewest_rows) return std::nan("");
    const HistoryRow &then = rows[(rows.size() - 1) / 2], &now = rows.back();
    const double rate = (log_gap(then) - log_gap(now)) / (now.seconds - then.seconds);
    const double left = (log_gap(now) - std::log(options.tol)) / rate;
    return rate > 0.0 && std::isfinite(left) ? std::max(left, 0.0) : std::nan("");
}

bool Search::finished() {
    ++result_.n_iter;
    const HistoryRow row{bracket().lower * unit_, bracket().upper * unit_, seconds()};
    result_.history.push_back(row);
    observer.report({result_.n_iter, row.lower, row.upper, row.seconds, seconds_left()});

    const std::optional<Status> end = ending(bracket(), result_.n_iter, {zero_level_, options.tol, options.max_iter},
                                             {.interrupted = observer.cancel.requested(), .out_of_time = must_stop()});
    result_.status = end.value_or(result_.status);
    return end.has_value();
}

TransportResult Search::take_result() {
    Certificate& certificate = result_.certificate;
    if (best_plan_) {
        result_.plan = std::move(*best_plan_);
    } else {
        const double spare = options.tol * certificate.upper - gap();
        result_.plan = mixture.mixed(mixture.sparsified(best_weights_, std::max(0.0, 0.5 * spare)));
    }
    result_.moment = second_moment(result_.plan, mu.points, nu.points);
    certificate.upper = safe_upper(gauge, result_.moment, marginal_error(result_.plan, mu, nu), mixture.diameter());
    if (certificate.lower > (1.0 + 1e-6) * certificate.upper + zero_level_) {  // a custom gauge, not convex
        throw_invalid("gauge", "value and active must come from one convex K: tr(active(T) S) <= value(S) for all S, T",
                      "a lower bound of " + to_text(certificate.lower * unit_) + " and an upper bound of " +
                          to_text(certificate.upper * unit_));
    }
    if (result_.status == Status::ZeroToRounding) certificate.lower = 0.0;
    if (result_.status == Status::Solved && certificate.relative_gap() > options.tol) result_.status = Status::Stalled;
    result_.converged = is_converged(result_.status);

    certificate.lower *= unit_;
    certificate.upper *= unit_;
    result_.value = certificate.upper;
    result_.potentials.a *= unit_;
    result_.potentials.b *= unit_;
    result_.moment *= unit_;
    result_.seconds = seconds();
    return std::move(result_);
}

}  // namespace spectralot
