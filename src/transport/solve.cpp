#include "spectralot/transport/solve.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/saddle/master.hpp"
#include "transport/bounds.hpp"

#include <chrono>
#include <cmath>

namespace spectralot {

namespace {

constexpr double master_share = 0.1;      // the master closes this share of the outer gap: Q stays central
constexpr int patience = 40;              // iterations without progress before the solver says it stalled

class Stopwatch {
public:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void check_options(const TransportOptions& options) {
    if (!(options.tol > 0.0 && options.tol < 1.0)) throw_invalid("tol", "must lie in (0, 1)", to_text(options.tol));
    if (options.max_iter < 1) throw_invalid("max_iter", "must be at least 1", std::to_string(options.max_iter));
    if (options.n_threads < 0) throw_invalid("n_threads", "must be 0 (all cores) or more", std::to_string(options.n_threads));
    if (!(options.max_seconds > 0.0)) throw_invalid("max_seconds", "must be positive", to_text(options.max_seconds));
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

/// The primal side: optimal plans met so far and the mixture of them that is best for γ.
class PlanMixture {
public:
    PlanMixture(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge)
        : mu_(mu), nu_(nu), gauge_(gauge), diameter_(diameter_bound(mu, nu)) {}

    void add(SparsePlan plan, const Matrix& moment) {
        missing_mass_ = std::max(missing_mass_, marginal_error(plan, mu_, nu_));
        plans_.push_back(std::move(plan));
        moments_.push_back(moment);
    }

    [[nodiscard]] double diameter() const { return diameter_; }

    /// Upper bound of W_γ² proved by the mixture with these weights.
    [[nodiscard]] double upper(const Vector& weights) const {
        Matrix moment = Matrix::Zero(moments_[0].rows(), moments_[0].cols());
        for (std::size_t k = 0; k < moments_.size(); ++k) moment += weights(Index(k)) * moments_[k];
        return safe_upper(gauge_, moment, missing_mass_, diameter_);
    }

    /// The weights without the plans whose absence costs at most `allowance`: a sparser coupling.
    [[nodiscard]] Vector sparsified(const Vector& weights, double allowance) const {
        const double limit = upper(weights) + allowance;
        for (double threshold = 1e-2; threshold > 1e-16; threshold *= 0.1) {
            Vector kept = (weights.array() < threshold).select(0.0, weights);
            if (!(kept.sum() > 0.0)) continue;
            kept /= kept.sum();
            if (upper(kept) <= limit) return kept;
        }
        return weights;
    }

    [[nodiscard]] SparsePlan mixed(const Vector& weights) const {
        std::vector<const SparsePlan*> used;
        std::vector<double> masses;
        for (std::size_t k = 0; k < plans_.size(); ++k) {
            if (weights(Index(k)) > 0.0) {
                used.push_back(&plans_[k]);
                masses.push_back(weights(Index(k)));
            }
        }
        return mix(used, masses);
    }

private:
    const DiscreteMeasure& mu_;
    const DiscreteMeasure& nu_;
    const Gauge& gauge_;
    double diameter_;
    double missing_mass_ = 0.0;
    std::vector<SparsePlan> plans_;
    std::vector<Matrix> moments_;
};

TransportResult solve_unit_scale(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge,
                                 const TransportOptions& options, const Observer& observer, double unit) {
    const Stopwatch watch;
    const auto d = int(mu.dimension());
    ExactTransport oracle(mu, nu);
    PlanMixture mixture(mu, nu, gauge);
    Master master(gauge, d);

    TransportResult result;
    Certificate& bracket = result.certificate;
    bracket = {.lower = 0.0, .upper = infinity};
    Vector best_weights;
    const double zero_level = 64.0 * d * epsilon * mixture.diameter() * mixture.diameter();
    const double metric_rounding = 64.0 * d * epsilon;  // Q lies in (1 + this)·K

    double progress_gap = infinity;
    int progress_iteration = 0;
    Matrix metric = gauge.active(Matrix::Identity(d, d));
    for (int iteration = 1;; ++iteration) {
        ExactResult vertex = oracle.solve(metric, {.n_threads = options.n_threads, .cancel = observer.cancel});
        const double lower = vertex.certificate.lower / (1.0 + metric_rounding);
        if (iteration == 1 || lower > bracket.lower) {
            bracket.lower = std::max(lower, 0.0);
            result.metric = metric;
            result.potentials = std::move(vertex.potentials);
        }
        mixture.add(std::move(vertex.plan), vertex.moment);
        master.add(vertex.moment);

        // The last plan alone gives a first upper bound, which tells the master how far to go.
        const double vertex_upper = mixture.upper(Vector::Unit(iteration, iteration - 1));
        if (vertex_upper < bracket.upper) {
            bracket.upper = vertex_upper;
            best_weights = Vector::Unit(iteration, iteration - 1);
        }
        if (bracket.relative_gap() > options.tol && vertex.status != Status::Interrupted) {
            const double gap = bracket.upper - bracket.lower;
            const MasterSolution saddle = master.solve(master_share * std::max(gap, options.tol * bracket.upper));
            const double upper = mixture.upper(saddle.weights);
            if (upper < bracket.upper) {
                bracket.upper = upper;
                best_weights = saddle.weights;
            }
            metric = saddle.metric;
        }

        result.n_iter = iteration;
        result.history.push_back({bracket.lower * unit, bracket.upper * unit, watch.seconds()});
        observer.report({iteration, bracket.lower * unit, bracket.upper * unit, watch.seconds()});

        const double gap = bracket.relative_gap();
        if (gap < 0.99 * progress_gap) {
            progress_gap = gap;
            progress_iteration = iteration;
        }
        if (bracket.upper <= zero_level) result.status = Status::ZeroToRounding;
        else if (gap <= options.tol) result.status = Status::Solved;
        else if (observer.cancel.requested()) result.status = Status::Interrupted;
        else if (watch.seconds() > options.max_seconds) result.status = Status::TimeLimit;
        else if (iteration == options.max_iter) result.status = Status::IterationLimit;
        else if (iteration - progress_iteration >= patience) result.status = Status::Stalled;
        else continue;
        break;
    }

    best_weights.conservativeResizeLike(Vector::Zero(result.n_iter));
    const double spare = options.tol * bracket.upper - (bracket.upper - bracket.lower);
    result.plan = mixture.mixed(mixture.sparsified(best_weights, std::max(0.0, 0.5 * spare)));
    result.moment = second_moment(result.plan, mu.points, nu.points);
    bracket.upper = safe_upper(gauge, result.moment, marginal_error(result.plan, mu, nu), mixture.diameter());
    if (result.status == Status::ZeroToRounding) bracket.lower = 0.0;
    if (result.status == Status::Solved && bracket.relative_gap() > options.tol) result.status = Status::Stalled;
    result.converged = result.status == Status::Solved || result.status == Status::ZeroToRounding;
    result.seconds = watch.seconds();
    return result;
}

}  // namespace

double TransportResult::distance() const { return std::sqrt(value); }

void TransportResult::require_solved() const {
    if (converged) return;
    throw NotSolved("not solved (" + std::string(to_string(status)) + "): the squared cost lies in [" +
                    to_text(certificate.lower) + ", " + to_text(certificate.upper) + "], relative gap " +
                    to_text(certificate.relative_gap()));
}

TransportResult solve(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge,
                      const TransportOptions& options, const Observer& observer) {
    check_pair(mu, nu);
    check_options(options);
    gauge.check_dimension(int(mu.dimension()));
    if (!gauge.is_convex()) {
        throw_invalid("gauge", "a static solve needs a convex gauge (Schatten p >= 1); for p < 1 only norms and selectors exist",
                      gauge.repr());
    }

    const double scale = unit_scale(mu, nu);
    const double unit = 1.0 / scale / scale;  // squared unit of the caller
    TransportResult result =
        solve_unit_scale(rescaled(mu, scale), rescaled(nu, scale), gauge, options, observer, unit);
    result.certificate.lower *= unit;
    result.certificate.upper *= unit;
    result.value = result.certificate.upper;
    result.potentials.a *= unit;
    result.potentials.b *= unit;
    result.moment *= unit;
    return result;
}

double distance(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge, const TransportOptions& options) {
    const TransportResult result = solve(mu, nu, gauge, options);
    result.require_solved();
    return result.distance();
}

}  // namespace spectralot
