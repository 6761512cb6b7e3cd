#include "gauge/composition.hpp"
#include "gauge/spectrum.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/gauge/gauges.hpp"

#include <cmath>

namespace spectralot {

namespace {

class SchattenModel final : public GaugeModel {
public:
    explicit SchattenModel(double p) : p_(p) {}

    double value(const Matrix& S) const override {
        if (p_ == 1.0) return S.trace();
        const detail::Spectrum s = detail::eigenvalues(S);
        return s.scale * detail::vector_norm(s.values, p_);
    }

    Matrix active(const Matrix& S) const override {
        if (!is_convex())
            throw_invalid("gauge", "needs p >= 1 for an active matrix (the gauge is not convex below)", repr());
        const Index d = S.rows();
        if (p_ == 1.0) return Matrix::Identity(d, d);
        const detail::Spectrum s = detail::spectrum(S);
        const double largest = s.values[0];
        // At S = 0 every element of K is active: the isotropic one.
        if (largest <= 0.0) return Matrix::Identity(d, d) * std::pow(static_cast<double>(d), 1.0 / p_ - 1.0);
        Vector q = Vector::Zero(d);
        if (std::isinf(p_)) {
            const Index ties = detail::tie_around(s.values, 0).last;
            q.head(ties).setConstant(1.0 / static_cast<double>(ties));
        } else {
            const double norm = detail::vector_norm(s.values, p_);
            for (Index i = 0; i < d; ++i) q[i] = std::pow(std::max(s.values[i], 0.0) / norm, p_ - 1.0);
        }
        return s.vectors * q.asDiagonal() * s.vectors.transpose();
    }

    bool is_monotone() const override { return true; }
    bool is_convex() const override { return p_ >= 1.0; }
    void check_dimension(int) const override {}
    std::string repr() const override { return "Schatten(" + detail::python_text(p_) + ")"; }

    ComparisonConstants comparison_constants(int d) const override {
        const double isotropic = std::pow(static_cast<double>(d), 1.0 / p_ - 1.0);
        return {std::min(isotropic, 1.0), std::max(isotropic, 1.0)};
    }

    std::optional<double> metric_level(const Matrix& Q) const override {
        if (!is_convex()) throw_invalid("gauge", "needs p >= 1 to be a support function", repr());
        const detail::Spectrum s = detail::eigenvalues(Q);
        return s.scale * detail::vector_norm(s.values.cwiseMax(0.0), detail::conjugate(p_));
    }

    std::optional<GaugeProgram> program(int d) const override {
        if (!is_convex()) return std::nullopt;
        if (p_ == 1.0 || d == 1) return detail::point_program(Matrix::Identity(d, d));
        // The operator norm is within a factor d^(1/p), and its K within that of p: the nearest program that a solver
        // can work with.
        constexpr double as_good_as_infinite = 1e7;
        if (p_ > as_good_as_infinite) return detail::leaf_program(d, {.kind = GaugeLeaf::Kind::KyFan, .k = 1});
        return detail::leaf_program(d, {.kind = GaugeLeaf::Kind::Schatten, .p = p_});
    }

    /// N* = ‖σ‖_q and B = ‖σ‖_q^{2-q} W diag(σ^{q-2}) Wᵀ, q = 2p/(2p-1).
    SelectorMap selector_map(const Vector& sigma, const Matrix& right) const override {
        if (p_ == 1.0) return {Matrix::Identity(right.rows(), right.rows()), detail::vector_norm(sigma, 2.0)};
        const double q = p_ == 0.5 ? infinity : std::isinf(p_) ? 1.0 : 2.0 * p_ / (2.0 * p_ - 1.0);
        const double norm = detail::vector_norm(sigma, q);
        Vector b(sigma.size());
        if (std::isinf(q)) {
            // The limit of the formula: the tied top singular directions share the velocity.
            const Index ties = detail::tie_around(sigma, 0).last;
            for (Index i = 0; i < b.size(); ++i)
                b[i] = i < ties ? sigma[0] / sigma[i] / static_cast<double>(ties) : 0.0;
        } else {
            // Ratios to the largest singular value: scale-free, and no overflow for large q.
            const double factor = std::pow(norm / sigma[0], 2.0 - q);
            for (Index i = 0; i < b.size(); ++i) b[i] = factor * std::pow(sigma[i] / sigma[0], q - 2.0);
        }
        return {right * b.asDiagonal() * right.transpose(), norm};
    }

    double velocity_norm(const Eigen::Ref<const Points>& velocity, const Vector& weights) const override {
        if (is_convex()) return GaugeModel::velocity_norm(velocity, weights);
        // λ^p with p < 1 magnifies the rounding of small eigenvalues; singular values are accurate.
        return detail::vector_norm(linalg::right_svd(velocity, weights).sigma, 2.0 * p_);
    }

private:
    double p_;
};

}  // namespace

Schatten::operator Gauge() const {
    if (!(p >= 0.5)) throw_invalid("p", "must be at least 1/2", to_text(p));
    return Gauge(std::make_shared<SchattenModel>(p));
}

}  // namespace spectralot
