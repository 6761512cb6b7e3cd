#include "gaussian/couple.hpp"

#include "gaussian/polar.hpp"
#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"
#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::gaussian {

using linalg::product;

void check_components(const std::vector<Gaussian>& components, Index d, const std::string& side) {
    if (components.empty()) throw_invalid("means" + side, "must not be empty", "none");
    for (std::size_t i = 0; i < components.size(); ++i) {
        const std::string place = side + "[" + std::to_string(i) + "]", mean = "means" + place;
        check_gaussian(components[i], mean, "covariances" + place);
        if (components[i].dimension() != d)
            throw_invalid(mean, "must have the dimension of the first component, " + std::to_string(d),
                          std::to_string(components[i].dimension()));
    }
}

int common_exponent(const Gaussian& mu, const Gaussian& nu) {
    const Index d = mu.dimension();
    const auto check_mean = [](const Vector& mean, const std::string& name) {
        if (mean.size() == 0) throw_invalid(name, "must not be empty", "no entries");
        if (!mean.allFinite()) throw_invalid(name, "must be finite", "NaN or infinity");
    };
    check_mean(mu.mean, "m0");
    check_mean(nu.mean, "m1");
    if (nu.dimension() != d)
        throw_invalid("m1", "must have the dimension of m0, " + std::to_string(d), std::to_string(nu.dimension()));
    const double size = std::max({(0.5 * nu.mean - 0.5 * mu.mean).cwiseAbs().maxCoeff(),
                                  std::sqrt(symmetric_part(mu.covariance, d, "S0").cwiseAbs().maxCoeff()),
                                  std::sqrt(symmetric_part(nu.covariance, d, "S1").cwiseAbs().maxCoeff())});
    return size > 0.0 ? std::ilogb(size) : 0;
}

Pair::Pair(const Gaussian& mu, const Gaussian& nu) : Pair(mu, nu, common_exponent(mu, nu)) {}

Pair::Pair(const Gaussian& mu, const Gaussian& nu, int exponent) : unit(std::ldexp(1.0, exponent)) {
    const Index d = mu.dimension();
    const double scale = std::ldexp(1.0, -exponent);  // applied twice: its square may overflow
    shift = scale * nu.mean - scale * mu.mean;
    source = factor(scale * (scale * symmetric_part(mu.covariance, d, "S0")), "S0");
    target = factor(scale * (scale * symmetric_part(nu.covariance, d, "S1")), "S1");
}

void set_moment(const Pair& pair, Coupling& coupling) {
    const Matrix &F0 = pair.source.root, &F1 = pair.target.root;
    const auto d = double(pair.dimension());
    // On the smaller space CCᵀ = U c² Uᵀ, so Y-X - δ is a linear image of two independent standard Gaussians, the
    // second for what C splits.
    const bool wide = F1.cols() >= F0.cols();
    const Matrix seen0 = product(F0, coupling.U), seen1 = product(F1, coupling.V);
    const auto& c = coupling.c.asDiagonal();
    const Matrix difference = wide ? Matrix(F1 - product(seen0 * c, coupling.V.transpose()))
                                   : Matrix(F0 - product(seen1 * c, coupling.U.transpose()));
    coupling.moment = product(difference, difference.transpose()) + pair.shift * pair.shift.transpose();
    if (coupling.smoothing > 0.0) {
        const Matrix& seen = wide ? seen0 : seen1;
        coupling.moment += product(seen * coupling.split.asDiagonal(), seen.transpose());
    }
    coupling.moment = coupling.moment.selfadjointView<Eigen::Lower>();

    const double step = difference.norm(), size = coupling.moment.trace();
    const double difference_error = 8.0 * d * epsilon * (F0.norm() + F1.norm()) + pair.source.error + pair.target.error;
    coupling.moment_error =
        2.0 * step * difference_error + difference_error * difference_error + 8.0 * d * epsilon * size;
}

