#include "flow/velocity.hpp"

#include "flow/step_kernels.hpp"
#include "spectralot/linalg/tall_svd.hpp"

#include <algorithm>

namespace spectralot::flow {
namespace {

/// body(first, count) over blocks of rows that stay in the cache between two visits.
template <class Body>
void for_blocks(const Points& x, const Body& body) {
    const Index rows = std::max<Index>(64, 32768 / x.cols());
    for (Index first = 0; first < x.rows(); first += rows) body(first, std::min(rows, x.rows() - first));
}

/// Σ w_i <a_i, b_i> over some rows; equal weights make it one long product.
double inner_of_rows(const Points& a, const Points& b, const Vector& weights, bool equal, Index first, Index count) {
    const Index d = a.cols();
    const auto product = [&](Index row, Index rows) {
        return kernels::inner(a.data() + row * d, b.data() + row * d, static_cast<std::size_t>(rows * d));
    };
    if (equal) return weights[0] * product(first, count);
    double sum = 0.0;
    for (Index i = first; i < first + count; ++i) sum += weights[i] * product(i, 1);
    return sum;
}

}  // namespace

VelocityRule::VelocityRule(const Gauge& gauge, const FlowOptions& options, const Vector& weights)
    : gauge_(gauge), options_(options), weights_(weights), equal_(weights.minCoeff() == weights.maxCoeff()) {
    if (!equal_ || options.selector != Schedule::Exact)
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

bool is_finite(const Points& x) {
    return kernels::is_finite(x.data(), static_cast<std::size_t>(x.size()));
}

bool move(const Points& from, double h, const Points& by, Points& to) {
    to.resize(from.rows(), from.cols());
    return kernels::move(from.data(), h, by.data(), to.data(), static_cast<std::size_t>(from.size()));
}

double inner(const Points& a, const Points& b, const Vector& weights) {
    return inner_of_rows(a, b, weights, weights.minCoeff() == weights.maxCoeff(), 0, a.rows());
}

Vector normalised(const Vector& weights, Index n) {
    if (weights.size() == 0) return Vector::Constant(n, 1.0 / static_cast<double>(n));
    const Vector scaled = weights / weights.maxCoeff();
    return scaled / scaled.sum();
}

}  // namespace spectralot::flow
