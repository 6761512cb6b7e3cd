#include "gauge/spectrum.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/gauge/gauges.hpp"

#include <cmath>

namespace spectralot {

namespace {

class CustomModel final : public GaugeModel {
public:
    explicit CustomModel(CustomGauge functions) : functions_(std::move(functions)) {}

    double value(const Matrix& S) const override {
        const double value = functions_.value(S);
        if (std::isnan(value)) throw_invalid("value", "must return a number", to_text(value));
        if (value < -1e-9 * S.trace())
            throw_invalid("value", "must be non-negative, as squared costs are", to_text(value));
        return value;
    }

    Matrix active(const Matrix& S) const override {
        const Matrix Q = functions_.active(S);
        detail::check_symmetric(Q, "active(S)");
        if (Q.rows() != S.rows())
            throw_invalid("active(S)", "must have the size of S, " + std::to_string(S.rows()),
                          std::to_string(Q.rows()));
        const double expected = value(S), found = Q.cwiseProduct(S).sum();
        if (!(std::abs(found - expected) <= 1e-6 * std::abs(expected) + 1e-12 * Q.norm() * S.norm())) {
            throw_invalid("active(S)", "must maximise: tr(active(S) S) = value(S) = " + to_text(expected),
                          to_text(found));
        }
        return 0.5 * (Q + Q.transpose());
    }

    bool is_monotone() const override { return functions_.monotone; }
    void check_dimension(int) const override {}
    std::optional<GaugeProgram> program(int) const override { return std::nullopt; }
    std::string repr() const override {
        return std::string("CustomGauge(value, active, monotone=") + (functions_.monotone ? "True)" : "False)");
    }

    /// Bounds: any Q in K has λ_min(Q) ≤ c, and C ≤ γ(I) where γ is monotone. Otherwise C is only estimated.
    ComparisonConstants comparison_constants(int d) const override {
        const Matrix identity = Matrix::Identity(d, d);
        const detail::Spectrum s = detail::spectrum(active(identity));
        return {std::max(0.0, s.scale * s.values[d - 1]), functions_.monotone ? value(identity) : largest_value(d)};
    }

private:
    /// d times the largest γ(uuᵀ) over u = e_i and (e_i ± e_j)/√2.
    [[nodiscard]] double largest_value(int d) const {
        double largest = 0.0;
        for (int i = 0; i < d; ++i) {
            for (int j = i; j < d; ++j) {
                for (const double sign : {1.0, -1.0}) {
                    const Vector u = Vector::Unit(d, i) + sign * (i == j ? 0.0 : 1.0) * Vector::Unit(d, j);
                    largest = std::max(largest, value(u * u.transpose() / u.squaredNorm()));
                }
            }
        }
        return d * largest;
    }

    CustomGauge functions_;
};

}  // namespace

CustomGauge::operator Gauge() const {
    if (!value) throw_invalid("value", "must be a function of S", "nothing");
    if (!active) throw_invalid("active", "must be a function of S", "nothing");
    return Gauge(std::make_shared<CustomModel>(*this));
}

}  // namespace spectralot
