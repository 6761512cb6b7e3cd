#include "gauge/composition.hpp"
#include "gauge/spectrum.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/gauge/gauges.hpp"

#include <cmath>

namespace spectralot {

namespace {

class EntrywiseModel final : public GaugeModel {
public:
    explicit EntrywiseModel(double M) : M_(M) {}

    double value(const Matrix& S) const override {
        const double diagonal = S.diagonal().cwiseAbs().sum();
        return S.trace() + 0.5 * M_ * (S.cwiseAbs().sum() - diagonal);
    }

    /// I + (M/2)·(signs of S_ij off the diagonal, 0 where S_ij = 0).
    Matrix active(const Matrix& S) const override {
        Matrix Q = 0.5 * M_ * S.cwiseSign();
        Q.diagonal().setOnes();
        return Q;
    }

    bool is_monotone() const override { return false; }
    void check_dimension(int) const override {}
    std::string repr() const override { return "Entrywise(" + detail::python_text(M_) + ")"; }

    /// C is reached where all entries are 1/d.
    ComparisonConstants comparison_constants(int d) const override {
        return {1.0, 1.0 + 0.5 * M_ * static_cast<double>(d - 1)};
    }

    /// (1+ε)K, up to a smaller diagonal, which only lowers tr(QS).
    std::optional<double> metric_level(const Matrix& Q) const override {
        Matrix outside = Q.cwiseAbs();
        outside.diagonal().setZero();
        const double largest = outside.maxCoeff();
        const double level = largest == 0.0 ? 0.0 : 2.0 * largest / M_;
        return std::max({0.0, level, Q.diagonal().maxCoeff()});
    }

    std::optional<GaugeProgram> program(int d) const override {
        GaugeProgram program = detail::point_program(Matrix::Identity(d, d));
        if (M_ == 0.0) return program;
        Matrix point(2, 2);
        point << 0.0, 0.5 * M_, 0.5 * M_, 0.0;
        for (int i = 0; i < d; ++i)
            for (int j = i + 1; j < d; ++j) {
                const int first = detail::open_maximum(program, 2, 1.0, 0);
                detail::append(program, detail::point_program(point), {i, j}, 1.0, first);
                detail::append(program, detail::point_program(-point), {i, j}, 1.0, first + 1);
            }
        return program;
    }

    SelectorMap selector_map(const Vector&, const Matrix&) const override {
        throw_invalid("gauge", "must be monotone to have a selector", repr());
    }

private:
    double M_;
};

}  // namespace

Entrywise::operator Gauge() const {
    if (!(M >= 0.0) || std::isinf(M)) throw_invalid("M", "must be non-negative and finite", to_text(M));
    return Gauge(std::make_shared<EntrywiseModel>(M));
}

}  // namespace spectralot
