#include "spectralot/transport/mixture.hpp"

#include "core/ending.hpp"
#include "core/weights.hpp"
#include "gaussian/couple.hpp"
#include "saddle/mix_vertices.hpp"
#include "spectralot/core/errors.hpp"
#include "transport/dense_transport.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace spectralot {

namespace {

using gaussian::Coupling;
using gaussian::Pair;

/// Every source component beside every target component, in the unit in which the largest pair has size one.
struct Pairs {
    Vector a, b;
    std::vector<Pair> pairs;  ///< row by row

    [[nodiscard]] double unit() const { return pairs.front().unit; }
    [[nodiscard]] Index dimension() const { return pairs.front().dimension(); }
    [[nodiscard]] std::size_t at(Index i, Index j) const { return std::size_t(i * b.size() + j); }
};

Pairs paired(const GaussianMixture& mu, const GaussianMixture& nu) {
    const Index d = mu.components.empty() ? 0 : mu.components.front().dimension();
    gaussian::check_components(mu.components, d, "_a");
    gaussian::check_components(nu.components, d, "_b");
    Pairs all{normalised_weights(mu.weights, Index(mu.components.size()), "a", "component"),
              normalised_weights(nu.weights, Index(nu.components.size()), "b", "component"),
              {}};
    int exponent = std::numeric_limits<int>::min();
    for (const auto& source : mu.components)
        for (const auto& target : nu.components)
            exponent = std::max(exponent, gaussian::common_exponent(source, target));
    for (const auto& source : mu.components)
        for (const auto& target : nu.components) all.pairs.emplace_back(source, target, exponent);
    return all;
}

/// A plan between components with the best coupling of every pair, all for one metric.
struct Vertex {
    Matrix plan;
    Matrix moment;
    double moment_error = 0.0;  ///< trace norm of its error, missing mass included
};

/// What the cutting planes ask; in the unit of the pairs, progress in the caller's.
class MixtureSearch {
public:
    MixtureSearch(const Pairs& pairs, const Gauge& gauge, const MixtureOptions& options_, const Observer& observer)
        : options(options_), pairs_(pairs), gauge_(gauge), observer_(observer) {
        result_.certificate = {.lower = 0.0, .upper = infinity};
    }

    const MixtureOptions& options;

    [[nodiscard]] const Certificate& bracket() const { return result_.certificate; }
    [[nodiscard]] double gap() const { return bracket().upper - bracket().lower; }
    const Vertex& try_metric(const Matrix& metric);
    void offer_mixture(const Vector& weights);
    bool finished();
    void stall() { result_.status = Status::Stalled; }
    MixtureResult take_result();

private:
    void prove(const Matrix& metric, const Matrix& proved, const Vector& row);
    [[nodiscard]] Vertex joined(const std::vector<Coupling>& couplings, const Matrix& plan, double largest_trace) const;
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }
    [[nodiscard]] double rounding() const { return double(pairs_.a.size() + pairs_.b.size()) * epsilon; }

    const Pairs& pairs_;
    const Gauge& gauge_;
    const Observer& observer_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    double zero_level_ = 0.0;
    MixtureResult result_;
    std::vector<Vertex> vertices_;
};

/// The best coupling of every pair, the best plan for their costs, and what both prove.
const Vertex& MixtureSearch::try_metric(const Matrix& metric) {
    const Index n = pairs_.a.size(), m = pairs_.b.size();
    const auto d = int(pairs_.dimension());
    const Matrix Q = 0.5 * (metric + metric.transpose());
    std::vector<Coupling> couplings;
    Matrix cost(n, m), proved(n, m);
    double largest_trace = 0.0;
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < m; ++j) {
            const Coupling& c = couplings.emplace_back(couple(pairs_.pairs[pairs_.at(i, j)], Q));
            cost(i, j) = c.cost;
            proved(i, j) = c.cost - c.cost_error;
            largest_trace = std::max(largest_trace, c.moment.trace());
        }
    }
    // What rounding may leave of equal mixtures: the marginals' share of the largest cost.
    const double largest_ratio = gauge_.comparison_constants(d).upper;
    zero_level_ = std::max(zero_level_, 32.0 * (rounding() + d * epsilon) * largest_ratio * largest_trace);

    const DenseTransport transport = dense_transport(cost, pairs_.a, pairs_.b);
    prove(Q, proved, transport.row);
    vertices_.push_back(joined(couplings, transport.plan, largest_trace));
    offer_mixture(Vector::Unit(Index(vertices_.size()), Index(vertices_.size()) - 1));
    ++result_.n_iter;
    const double unit = pairs_.unit();
    observer_.report({result_.n_iter, unit * (unit * bracket().lower), unit * (unit * bracket().upper), seconds()});
    return vertices_.back();
}

