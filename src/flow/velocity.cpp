#include "flow/velocity.hpp"

#include "flow/step_kernels.hpp"
#include "spectralot/linalg/tall_svd.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::flow {

VelocityRule::VelocityRule(const Gauge& gauge, const FlowOptions& options, const Vector& weights, Index d)
    : gauge_(gauge),
      options_(options),
      weights_(weights),
      equal_(weights.minCoeff() == weights.maxCoeff()),
      block_(std::max<Index>(64, 32768 / d), d) {
    if (!equal_ || options.selector != Schedule::Exact)
        row_weights_ = options.clock == Clock::Force ? weights : Vector(weights.cwiseAbs2());
}

Matrix VelocityRule::map(const Points& driving) const {
    if (options_.selector == Schedule::Exact)
        return gauge_.model().force_map(driving, row_weights_, -1.0).map.velocity_map;
    const Matrix S = linalg::gram(driving, row_weights_);
    const Matrix M = newton_schulz_map(S, options_.selector, options_.selector_iterations, options_.selector_bound);
    // Z = GM stands for UWᵀ, and <G, Z> for the nuclear norm; with a fixed bound the velocity is Z itself.
    return options_.selector_bound > 0.0 ? M : Matrix(S.cwiseProduct(M).sum() * M);
}

template <class Use>
void VelocityRule::for_blocks(const Points& driving, const Matrix& B, const Use& use) const {
    const Index n = driving.rows();
    for (Index first = 0; first < n; first += block_.rows()) {
        const Index count = std::min(block_.rows(), n - first);
        auto v = block_.topRows(count);
        linalg::apply_right(driving.middleRows(first, count), B, -1.0, v);
        if (options_.clock == Clock::Coordinate) v.array().colwise() *= weights_.segment(first, count).array();
        use(first, count, v.data());
    }
}

/// Σ w_i <a_i, b_i> over `count` rows, of which the first has the weight w_first.
double VelocityRule::weighted_inner(const double* a, const double* b, Index first, Index count) const {
    const Index d = block_.cols();
    if (equal_) return weights_[0] * kernels::inner(a, b, static_cast<std::size_t>(count * d));
    double sum = 0.0;
    for (Index i = 0; i < count; ++i)
        sum += weights_[first + i] * kernels::inner(a + i * d, b + i * d, static_cast<std::size_t>(d));
    return sum;
}

VelocityRule::Rates VelocityRule::rates(const Points& driving, const Matrix& B, const Points& force) const {
    Rates rates;
    double squares = 0.0;
    for_blocks(driving, B, [&](Index first, Index count, const double* v) {
        rates.dissipation -= weighted_inner(force.row(first).data(), v, first, count);
        rates.work -= weighted_inner(driving.row(first).data(), v, first, count);
        squares += kernels::inner(v, v, static_cast<std::size_t>(count * block_.cols()));
    });
    rates.speed = std::sqrt(squares);
    return rates;
}

double VelocityRule::move(const Points& from, double h, const Points& driving, const Matrix& B, const Points& force,
                          Points& to) const {
    to.resize(from.rows(), from.cols());
    double dissipation = 0.0;
    bool finite = true;
    for_blocks(driving, B, [&](Index first, Index count, const double* v) {
        dissipation -= weighted_inner(force.row(first).data(), v, first, count);
        const auto size = static_cast<std::size_t>(count * from.cols());
        finite = kernels::move(from.row(first).data(), h, v, to.row(first).data(), size) && finite;
    });
    return finite ? dissipation : std::nan("");
}

bool is_finite(const Points& x) {
    return kernels::is_finite(x.data(), static_cast<std::size_t>(x.size()));
}

double inner(const Points& a, const Points& b, const Vector& weights) {
    double sum = 0.0;
    for (Index i = 0; i < a.rows(); ++i) sum += weights[i] * a.row(i).dot(b.row(i));
    return sum;
}

}  // namespace spectralot::flow
