#include "spectralot/flow/mmd.hpp"

#include "core/compensated_sum.hpp"
#include "flow/mmd_kernels.hpp"
#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace spectralot::flow {
namespace {

using kernels::padding;

/// Points times 2^-exponent and their weights, in the layout of the kernels.
class Packed {
public:
    Packed(const Points& points, const Vector& weights, int exponent)
        : n_(static_cast<std::size_t>(points.rows())), d_(static_cast<std::size_t>(points.cols())) {
        data_.assign((d_ + 1) * stride(), 0.0);
        const double scale = std::ldexp(1.0, -exponent / 2), rest = std::ldexp(1.0, -exponent + exponent / 2);
        for (std::size_t i = 0; i < n_; ++i) {
            const double* point = points.data() + i * d_;
            for (std::size_t c = 0; c < d_; ++c) data_[c * stride() + i] = point[c] * scale * rest;
            data_[d_ * stride() + i] = weights[static_cast<Index>(i)];
        }
    }
    std::size_t stride() const { return n_ + padding; }
    kernels::Cloud view() const { return {data_.data(), data_.data() + d_ * stride(), n_, stride()}; }

private:
    std::size_t n_, d_;
    std::vector<double> data_;
};

/// 2^-exponent brings the largest coordinate to [1, 2), so that no square leaves the range of double.
int exponent_of(double largest) {
    return std::isfinite(largest) ? std::ilogb(largest) : 0;
}

double scaled_eps_squared(double eps, int exponent) {
    const double scaled = std::max(std::ldexp(eps, -exponent), 1e-150);
    return scaled * scaled;
}

/// ΣΣ a a d_ε over all ordered pairs, given the potentials of `subtract_self`.
void add_self_energy(CompensatedSum& energy, double sign, const kernels::Cloud& x, const double* potential,
                     const double* error, double eps_squared) {
    const double eps = std::sqrt(eps_squared);
    for (std::size_t i = 0; i < x.n; ++i) {
        const double weight = x.weights[i];
        energy.add(sign * 2.0 * weight * potential[i]);
        energy.add(sign * weight * (2.0 * error[i] + weight * eps));
    }
}

}  // namespace

Mmd::Mmd(const DiscreteMeasure& target, const MmdOptions& options) : target_(target.points), eps_(options.eps) {
    check_measure(target, "target", "weights");
    if (!(eps_ > 0.0) || std::isinf(eps_)) throw_invalid("eps", "positive and finite", to_text(eps_));
    weights_ = target.weights.size() ? Vector(target.weights / target.weights.maxCoeff()) : Vector::Ones(target.size());
    weights_ /= weights_.sum();
    largest_ = std::max(target_.cwiseAbs().maxCoeff(), eps_);
    self_exponent_ = exponent_of(largest_);

    const Packed y(target_, weights_, self_exponent_);
    const std::size_t d = static_cast<std::size_t>(target_.cols());
    std::vector<double> force(d * y.stride()), potential(y.stride()), error(y.stride());
    const double eps_squared = scaled_eps_squared(eps_, self_exponent_);
    kernels::subtract_self(y.view(), d, eps_squared, {force.data(), potential.data(), error.data()});
    CompensatedSum energy;
    add_self_energy(energy, 1.0, y.view(), potential.data(), error.data(), eps_squared);
    self_energy_ = energy.value();
    energy.add(-self_energy_);
    self_error_ = energy.value();
}

double Mmd::energy(const Points& x, const Vector& weights) const {
    return evaluate(x, weights, true, nullptr);
}

void Mmd::force(const Points& x, const Vector& weights, Points& out) const {
    evaluate(x, weights, false, &out);
}

double Mmd::energy_and_force(const Points& x, const Vector& weights, Points& out) const {
    return evaluate(x, weights, true, &out);
}

double Mmd::evaluate(const Points& x, const Vector& weights, bool with_energy, Points* out) const {
    if (x.cols() != target_.cols())
        throw_invalid("x", "points of the target's dimension " + std::to_string(target_.cols()),
                      std::to_string(x.cols()));
    if (weights.size() != x.rows())
        throw_invalid("weights", "one per point, " + std::to_string(x.rows()), std::to_string(weights.size()));

    const std::size_t n = static_cast<std::size_t>(x.rows()), d = static_cast<std::size_t>(x.cols());
    const int exponent = exponent_of(std::max(largest_, x.size() ? x.cwiseAbs().maxCoeff() : 0.0));
    const double eps_squared = scaled_eps_squared(eps_, exponent);
    const Packed source(x, weights, exponent), target(target_, weights_, exponent);
    const kernels::Cloud cloud = source.view();

    std::vector<double> sums((with_energy ? d + 4 : d) * cloud.stride, 0.0);
    const auto potentials = [&](std::size_t k) { return with_energy ? sums.data() + (d + k) * cloud.stride : nullptr; };
    kernels::add_cross(cloud, target.view(), d, eps_squared, {sums.data(), potentials(0), potentials(1)});
    kernels::subtract_self(cloud, d, eps_squared, {sums.data(), potentials(2), potentials(3)});

    if (out) {
        out->resize(x.rows(), x.cols());
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t c = 0; c < d; ++c) out->data()[i * d + c] = 2.0 * sums[c * cloud.stride + i];
    }
    if (!with_energy) return 0.0;
    CompensatedSum energy;
    for (std::size_t i = 0; i < n; ++i) {
        energy.add(2.0 * cloud.weights[i] * potentials(0)[i]);
        energy.add(2.0 * cloud.weights[i] * potentials(1)[i]);
    }
    add_self_energy(energy, -1.0, cloud, potentials(2), potentials(3), eps_squared);
    energy.add(-std::ldexp(self_energy_, self_exponent_ - exponent));
    energy.add(-std::ldexp(self_error_, self_exponent_ - exponent));
    return std::ldexp(energy.value(), exponent);
}

}  // namespace spectralot::flow