/// Potentials made feasible for costs that are proved, whatever the solver left.
void MixtureSearch::prove(const Matrix& metric, const Matrix& proved, const Vector& row) {
    const Vector column = (proved.colwise() - row).colwise().minCoeff().transpose();
    const double spread = row.cwiseAbs().maxCoeff() + column.cwiseAbs().maxCoeff();
    const double dual = pairs_.a.dot(row) + pairs_.b.dot(column) - 16.0 * rounding() * spread;
    const double level = (1.0 + gauge_.membership_excess(metric)) * (1.0 + 64.0 * double(pairs_.dimension()) * epsilon);
    if (result_.metric.size() > 0 && !(dual / level > bracket().lower)) return;
    result_.certificate.lower = std::max(0.0, dual / level);
    result_.metric = metric;
}

Vertex MixtureSearch::joined(const std::vector<Coupling>& couplings, const Matrix& plan, double largest_trace) const {
    const Index d = pairs_.dimension();
    Vertex vertex{plan, Matrix::Zero(d, d), 0.0};
    for (Index i = 0; i < plan.rows(); ++i) {
        for (Index j = 0; j < plan.cols(); ++j) {
            if (plan(i, j) == 0.0) continue;
            vertex.moment += plan(i, j) * couplings[pairs_.at(i, j)].moment;
            vertex.moment_error += plan(i, j) * couplings[pairs_.at(i, j)].moment_error;
        }
    }
    // Mass missing from the marginals could go to any pair.
    const double missing = (plan.rowwise().sum() - pairs_.a).lpNorm<1>() +
                           (plan.colwise().sum().transpose() - pairs_.b).lpNorm<1>() + 16.0 * rounding();
    vertex.moment_error += missing * largest_trace + 8.0 * double(d) * epsilon * vertex.moment.trace();
    return vertex;
}

void MixtureSearch::offer_mixture(const Vector& weights) {
    const Index d = pairs_.dimension();
    Vertex mixed{Matrix::Zero(pairs_.a.size(), pairs_.b.size()), Matrix::Zero(d, d), 0.0};
    for (Index k = 0; k < weights.size(); ++k) {
        const Vertex& vertex = vertices_[std::size_t(k)];
        mixed.plan += weights[k] * vertex.plan;
        mixed.moment += weights[k] * vertex.moment;
        mixed.moment_error += weights[k] * vertex.moment_error;
    }
    const double upper = gaussian::upper_bound(gauge_, mixed.moment, mixed.moment_error);
    if (!(upper < bracket().upper)) return;
    result_.certificate.upper = upper;
    result_.moment = std::move(mixed.moment);
    result_.plan = std::move(mixed.plan);
}

bool MixtureSearch::finished() {
    const double zero_level = bracket().lower <= 0.0 ? zero_level_ : 0.0;
    const std::optional<Status> end = ending(bracket(), result_.n_iter, {zero_level, options.tol, options.max_iter},
                                             {.interrupted = observer_.cancel.requested()});
    result_.status = end.value_or(result_.status);
    return end.has_value();
}

MixtureResult MixtureSearch::take_result() {
    result_.converged = is_converged(result_.status);
    const auto scaled = [unit = pairs_.unit()](auto& x) { x = unit * (unit * x); };
    scaled(result_.certificate.lower);
    scaled(result_.certificate.upper);
    result_.moment = pairs_.unit() * (pairs_.unit() * result_.moment).eval();
    result_.value = result_.certificate.upper;
    result_.seconds = seconds();
    return std::move(result_);
}

}  // namespace

double MixtureResult::distance() const {
    return std::sqrt(value);
}

MixtureResult solve_mixture(const GaussianMixture& mu, const GaussianMixture& nu, const Gauge& gauge,
                            const MixtureOptions& options, const Observer& observer) {
    if (!(options.tol > 0.0 && options.tol < 1.0)) throw_invalid("tol", "must lie in (0, 1)", to_text(options.tol));
    if (options.max_iter < 1) throw_invalid("max_iter", "must be at least 1", std::to_string(options.max_iter));
    const Pairs pairs = paired(mu, nu);
    const auto d = int(pairs.dimension());
    check_static(gauge, d);
    MixtureSearch search(pairs, gauge, options, observer);
    Master master(gauge, d);
    master.add(search.try_metric(gauge.active(Matrix::Identity(d, d))).moment);
    saddle::mix_vertices(search, master);
    return search.take_result();
}

}  // namespace spectralot
