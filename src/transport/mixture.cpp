#include "spectralot/transport/mixture.hpp"

#include "gaussian/couple.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/saddle/master.hpp"
#include "transport/dense_transport.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace spectralot {

namespace {

Vector checked_weights(const GaussianMixture& mixture, const std::string& name) {
    const auto n = Index(mixture.components.size());
    if (n == 0) throw_invalid(name, "must have at least one component", "none");
    if (mixture.weights.size() == 0) return Vector::Constant(n, 1.0 / double(n));
    if (mixture.weights.size() != n)
        throw_invalid("weights of " + name, "must be one per component (" + std::to_string(n) + ")",
                      std::to_string(mixture.weights.size()));
    for (const double w : mixture.weights)
        if (!(w >= 0.0) || std::isinf(w))
            throw_invalid("weights of " + name, "must be finite and at least 0", to_text(w));
    const double largest = mixture.weights.maxCoeff();
    if (!(largest > 0.0)) throw_invalid("weights of " + name, "must have a positive sum", "0");
    const Vector scaled = mixture.weights / largest;
    return scaled / scaled.sum();
}

}  // namespace

double MixtureResult::distance() const {
    return std::sqrt(value);
}

MixtureResult solve_mixture(const GaussianMixture& mu, const GaussianMixture& nu, const Gauge& gauge,
                            const MixtureOptions& options, const Observer& observer) {
    const auto start = std::chrono::steady_clock::now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    const Vector a = checked_weights(mu, "the source"), b = checked_weights(nu, "the target");
    if (!(options.tol > 0.0 && options.tol < 1.0)) throw_invalid("tol", "must lie in (0, 1)", to_text(options.tol));
    if (options.max_iter < 1) throw_invalid("max_iter", "must be at least 1", std::to_string(options.max_iter));
    int exponent = std::numeric_limits<int>::min();
    for (const auto& source : mu.components)
        for (const auto& target : nu.components)
            exponent = std::max(exponent, gaussian::common_exponent(source, target));
    std::vector<gaussian::Pair> pairs;
    for (const auto& source : mu.components)
        for (const auto& target : nu.components) pairs.emplace_back(source, target, exponent);
    const Index d = pairs.front().dimension(), n = a.size(), m = b.size();
    check_static(gauge, int(d));

    constexpr double master_share = 0.1;  // the master closes this share of the gap: Q stays central
    const double largest_ratio = gauge.comparison_constants(int(d)).upper;
    double zero_level = 0.0;
    const double unit = std::ldexp(1.0, exponent);
    MixtureResult result;
    result.certificate = {.lower = 0.0, .upper = infinity};
    Master master(gauge, int(d));
    std::vector<Matrix> plans;
    std::vector<double> errors;
    const auto offer = [&](const Vector& weights) {
        Matrix moment = Matrix::Zero(d, d);
        double error = 0.0;
        for (Index k = 0; k < weights.size(); ++k) {
            moment += weights[k] * master.moments()[std::size_t(k)];
            error += weights[k] * errors[std::size_t(k)];
        }
        const double upper = gaussian::upper_bound(gauge, moment, error);
        if (!(upper < result.certificate.upper)) return;
        result.certificate.upper = upper;
        result.moment = moment;
        result.plan = Matrix::Zero(n, m);
        for (Index k = 0; k < weights.size(); ++k) result.plan += weights[k] * plans[std::size_t(k)];
    };

    Matrix Q = gauge.active(Matrix::Identity(d, d));
    while (result.n_iter < options.max_iter) {
        ++result.n_iter;
        std::vector<gaussian::Coupling> couplings;
        Matrix cost(n, m), proved(n, m);
        double largest_trace = 0.0;
        for (Index i = 0; i < n; ++i) {
            for (Index j = 0; j < m; ++j) {
                couplings.push_back(gaussian::couple(pairs[std::size_t(i * m + j)], 0.5 * (Q + Q.transpose())));
                cost(i, j) = couplings.back().cost;
                proved(i, j) = cost(i, j) - couplings.back().cost_error;
                largest_trace = std::max(largest_trace, couplings.back().moment.trace());
            }
        }
        // What rounding may leave of equal mixtures: the marginals' share of the largest cost.
        zero_level = std::max(zero_level, 32.0 * double(n + m + d) * epsilon * largest_ratio * largest_trace);
        const DenseTransport transport = dense_transport(cost, a, b);

        // Potentials made feasible for costs that are proved, whatever the solver left.
        const Vector column = (proved.colwise() - transport.row).colwise().minCoeff().transpose();
        const double spread = transport.row.cwiseAbs().maxCoeff() + column.cwiseAbs().maxCoeff();
        const double dual = a.dot(transport.row) + b.dot(column) - 16.0 * double(n + m) * epsilon * spread;
        const double level =
            (1.0 + gauge.membership_excess(couplings.front().metric)) * (1.0 + 64.0 * double(d) * epsilon);
        if (result.metric.size() == 0 || dual / level > result.certificate.lower) {
            result.certificate.lower = std::max(0.0, dual / level);
            result.metric = couplings.front().metric;
        }

        Matrix moment = Matrix::Zero(d, d);
        double error = 0.0;
        for (Index i = 0; i < n; ++i) {
            for (Index j = 0; j < m; ++j) {
                const double mass = transport.plan(i, j);
                if (mass == 0.0) continue;
                moment += mass * couplings[std::size_t(i * m + j)].moment;
                error += mass * couplings[std::size_t(i * m + j)].moment_error;
            }
        }
        // Mass missing from the marginals could go to any pair.
        const double missing = (transport.plan.rowwise().sum() - a).lpNorm<1>() +
                               (transport.plan.colwise().sum().transpose() - b).lpNorm<1>() +
                               16.0 * double(n + m) * epsilon;
        errors.push_back(error + missing * largest_trace + 8.0 * double(d) * epsilon * moment.trace());
        plans.push_back(transport.plan);
        master.add(moment);
        offer(Vector::Unit(Index(plans.size()), Index(plans.size()) - 1));

        const auto finished = [&] {
            if (result.certificate.upper <= zero_level && result.certificate.lower <= 0.0)
                result.status = Status::ZeroToRounding;
            else if (result.certificate.relative_gap() <= options.tol)
                result.status = Status::Solved;
            else if (observer.cancel.requested())
                result.status = Status::Interrupted;
            else
                return false;
            return true;
        };
        observer.report({result.n_iter, unit * (unit * result.certificate.lower),
                         unit * (unit * result.certificate.upper), seconds()});
        if (finished()) break;
        const MasterSolution saddle =
            master.solve(master_share * (result.certificate.upper - result.certificate.lower));
        offer(saddle.weights);
        Q = saddle.metric;
        if (finished()) break;
    }
    result.converged = result.status == Status::Solved || result.status == Status::ZeroToRounding;
    result.certificate.lower = unit * (unit * result.certificate.lower);
    result.certificate.upper = unit * (unit * result.certificate.upper);
    result.moment = unit * (unit * result.moment).eval();
    result.value = result.certificate.upper;
    result.seconds = seconds();
    return result;
}

}  // namespace spectralot
