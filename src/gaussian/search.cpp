#include "gaussian/search.hpp"

#include "core/ending.hpp"
#include "saddle/mix_vertices.hpp"
#include "saddle/program.hpp"

#include <cmath>

namespace spectralot::gaussian {

Search::Search(const Pair& pair_, const Gauge& gauge_, const GaussianOptions& options_, const Observer& observer)
    : pair(pair_), gauge(gauge_), options(options_), observer_(observer) {
    const auto d = int(pair.dimension());
    const double error = 16.0 * d * epsilon * (pair.source.root.norm() + pair.target.root.norm() + pair.shift.norm()) +
                         2.0 * (pair.source.error + pair.target.error);
    zero_level_ = 4.0 * gauge.comparison_constants(d).upper * error * error;
    result_.certificate = {.lower = 0.0, .upper = infinity};
}

double Search::seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

const Coupling& Search::try_metric(const Matrix& metric, double smoothing) {
    return accept(couple(pair, 0.5 * (metric + metric.transpose()), smoothing));
}

const Coupling& Search::try_active(const Matrix& moment) {
    Coupling coupling = couple(pair, gauge.active(moment));
    const auto d = int(pair.dimension());
    const std::optional<GaugeProgram> program = gauge.program(d);
    if (!program || saddle::single_ball(program)) return accept(std::move(coupling));
    // Active matrices lie in K but for the rounding of their sums: to project them would take longer than the solve.
    const double excess = 16.0 * d * epsilon * coupling.metric.norm();
    return accept(std::move(coupling), excess / gauge.comparison_constants(d).lower);
}

const Coupling& Search::accept(Coupling coupling) {
    const double excess = gauge.membership_excess(coupling.metric);
    return accept(std::move(coupling), excess);
}

const Coupling& Search::accept(Coupling coupling, double excess) {
    couplings_.push_back(std::move(coupling));
    const Coupling& latest = couplings_.back();
    const double lower = lower_bound(latest, 1.0 + excess);
    if (result_.metric.size() == 0 || lower > bracket().lower) {
        result_.certificate.lower = lower;
        result_.metric = latest.metric;
    }
    offer_mixture(Vector::Unit(Index(couplings_.size()), Index(couplings_.size()) - 1));
    ++result_.n_iter;
    observer_.report({result_.n_iter, pair.unit * (pair.unit * bracket().lower),
                      pair.unit * (pair.unit * bracket().upper), seconds()});
    return latest;
}

void Search::offer_mixture(const Vector& weights) {
    Matrix moment = Matrix::Zero(pair.dimension(), pair.dimension());
    double error = 0.0;
    for (Index k = 0; k < weights.size(); ++k) {
        if (weights[k] == 0.0) continue;
        moment += weights[k] * couplings_[std::size_t(k)].moment;
        error += weights[k] * couplings_[std::size_t(k)].moment_error;
    }
    const double upper = upper_bound(gauge, moment, error);
    if (!(upper < bracket().upper)) return;
    result_.certificate.upper = upper;
    result_.moment = std::move(moment);
    best_weights_ = weights;
}

void Search::keep_latest(Index n) {
    std::vector<Coupling> kept;
    std::vector<double> weights;
    for (Index k = 0; k < Index(couplings_.size()); ++k) {
        const double weight = k < best_weights_.size() ? best_weights_[k] : 0.0;
        if (weight == 0.0 && k + n < Index(couplings_.size())) continue;
        kept.push_back(std::move(couplings_[std::size_t(k)]));
        weights.push_back(weight);
    }
    couplings_ = std::move(kept);
    best_weights_ = Eigen::Map<const Vector>(weights.data(), Index(weights.size()));
}

bool Search::finished() {
    const std::optional<Status> end = ending(bracket(), result_.n_iter, {zero_level_, options.tol, options.max_iter},
                                             {.interrupted = observer_.cancel.requested()});
    result_.status = end.value_or(result_.status);
    return end.has_value();
}

GaussianResult Search::take_result() {
    result_.converged = is_converged(result_.status);
    if (result_.status == Status::ZeroToRounding) result_.certificate.lower = 0.0;
    result_.cross_covariance = Matrix::Zero(pair.dimension(), pair.dimension());
    for (Index k = 0; k < best_weights_.size(); ++k)
        if (best_weights_[k] > 0.0)
            result_.cross_covariance += best_weights_[k] * cross_covariance(pair, couplings_[std::size_t(k)]);
    const auto scaled = [this](auto& x) { x = pair.unit * (pair.unit * x); };
    scaled(result_.certificate.lower);
    scaled(result_.certificate.upper);
    result_.cross_covariance = pair.unit * (pair.unit * result_.cross_covariance).eval();
    result_.moment = pair.unit * (pair.unit * result_.moment).eval();
    result_.value = result_.certificate.upper;
    result_.seconds = seconds();
    return std::move(result_);
}

void mix_couplings(Search& search) {
    const auto d = int(search.pair.dimension());
    Master master(search.gauge, d);
    search.keep_latest(2 * Index(d));  // couplings from far along the central path only burden the master
    for (const Coupling& coupling : search.couplings()) master.add(coupling.moment);
    saddle::mix_vertices(search, master);
}

}  // namespace spectralot::gaussian
