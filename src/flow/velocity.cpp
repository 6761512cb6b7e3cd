#include "flow/velocity.hpp"

#include "spectralot/linalg/tall_svd.hpp"

namespace spectralot::flow {
VelocityRule::VelocityRule(const Gauge& gauge, const FlowOptions& options, const Vector& weights)
    : gauge_(gauge), options_(options), weights_(weights) {
    row_weights_ = options.clock == Clock::Force ? weights : Vector(weights.cwiseAbs2());
}

Matrix VelocityRule::velocity_map(const Points& force) const {
    if (options_.selector == Schedule::Exact)
        return gauge_.model().force_map(force, row_weights_, -1.0).map.velocity_map;
    const Matrix S = linalg::gram(force, row_weights_);
    const Matrix M = newton_schulz_map(S, options_.selector, options_.selector_iterations, options_.selector_bound);
    // Z = GM stands for UWᵀ, and <G, Z> for the nuclear norm; with a fixed bound the velocity is Z itself.
    return options_.selector_bound > 0.0 ? M : Matrix(S.cwiseProduct(M).sum() * M);
}

void VelocityRule::apply(const Points& force, Points& velocity) const {
    velocity.resize(force.rows(), force.cols());
    linalg::apply_right(force, velocity_map(force), -1.0, velocity);
    if (options_.clock == Clock::Coordinate) velocity.array().colwise() *= weights_.array();
}

double inner(const Points& a, const Points& b, const Vector& weights) {
    double sum = 0.0;
    for (Index i = 0; i < a.rows(); ++i) sum += weights[i] * a.row(i).dot(b.row(i));
    return sum;
}

Vector normalised(const Vector& weights, Index n) {
    if (weights.size() == 0) return Vector::Constant(n, 1.0 / static_cast<double>(n));
    const Vector scaled = weights / weights.maxCoeff();
    return scaled / scaled.sum();
}

}  // namespace spectralot::flow
