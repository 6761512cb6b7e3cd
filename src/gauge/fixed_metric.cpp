#include "spectralot/gauge/fixed_metric.hpp"

#include "gauge/spectrum.hpp"
#include "linalg/decompositions.hpp"
#include "spectralot/core/errors.hpp"

namespace spectralot {

namespace {

class FixedMetricModel final : public GaugeModel {
public:
    explicit FixedMetricModel(Matrix metric)
        : metric_(std::move(metric)), eigenvalues_(Solver(metric_, Eigen::EigenvaluesOnly).eigenvalues()) {}

    double value(const Matrix& moment) const override { return metric_.cwiseProduct(moment).sum(); }
    Matrix active(const Matrix&) const override { return metric_; }
    bool is_monotone() const override { return eigenvalues_.minCoeff() >= 0.0; }
    std::string repr() const override { return "FixedMetric(" + detail::python_text(metric_) + ")"; }
    std::optional<GaugeProgram> program(int) const override { return std::nullopt; }
    double membership_excess(const Matrix& metric) const override { return metric == metric_ ? 0.0 : infinity; }

    ComparisonConstants comparison_constants(int) const override {
        return {eigenvalues_.minCoeff(), eigenvalues_.maxCoeff()};
    }

    void check_dimension(int d) const override {
        if (d != metric_.rows())
            throw_invalid("metric", "must be " + std::to_string(d) + "x" + std::to_string(d),
                          std::to_string(metric_.rows()) + " rows");
    }

    SelectorMap selector_map(const Vector&, const Matrix&) const override {
        throw_invalid("gauge", "must come from a positive definite metric to have a selector", "FixedMetric");
    }

private:
    using Solver = Eigen::SelfAdjointEigenSolver<Matrix>;
    Matrix metric_;
    Vector eigenvalues_;
};

}  // namespace

FixedMetric::operator Gauge() const {
    detail::check_symmetric(Q, "metric");
    return Gauge(std::make_shared<FixedMetricModel>(0.5 * (Q + Q.transpose())));
}

}  // namespace spectralot
