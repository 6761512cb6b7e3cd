#include "spectralot/gauge/gauge.hpp"

#include "gauge/metric_search.hpp"
#include "gauge/spectrum.hpp"
#include "spectralot/core/errors.hpp"

#include <cmath>

namespace spectralot {

namespace {

int checked_dimension(const Matrix& S, const std::string& argument, const GaugeModel& model) {
    detail::check_symmetric(S, argument);
    const int d = static_cast<int>(S.rows());
    model.check_dimension(d);
    return d;
}

}  // namespace

double GaugeModel::membership_excess(const Matrix& metric) const {
    if (const auto level = metric_level(metric)) return std::max(0.0, *level - 1.0);
    if (const auto K = program(static_cast<int>(metric.rows()))) return detail::projection_excess(*this, *K, metric);
    return detail::necessary_excess(*this, metric);
}

GaugeModel::SelectorMap GaugeModel::selector_map(const Vector& sigma, const Matrix& right) const {
    return detail::search_selector_map(*this, sigma, right);
}

GaugeModel::ForceMap GaugeModel::force_map(const Eigen::Ref<const Points>& force, const Vector& weights,
                                           double rtol) const {
    const linalg::RightSvd svd = linalg::right_svd(force, weights, rtol);
    const Index d = force.cols();
    if (svd.sigma.size() == 0) return {{Matrix::Zero(d, d), 0.0}, 0, svd.path};
    return {selector_map(svd.sigma, svd.right), static_cast<int>(svd.sigma.size()), svd.path};
}

double GaugeModel::velocity_norm(const Eigen::Ref<const Points>& velocity, const Vector& weights) const {
    return std::sqrt(value(linalg::gram(velocity, weights)));
}

double Gauge::value(const Matrix& moment) const {
    checked_dimension(moment, "moment", *model_);
    return model_->value(moment);
}

Matrix Gauge::active(const Matrix& moment) const {
    checked_dimension(moment, "moment", *model_);
    return model_->active(moment);
}

double Gauge::membership_excess(const Matrix& metric) const {
    checked_dimension(metric, "metric", *model_);
    return model_->membership_excess(metric);
}

ComparisonConstants Gauge::comparison_constants(int d) const {
    if (d < 1) throw_invalid("d", "must be at least 1", std::to_string(d));
    model_->check_dimension(d);
    return model_->comparison_constants(d);
}

void check_static(const Gauge& gauge, int d) {
    gauge.check_dimension(d);
    if (!gauge.is_convex())
        throw_invalid("gauge",
                      "must be convex for a static problem (for 1/2 <= p < 1 it is a concave-like problem "
                      "without max-min: norms and selectors only)",
                      gauge.repr());
}

}  // namespace spectralot
