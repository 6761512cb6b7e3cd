#include "spectralot/transport/interpolate.hpp"

#include "core/compensated_sum.hpp"
#include "spectralot/core/errors.hpp"
#include "transport/assignment.hpp"

#include <cmath>

namespace spectralot {

namespace {

void check_plan(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const SparsePlan& plan) {
    if (plan.n_rows != mu.size() || plan.n_cols != nu.size()) {
        throw_invalid("plan", "must be " + std::to_string(mu.size()) + "x" + std::to_string(nu.size()),
                      std::to_string(plan.n_rows) + "x" + std::to_string(plan.n_cols));
    }
}

double total_weight(const DiscreteMeasure& measure) {
    CompensatedSum total;
    for (Index i = 0; i < measure.weights.size(); ++i) total.add(measure.weights(i));
    return measure.weights.size() ? total.value() : double(measure.size());
}

double weight(const DiscreteMeasure& measure, Index i) {
    return measure.weights.size() ? measure.weights(i) : 1.0;
}

/// ∂/∂(unnormalised weights): the potential minus its mean, per unit of total mass.
Vector weight_gradient(const DiscreteMeasure& measure, const Vector& potential) {
    const double total = total_weight(measure);
    CompensatedSum mean;
    for (Index i = 0; i < potential.size(); ++i) mean.add(weight(measure, i) / total * potential(i));
    return (potential.array() - mean.value()) / total;
}

}  // namespace

DiscreteMeasure geodesic(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge,
                         const SparsePlan& plan, double t) {
    check_plan(mu, nu, plan);
    if (!(t >= 0.0 && t <= 1.0)) throw_invalid("t", "must lie in [0, 1]", to_text(t));
    if (!gauge.is_monotone())
        throw_invalid("gauge", "geodesics need a monotone gauge (there is no metric otherwise)", gauge.repr());
    const auto size = Index(plan.size());
    DiscreteMeasure at_t{.points = Points(size, mu.dimension()), .weights = Vector(size)};
    for (Index k = 0; k < size; ++k) {
        const auto s = std::size_t(k);
        at_t.points.row(k) = (1.0 - t) * mu.points.row(plan.row[s]) + t * nu.points.row(plan.col[s]);
        at_t.weights(k) = plan.mass[s];
    }
    return at_t;
}

Points barycentric_map(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const SparsePlan& plan) {
    check_plan(mu, nu, plan);
    Points image = Points::Zero(mu.size(), mu.dimension());
    Vector mass = Vector::Zero(mu.size());
    for (std::size_t k = 0; k < plan.size(); ++k) {
        image.row(plan.row[k]) += plan.mass[k] * nu.points.row(plan.col[k]);
        mass(plan.row[k]) += plan.mass[k];
    }
    for (Index i = 0; i < mu.size(); ++i) {
        if (mass(i) > 0.0)
            image.row(i) /= mass(i);
        else
            image.row(i) = mu.points.row(i);
    }
    return image;
}

Matching matching(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge, const SparsePlan& plan,
                  const CancelToken& cancel) {
    check_plan(mu, nu, plan);
    if (mu.size() != nu.size()) {
        throw_invalid("plan", "a matching needs as many points on both sides",
                      std::to_string(mu.size()) + " and " + std::to_string(nu.size()));
    }
    for (const DiscreteMeasure* measure : {&mu, &nu}) {
        if (measure->weights.size() &&
            measure->weights.maxCoeff() - measure->weights.minCoeff() > 1e-9 * measure->weights.maxCoeff()) {
            throw_invalid("plan", "a matching needs equal weights",
                          "weights between " + to_text(measure->weights.minCoeff()) + " and " +
                              to_text(measure->weights.maxCoeff()));
        }
    }
    Matching result;
    result.target = heaviest_permutation(plan, cancel);
    if (cancel.requested()) return {};
    if (result.target.empty())
        throw_invalid("plan", "must have the marginals of the two measures",
                      "a plan whose support holds no permutation");
    SparsePlan permutation{.n_rows = plan.n_rows, .n_cols = plan.n_cols, .row = {}, .col = result.target, .mass = {}};
    for (Index i = 0; i < mu.size(); ++i) permutation.row.push_back(int(i));
    permutation.mass.assign(result.target.size(), 1.0 / double(mu.size()));
    result.cost = gauge.value(second_moment(permutation, mu.points, nu.points));
    return result;
}

EnvelopeGradient gradient(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const TransportResult& result) {
    check_plan(mu, nu, result.plan);
    EnvelopeGradient g;
    g.points_a = Points::Zero(mu.size(), mu.dimension());
    g.points_b = Points::Zero(nu.size(), nu.dimension());
    for (std::size_t k = 0; k < result.plan.size(); ++k) {
        const Index i = result.plan.row[k], j = result.plan.col[k];
        const Eigen::RowVectorXd pull =
            2.0 * result.plan.mass[k] * (mu.points.row(i) - nu.points.row(j)) * result.metric;
        g.points_a.row(i) += pull;
        g.points_b.row(j) -= pull;
    }
    g.weights_a = weight_gradient(mu, result.potentials.a);
    g.weights_b = weight_gradient(nu, result.potentials.b);
    return g;
}

int count_split_rows(const DiscreteMeasure& mu, const SparsePlan& plan) {
    Vector largest = Vector::Zero(mu.size());
    for (std::size_t k = 0; k < plan.size(); ++k) largest(plan.row[k]) = std::max(largest(plan.row[k]), plan.mass[k]);
    const double total = total_weight(mu);
    int split = 0;
    for (Index i = 0; i < mu.size(); ++i) split += largest(i) < (1.0 - 1e-9) * weight(mu, i) / total;
    return split;
}

}  // namespace spectralot
