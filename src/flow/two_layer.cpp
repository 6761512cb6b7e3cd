#include "spectralot/flow/two_layer.hpp"

#include "discrete/context.hpp"
#include "flow/relu_kernels.hpp"
#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace spectralot::flow {
namespace {

std::string shape(const Points& x) {
    return std::to_string(x.rows()) + "x" + std::to_string(x.cols());
}

/// Columns first … first+d of `points`, transposed, in the layout of the kernels. Storage is reused.
struct Transposed {
    std::vector<double> data;
    std::size_t n = 0, stride = 0;

    void pack(const Points& points, Index first, Index d) {
        n = static_cast<std::size_t>(points.rows());
        stride = n + kernels::relu_padding;
        data.assign(static_cast<std::size_t>(d) * stride, 0.0);
        for (Index c = 0; c < d; ++c)
            for (Index i = 0; i < points.rows(); ++i)
                data[static_cast<std::size_t>(c) * stride + static_cast<std::size_t>(i)] = points(i, first + c);
    }
    kernels::Vectors view() const { return {data.data(), n, stride}; }
};

/// body(first, last) over blocks of 0 … n-1 that the number of threads does not change.
template <class Body>
void for_rows(std::size_t n, int n_threads, const Body& body) {
    constexpr std::size_t rows = 4 * kernels::relu_padding;
    for_each_block(static_cast<int>((n + rows - 1) / rows), n_threads, [&](int block) {
        const std::size_t first = static_cast<std::size_t>(block) * rows;
        body(first, std::min(first + rows, n));
    });
}

/// The wide path: ReLU, one output, few inputs.
class WideRelu {
public:
    void predict(const Points& x, const Vector& weights, const Points& inputs, int n_threads, Points& H) {
        const Index k = inputs.cols();
        neurons_.pack(x, 1, k);
        samples_.pack(inputs, 0, k);
        scales_.resize(static_cast<std::size_t>(x.rows()));
        for (Index i = 0; i < x.rows(); ++i) scales_[static_cast<std::size_t>(i)] = weights[i] * x(i, 0);
        sums_.assign(samples_.stride, 0.0);
        for_rows(samples_.n, n_threads, [&](std::size_t first, std::size_t last) {
            kernels::relu_sums(samples_.view(), first, last, neurons_.view(), static_cast<std::size_t>(k),
                               scales_.data(), sums_.data());
        });
        H.resize(inputs.rows(), 1);
        for (Index s = 0; s < H.rows(); ++s) H(s, 0) = sums_[static_cast<std::size_t>(s)];
    }

    /// After `predict`, for residuals already divided by the number of samples.
    void force(const Points& x, const Points& residual, Index k, int n_threads, Points& out) {
        weighted_ = samples_.data;
        for (Index c = 0; c < k; ++c)
            for (std::size_t s = 0; s < samples_.n; ++s)
                weighted_[static_cast<std::size_t>(c) * samples_.stride + s] *= residual(static_cast<Index>(s), 0);
        slopes_.assign(static_cast<std::size_t>(k) * neurons_.stride, 0.0);
        for_rows(neurons_.n, n_threads, [&](std::size_t first, std::size_t last) {
            kernels::relu_slopes(neurons_.view(), first, last, samples_.view(), static_cast<std::size_t>(k),
                                 weighted_.data(), slopes_.data());
        });
        out.resize(x.rows(), x.cols());
        for (Index i = 0; i < x.rows(); ++i) {
            double along = 0.0;  // mean r σ(v·z) = v·(mean r σ'(v·z) z): σ is one-homogeneous
            for (Index c = 0; c < k; ++c) {
                const double slope =
                    slopes_[static_cast<std::size_t>(c) * neurons_.stride + static_cast<std::size_t>(i)];
                along += x(i, 1 + c) * slope;
                out(i, 1 + c) = x(i, 0) * slope;
            }
            out(i, 0) = along;
        }
    }

private:
    Transposed neurons_, samples_;
    std::vector<double> scales_, sums_, weighted_, slopes_;
};

Points answered(const std::function<Points(const Points&)>& function, const Points& t) {
    Points value = function(t);
    if (value.rows() != t.rows() || value.cols() != t.cols())
        throw_invalid("activation", "must be an array of shape " + shape(t), shape(value));
    return value;
}

/// Neurons in blocks of bounded work space: use(first, count, pre-activations N×count).
template <class Use>
void for_neurons(const Points& x, Index n_outputs, const Points& inputs, const Use& use) {
    constexpr Index entries = 65536;
    const Index block = std::max<Index>(1, entries / inputs.rows());
    Points t;
    for (Index first = 0; first < x.rows(); first += block) {
        const Index count = std::min(block, x.rows() - first);
        t.noalias() = inputs * x.block(first, n_outputs, count, inputs.cols()).transpose();
        use(first, count, t);
    }
}

Points predict_in_blocks(const Activation& activation, const Points& x, const Vector& weights, const Points& inputs,
                         Index o) {
    Points H = Points::Zero(inputs.rows(), o);
    for_neurons(x, o, inputs, [&](Index first, Index count, const Points& t) {
        H.noalias() +=
            answered(activation.value, t) * (weights.segment(first, count).asDiagonal() * x.block(first, 0, count, o));
    });
    return H;
}

void force_in_blocks(const Activation& activation, const Points& x, const Points& inputs, const Points& residual,
                     Points& out) {
    const Index o = residual.cols();
    out.resize(x.rows(), x.cols());
    for_neurons(x, o, inputs, [&](Index first, Index count, const Points& t) {
        out.block(first, 0, count, o).noalias() = answered(activation.value, t).transpose() * residual;
        const Points pull =
            (residual * x.block(first, 0, count, o).transpose()).cwiseProduct(answered(activation.derivative, t));
        out.block(first, o, count, inputs.cols()).noalias() = pull.transpose() * inputs;
    });
}

double sigmoid(double t) {
    return 1.0 / (1.0 + std::exp(-t));
}

}  // namespace

