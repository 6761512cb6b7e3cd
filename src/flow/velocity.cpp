#include "flow/velocity.hpp"

#include "spectralot/linalg/tall_svd.hpp"

#include <algorithm>

namespace spectralot::flow {
namespace {

/// body(first, count) over blocks of rows that stay in the cache between two visits.
template <class Body>
void for_blocks(const Points& x, const Body& body) {
    const Index rows = std::max<Index>(64, 65536 / x.cols());
    for (Index first = 0; first < x.rows(); first += rows) body(first, std::min(rows, x.rows() - first));
}

}  // namespace

VelocityRule::VelocityRule(const Gauge& gauge, const FlowOptions& options, const Vector& weights)
    : gauge_(gauge), options_(options), weights_(weights) {
    const bool equal = options.selector == Schedule::Exact && weights.minCoeff() == weights.maxCoeff();
    if (!equal) row_weights_ = options.clock == Clock::Force ? weights : Vector(weights.cwiseAbs2());
}

Matrix VelocityRule::velocity_map(const Points& force) const {
    if (options_.selector == Schedule::Exact)
        return gauge_.model().force_map(force, row_weights_, -1.0).map.velocity_map;
    const Matrix S = linalg::gram(force, row_weights_);
    const Matrix M = newton_schulz_map(S, options_.selector, options_.selector_iterations, options_.selector_bound);
    // Z = GM stands for UWᵀ, and <G, Z> for the nuclear norm; with a fixed bound the velocity is Z itself.
    return options_.selector_bound > 0.0 ? M : Matrix(S.cwiseProduct(M).sum() * M);
}

double VelocityRule::apply(const Points& driving, const Points& force, Points& velocity) const {
    const Matrix B = velocity_map(driving);
    velocity.resize(driving.rows(), driving.cols());
    double dissipation = 0.0;
    for_blocks(driving, [&](Index first, Index count) {
        auto block = velocity.middleRows(first, count);
        linalg::apply_right(driving.middleRows(first, count), B, -1.0, block);
        if (options_.clock == Clock::Coordinate) block.array().colwise() *= weights_.segment(first, count).array();
        for (Index i = first; i < first + count; ++i) dissipation -= weights_[i] * force.row(i).dot(velocity.row(i));
    });
    return dissipation;
}

bool is_finite(const Eigen::Ref<const Points>& x) {
    return (x.array() * 0.0).sum() == 0.0;  // one wide pass; NaN and infinity times zero are NaN
}

bool move(const Points& from, double h, const Points& by, Points& to) {
    to.resize(from.rows(), from.cols());
    bool finite = true;
    for_blocks(from, [&](Index first, Index count) {
        to.middleRows(first, count) = from.middleRows(first, count) + h * by.middleRows(first, count);
        finite = finite && is_finite(to.middleRows(first, count));
    });
    return finite;
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