Coupling couple(const Pair& pair, const Matrix& metric, double smoothing) {
    const Matrix &F0 = pair.source.root, &F1 = pair.target.root;
    const auto d = double(pair.dimension());
    const Matrix G = product(F0.transpose(), product(metric, F1));
    Polar factors = polar(G);
    Coupling result;
    result.metric = metric;
    result.U = std::move(factors.U);
    result.V = std::move(factors.V);
    result.s = std::move(factors.s);
    result.smoothing = smoothing;
    result.c = Vector::Ones(result.s.size());
    result.split = Vector::Zero(result.s.size());
    if (smoothing > 0.0) {
        for (Index i = 0; i < result.s.size(); ++i) {
            const double sum = smoothing + std::hypot(smoothing, 2.0 * result.s[i]);
            result.c[i] = 2.0 * result.s[i] / sum;
            result.split[i] = 2.0 * smoothing / sum;
        }
    }
    set_moment(pair, result);
    const double mean_cost = metric.cwiseProduct(result.moment).sum();
    const Vector missing = result.s.array() * result.split.array() / (1.0 + result.c.array());  // s(1-c)
    result.cost = mean_cost - 2.0 * missing.sum();
    result.smooth_cost = mean_cost;
    if (smoothing > 0.0) result.smooth_cost -= smoothing * result.split.array().log().sum();

    // For the exact G' = U diag(s) Vᵀ - Δ, ‖Δ‖_F ≤ η, and any τ > 0: W = U max(s,τ) Uᵀ gives
    // ‖G'‖_* - <C,G'> ≤ ½tr(W⁻¹G'G'ᵀ + W) - <C,G'> ≤ η²/2τ + Σ_{s<τ} (τ-s)²/2τ.
    const double q = metric.norm(), f0 = F0.norm(), f1 = F1.norm();
    const double eta = factors.residual + q * (32.0 * d * epsilon * f0 * f1 + pair.source.error * f1 +
                                               pair.target.error * f0 + pair.source.error * pair.target.error);
    double polar_error = 0.0;
    if (result.s.size() > 0 && eta > 0.0) {
        polar_error = infinity;
        for (const double tau : {result.s.minCoeff(), eta, 16.0 * eta}) {
            if (!(tau > 0.0)) continue;
            double error = eta * (eta / (2.0 * tau));
            for (const double s : result.s)
                if (s < tau) error += (tau - s) * (tau - s) / (2.0 * tau);
            polar_error = std::min(polar_error, error);
        }
    }
    if (smoothing > 0.0) polar_error += std::sqrt(double(result.s.size())) * eta;
    result.cost_error = q * result.moment_error + 2.0 * polar_error + 4.0 * d * epsilon * q * result.moment.norm();
    return result;
}

Coupling with_contraction(const Pair& pair, Coupling coupling, const Matrix& C) {
    const Eigen::JacobiSVD<Matrix> svd(C, Eigen::ComputeThinU | Eigen::ComputeThinV);
    coupling.U = svd.matrixU();
    coupling.V = svd.matrixV();
    coupling.c = svd.singularValues().cwiseMin(1.0);
    coupling.split = 1.0 - coupling.c.array().square();
    set_moment(pair, coupling);
    // Here 1-c² has the absolute accuracy of c.
    const double spread = std::min(pair.source.root.squaredNorm(), pair.target.root.squaredNorm());
    coupling.moment_error += 8.0 * double(pair.dimension()) * epsilon * spread;
    return coupling;
}

Matrix cross_covariance(const Pair& pair, const Coupling& coupling) {
    return product(product(pair.source.root, coupling.U) * coupling.c.asDiagonal(),
                   product(pair.target.root, coupling.V).transpose());
}

double upper_bound(const Gauge& gauge, const Matrix& moment, double moment_error) {
    const auto d = double(moment.rows());
    const double value = gauge.value(moment);
    return value + 16.0 * d * epsilon * std::abs(value) + gauge.comparison_constants(int(d)).upper * moment_error;
}

double lower_bound(const Coupling& coupling, double level) {
    const auto d = double(coupling.moment.rows());
    const double cost = (coupling.cost - coupling.cost_error) / (level * (1.0 + 64.0 * d * epsilon));
    return std::max(cost, 0.0);
}

}  // namespace spectralot::gaussian
