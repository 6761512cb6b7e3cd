#include "spectralot/flow/mmd.hpp"

#include "core/compensated_sum.hpp"
#include "discrete/context.hpp"
#include "flow/mmd_kernels.hpp"
#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace spectralot::flow {
namespace {

using kernels::padding;

/// Points times 2^-exponent and their weights, in the layout of the kernels. Storage is reused from call to call.
class Packed {
public:
    void pack(const Points& points, const Vector& weights, int exponent) {
        n_ = static_cast<std::size_t>(points.rows());
        d_ = static_cast<std::size_t>(points.cols());
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
    std::size_t n_ = 0, d_ = 0;
    std::vector<double> data_;
};

/// 2^-exponent brings the largest coordinate to [1, 2), so that no square leaves the range of double.
int exponent_of(double largest) {
    return std::isfinite(largest) ? std::ilogb(largest) : 0;
}

kernels::Shape scaled_shape(const MmdOptions& options, int exponent) {
    using enum kernels::Radial;
    const auto radial = options.kernel == MmdKernel::Energy     ? EnergyDistance
                        : options.kernel == MmdKernel::Gaussian ? Gaussian
                                                                : InverseMultiquadric;
    return {radial, std::max(std::ldexp(options.eps, -exponent), radial == EnergyDistance ? 1e-150 : 1e-75)};
}

/// Cuts of the triangle of pairs (i, k), k > i, into strips of rows of equal area. How many depends on n alone, so
/// that sums over strips have the same bits for any number of threads.
std::vector<kernels::Range> strips(std::size_t n) {
    constexpr std::size_t many = 8, enough_points = 2048;
    const std::size_t count = n < enough_points ? 1 : many;
    std::vector<kernels::Range> ranges;
    std::size_t first = 0;
    for (std::size_t s = 1; s <= count; ++s) {
        const double left = std::sqrt(1.0 - static_cast<double>(s) / static_cast<double>(count));
        const std::size_t cut = static_cast<std::size_t>(static_cast<double>(n) * (1.0 - left)) / padding * padding;
        const std::size_t last = s == count ? n : std::max(cut, first);
        ranges.push_back({first, last});
        first = last;
    }
    return ranges;
}

/// Sums over pairs: the force on each point, and with `with_energy` the potentials of the target and of the points.
struct PairSums {
    std::vector<double> force;       ///< one copy per strip, the total in the first
    std::vector<double> potentials;  ///< target, its error, points, its error
};

/// -ΣΣ a a k over all ordered pairs, given the potentials of `subtract_self`.
void add_self_energy(CompensatedSum& energy, double sign, const kernels::Cloud& x, const double* potential,
                     const double* error, const kernels::Shape& shape) {
    for (std::size_t i = 0; i < x.n; ++i) {
        const double weight = x.weights[i];
        energy.add(sign * 2.0 * weight * potential[i]);
        energy.add(sign * weight * (2.0 * error[i] + weight * shape.at_zero()));
    }
}

void sum_pairs(const kernels::Shape& shape, const kernels::Cloud& x, const kernels::Cloud* target, std::size_t d,
               bool with_energy, int n_threads, PairSums& sums) {
    const std::size_t size = d * x.stride;
    const std::vector<kernels::Range> ranges = strips(x.n);
    sums.force.assign(ranges.size() * size, 0.0);
    sums.potentials.assign(with_energy ? 4 * x.stride : 0, 0.0);
    const auto potential = [&](std::size_t k) { return with_energy ? sums.potentials.data() + k * x.stride : nullptr; };
    for_each_block(static_cast<int>(ranges.size()), n_threads, [&](int s) {
        const kernels::Range rows = ranges[static_cast<std::size_t>(s)];
        double* force = sums.force.data() + static_cast<std::size_t>(s) * size;
        kernels::subtract_self(shape, x, rows, d, {force, potential(2), potential(3)});
        if (target) kernels::add_cross(shape, x, rows, *target, d, {force, potential(0), potential(1)});
    });
    for (std::size_t s = 1; s < ranges.size(); ++s)
        for (std::size_t i = 0; i < size; ++i) sums.force[i] += sums.force[s * size + i];
}

}  // namespace

Mmd::Mmd(const DiscreteMeasure& target, const MmdOptions& options) : target_(target.points), options_(options) {
    check_measure(target, "target", "weights");
    if (!(options_.eps > 0.0) || std::isinf(options_.eps))
        throw_invalid("eps", "must be positive and finite", to_text(options_.eps));
    if (options_.n_threads < 0)
        throw_invalid("n_threads", "must be 0 (all cores) or more", std::to_string(options_.n_threads));
    weights_ = target.weights.size() ? Vector(target.weights / target.weights.maxCoeff()) : Vector::Ones(target.size());
    weights_ /= weights_.sum();
    largest_ = std::max(target_.cwiseAbs().maxCoeff(), options_.eps);
    self_exponent_ = exponent_of(largest_);

    Packed y;
    y.pack(target_, weights_, self_exponent_);
    const kernels::Shape shape = scaled_shape(options_, self_exponent_);
    const kernels::Cloud cloud = y.view();
    PairSums sums;
    sum_pairs(shape, cloud, nullptr, static_cast<std::size_t>(target_.cols()), true, options_.n_threads, sums);
    CompensatedSum energy;
    add_self_energy(energy, 1.0, cloud, sums.potentials.data() + 2 * cloud.stride,
                    sums.potentials.data() + 3 * cloud.stride, shape);
    self_energy_ = energy.value();
    energy.add(-self_energy_);
    self_error_ = energy.value();
}

double Mmd::energy(const Points& x, const Vector& weights) const {
    return evaluate(x, weights, target_, weights_, true, nullptr);
}

void Mmd::force(const Points& x, const Vector& weights, Points& out) const {
    evaluate(x, weights, target_, weights_, false, &out);
}

double Mmd::energy_and_force(const Points& x, const Vector& weights, Points& out) const {
    return evaluate(x, weights, target_, weights_, true, &out);
}

std::optional<double> Mmd::smoothness() const {
    const double inverse = 1.0 / options_.eps;
    switch (options_.kernel) {
        case MmdKernel::Energy: return 2.0 * inverse;
        case MmdKernel::Gaussian: return 2.0 * (1.0 + 2.0 * std::exp(-1.5)) * inverse * inverse;
        case MmdKernel::Imq: return 2.0 * (1.0 + 2.0 * std::pow(2.5, -2.5)) * inverse * inverse;
    }
    return std::nullopt;
}

void Mmd::batch_force(const Points& x, const Vector& weights, const std::vector<Index>& batch, Points& out) const {
    const double factor = static_cast<double>(target_.rows()) / static_cast<double>(batch.size());
    evaluate(x, weights, target_(batch, Eigen::all), factor * weights_(batch), false, &out);
}

double Mmd::evaluate(const Points& x, const Vector& weights, const Points& target, const Vector& target_weights,
                     bool with_energy, Points* out) const {
    if (x.cols() != target.cols())
        throw_invalid("x", "must be points of the target's dimension " + std::to_string(target.cols()),
                      std::to_string(x.cols()));
    if (weights.size() != x.rows())
        throw_invalid("weights", "must be one per point, " + std::to_string(x.rows()), std::to_string(weights.size()));

    const auto n = static_cast<std::size_t>(x.rows()), d = static_cast<std::size_t>(x.cols());
    const int exponent = exponent_of(std::max(largest_, x.size() ? x.cwiseAbs().maxCoeff() : 0.0));
    const kernels::Shape shape = scaled_shape(options_, exponent);
    const bool has_unit = options_.kernel == MmdKernel::Energy;  // of length; its force has none

    thread_local Packed packed_source, packed_target;  // a flow evaluates thousands of times without allocating
    thread_local PairSums sums;
    packed_source.pack(x, weights, exponent);
    packed_target.pack(target, target_weights, exponent);
    const kernels::Cloud cloud = packed_source.view(), target_cloud = packed_target.view();
    sum_pairs(shape, cloud, &target_cloud, d, with_energy, options_.n_threads, sums);

    if (out) {
        out->resize(x.rows(), x.cols());
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t c = 0; c < d; ++c) out->data()[i * d + c] = 2.0 * sums.force[c * cloud.stride + i];
        if (!has_unit) *out = out->unaryExpr([&](double g) { return std::ldexp(g, -exponent); });
    }
    if (!with_energy) return 0.0;
    const auto potential = [&](std::size_t k) { return sums.potentials.data() + k * cloud.stride; };
    CompensatedSum energy;
    for (std::size_t i = 0; i < n; ++i) {
        energy.add(2.0 * cloud.weights[i] * potential(0)[i]);
        energy.add(2.0 * cloud.weights[i] * potential(1)[i]);
    }
    add_self_energy(energy, -1.0, cloud, potential(2), potential(3), shape);
    const int shift = has_unit ? self_exponent_ - exponent : 0;
    energy.add(-std::ldexp(self_energy_, shift));
    energy.add(-std::ldexp(self_error_, shift));
    return has_unit ? std::ldexp(energy.value(), exponent) : energy.value();
}

}  // namespace spectralot::flow
