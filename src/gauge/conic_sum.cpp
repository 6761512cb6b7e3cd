#include "gauge/composition.hpp"
#include "gauge/spectrum.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/gauge/gauges.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot {

namespace {

class ConicSumModel final : public GaugeModel {
public:
    ConicSumModel(std::vector<Gauge> gauges, std::vector<double> weights)
        : gauges_(std::move(gauges)), weights_(std::move(weights)) {}

    double value(const Matrix& S) const override {
        double sum = 0.0;
        for (size_t k = 0; k < gauges_.size(); ++k) sum += weights_[k] * gauges_[k].model().value(S);
        return sum;
    }

    Matrix active(const Matrix& S) const override {
        Matrix Q = Matrix::Zero(S.rows(), S.cols());
        for (size_t k = 0; k < gauges_.size(); ++k) Q += weights_[k] * gauges_[k].model().active(S);
        return Q;
    }

    bool is_monotone() const override { return std::ranges::all_of(gauges_, &Gauge::is_monotone); }
    bool is_convex() const override { return std::ranges::all_of(gauges_, &Gauge::is_convex); }

    void check_dimension(int d) const override {
        for (const Gauge& gauge : gauges_) gauge.check_dimension(d);
    }

    std::string repr() const override {
        std::string text = "ConicSum([";
        for (size_t k = 0; k < gauges_.size(); ++k) text += (k ? ", " : "") + gauges_[k].repr();
        text += "], [";
        for (size_t k = 0; k < weights_.size(); ++k) text += (k ? ", " : "") + detail::python_text(weights_[k]);
        return text + "])";
    }

    /// Σ c_k·(constants of γ_k): exact for spectral gauges (extreme together, at rank one and at the isotropic
    /// matrix), bounds otherwise.
    ComparisonConstants comparison_constants(int d) const override {
        ComparisonConstants sum;
        for (size_t k = 0; k < gauges_.size(); ++k) {
            const auto [lower, upper] = gauges_[k].model().comparison_constants(d);
            sum.lower += weights_[k] * lower;
            sum.upper += weights_[k] * upper;
        }
        return sum;
    }

    /// One member: a multiple of its K.
    std::optional<double> metric_level(const Matrix& Q) const override {
        if (gauges_.size() > 1) return std::nullopt;
        return gauges_.front().model().metric_level(Q / weights_.front());
    }

    std::optional<GaugeProgram> program(int d) const override {
        GaugeProgram program{.dimension = d};
        for (size_t k = 0; k < gauges_.size(); ++k) {
            const auto member = gauges_[k].program(d);
            if (!member) return std::nullopt;
            detail::append(program, *member, detail::all_coordinates(d), weights_[k], 0);
        }
        return program;
    }

    SelectorMap selector_map(const Vector& sigma, const Matrix& right) const override {
        if (!is_convex())
            throw_invalid("gauge", "needs convex members (Schatten p >= 1) for the selector of a sum", repr());
        if (gauges_.size() > 1) return GaugeModel::selector_map(sigma, right);
        // cγ: N* is divided by √c, the selector by c.
        SelectorMap map = gauges_.front().model().selector_map(sigma, right);
        map.velocity_map /= weights_.front();
        map.dual_norm /= std::sqrt(weights_.front());
        return map;
    }

    double velocity_norm(const Eigen::Ref<const Points>& velocity, const Vector& weights) const override {
        Vector norms(static_cast<Index>(gauges_.size()));
        for (size_t k = 0; k < gauges_.size(); ++k)
            norms[static_cast<Index>(k)] = std::sqrt(weights_[k]) * gauges_[k].model().velocity_norm(velocity, weights);
        return detail::vector_norm(norms, 2.0);
    }

private:
    std::vector<Gauge> gauges_;
    std::vector<double> weights_;
};

}  // namespace

ConicSum::operator Gauge() const {
    if (gauges.empty()) throw_invalid("gauges", "must not be empty", "none");
    if (gauges.size() != weights.size())
        throw_invalid("weights", "must be one per gauge, " + std::to_string(gauges.size()),
                      std::to_string(weights.size()));
    for (const double c : weights)
        if (!(c > 0.0) || std::isinf(c)) throw_invalid("weights", "must be positive and finite", to_text(c));
    return Gauge(std::make_shared<ConicSumModel>(gauges, weights));
}

}  // namespace spectralot