Activation activation(const std::string& name) {
    const auto elementwise = [](double (*value)(double), double (*derivative)(double)) {
        return Activation{[=](const Points& t) { return Points(t.unaryExpr(value)); },
                          [=](const Points& t) { return Points(t.unaryExpr(derivative)); }};
    };
    if (name == "relu") {
        Activation relu =
            elementwise([](double t) { return t > 0.0 ? t : 0.0; }, [](double t) { return t > 0.0 ? 1.0 : 0.0; });
        relu.is_relu = true;
        return relu;
    }
    if (name == "tanh")
        return elementwise([](double t) { return std::tanh(t); },
                           [](double t) { return 1.0 - std::tanh(t) * std::tanh(t); });
    if (name == "sigmoid") return elementwise(sigmoid, [](double t) { return sigmoid(t) * sigmoid(-t); });
    if (name == "softplus")
        return elementwise([](double t) { return std::max(t, 0.0) + std::log1p(std::exp(-std::abs(t))); }, sigmoid);
    if (name == "square") return elementwise([](double t) { return t * t; }, [](double t) { return 2.0 * t; });
    if (name == "identity") return elementwise([](double t) { return t; }, [](double) { return 1.0; });
    throw_invalid("activation", "must be relu, tanh, sigmoid, softplus, square or identity", name);
}

TwoLayer::TwoLayer(Points inputs, Points outputs, Activation activation, int n_threads)
    : inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      activation_(std::move(activation)),
      n_threads_(n_threads) {
    if (inputs_.rows() == 0 || inputs_.cols() == 0 || outputs_.cols() == 0)
        throw_invalid("inputs", "must have at least one sample and one coordinate",
                      shape(inputs_) + " and " + shape(outputs_));
    if (outputs_.rows() != inputs_.rows())
        throw_invalid("outputs", "must have one row per input (" + std::to_string(inputs_.rows()) + ")",
                      shape(outputs_));
    if (!inputs_.allFinite()) throw_invalid("inputs", "must be finite", "NaN or infinity");
    if (!outputs_.allFinite()) throw_invalid("outputs", "must be finite", "NaN or infinity");
    if (!activation_.value || !activation_.derivative) throw_invalid("activation", "must be two callables", "nothing");
    if (n_threads_ < 0) throw_invalid("n_threads", "must be 0 (all cores) or more", std::to_string(n_threads_));
}

double TwoLayer::energy(const Points& x, const Vector& weights) const {
    return evaluate(x, weights, inputs_, outputs_, nullptr);
}

void TwoLayer::force(const Points& x, const Vector& weights, Points& out) const {
    evaluate(x, weights, inputs_, outputs_, &out);
}

double TwoLayer::energy_and_force(const Points& x, const Vector& weights, Points& out) const {
    return evaluate(x, weights, inputs_, outputs_, &out);
}

void TwoLayer::batch_force(const Points& x, const Vector& weights, const std::vector<Index>& batch, Points& out) const {
    evaluate(x, weights, inputs_(batch, Eigen::all), outputs_(batch, Eigen::all), &out);
}

Points TwoLayer::predict(const Points& x, const Vector& weights, const Points& inputs) const {
    return predict_in_blocks(activation_, x, weights, inputs, outputs_.cols());
}

double TwoLayer::evaluate(const Points& x, const Vector& weights, const Points& inputs, const Points& outputs,
                          Points* out) const {
    const Index o = outputs.cols(), k = inputs.cols();
    if (x.cols() != o + k)
        throw_invalid("x", "must have " + std::to_string(o + k) + " columns: output weights, then input weights",
                      shape(x));
    if (weights.size() != x.rows())
        throw_invalid("weights", "must be one per point, " + std::to_string(x.rows()), std::to_string(weights.size()));
    const bool wide = activation_.is_relu && o == 1 && k <= static_cast<Index>(kernels::relu_dimension);

    thread_local WideRelu relu;
    thread_local Points residual;  // a flow evaluates thousands of times without allocating
    if (wide)
        relu.predict(x, weights, inputs, n_threads_, residual);
    else
        residual = predict_in_blocks(activation_, x, weights, inputs, o);
    residual -= outputs;
    const auto samples = static_cast<double>(inputs.rows());
    const double risk = 0.5 * residual.squaredNorm() / samples;
    if (out) {
        residual /= samples;
        if (wide)
            relu.force(x, residual, k, n_threads_, *out);
        else
            force_in_blocks(activation_, x, inputs, residual, *out);
    }
    return risk;
}

}  // namespace spectralot::flow
