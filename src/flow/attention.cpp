#include "spectralot/flow/attention.hpp"

#include "discrete/context.hpp"
#include "flow/attention_kernels.hpp"
#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace spectralot::flow {
namespace {

std::string shape(const Points& x) {
    return std::to_string(x.rows()) + "x" + std::to_string(x.cols());
}

/// Heads in the layout of the kernel, and its work space. Storage is reused from call to call.
struct Workspace {
    std::vector<double> parameters, weights, space, residual, force, errors;
};

}  // namespace

Attention::Attention(Points tokens, Points target, const AttentionOptions& options)
    : tokens_(std::move(tokens)), target_(std::move(target)), options_(options) {
    if (tokens_.rows() == 0 || tokens_.cols() == 0)
        throw_invalid("tokens", "must have at least one token and one coordinate", shape(tokens_));
    if (target_.rows() != tokens_.rows() || target_.cols() != tokens_.cols())
        throw_invalid("target", "must have the shape of tokens, " + shape(tokens_), shape(target_));
    if (!tokens_.allFinite()) throw_invalid("tokens", "must be finite", "NaN or infinity");
    if (!target_.allFinite()) throw_invalid("target", "must be finite", "NaN or infinity");
    if (options_.d_head < 1 || options_.d_head > static_cast<int>(kernels::max_head_dimension))
        throw_invalid("d_head", "must be between 1 and 64", std::to_string(options_.d_head));
    if (options_.n_tokens < 1 || tokens_.rows() % options_.n_tokens != 0)
        throw_invalid("n_tokens", "must be a divisor of the number of rows, " + std::to_string(tokens_.rows()),
                      std::to_string(options_.n_tokens));
    if (options_.n_threads < 0)
        throw_invalid("n_threads", "must be 0 (all cores) or more", std::to_string(options_.n_threads));
}

double Attention::energy(const Points& x, const Vector& weights) const {
    return evaluate(x, weights, nullptr, nullptr, nullptr);
}

void Attention::force(const Points& x, const Vector& weights, Points& out) const {
    evaluate(x, weights, nullptr, &out, nullptr);
}

double Attention::energy_and_force(const Points& x, const Vector& weights, Points& out) const {
    return evaluate(x, weights, nullptr, &out, nullptr);
}

void Attention::batch_force(const Points& x, const Vector& weights, const std::vector<Index>& batch,
                            Points& out) const {
    evaluate(x, weights, &batch, &out, nullptr);
}

Points Attention::predict(const Points& x, const Vector& weights) const {
    Points prediction(tokens_.rows(), tokens_.cols());
    evaluate(x, weights, nullptr, nullptr, &prediction);
    return prediction;
}

double Attention::evaluate(const Points& x, const Vector& weights, const std::vector<Index>* batch, Points* out,
                           Points* prediction) const {
    const auto n = static_cast<std::size_t>(x.rows()), d = static_cast<std::size_t>(tokens_.cols());
    const auto h = static_cast<std::size_t>(options_.d_head), T = static_cast<std::size_t>(options_.n_tokens);
    const std::size_t size = 4 * h * d;
    if (static_cast<std::size_t>(x.cols()) != size)
        throw_invalid("x", "must have 4·d_head·d = " + std::to_string(size) + " columns: Q, K, V, O", shape(x));
    if (weights.size() != x.rows())
        throw_invalid("weights", "must be one per point, " + std::to_string(x.rows()), std::to_string(weights.size()));

    thread_local Workspace local;  // a flow evaluates thousands of times without allocating
    Workspace& work = local;
    const std::size_t stride = (n + kernels::head_padding - 1) / kernels::head_padding * kernels::head_padding;
    work.parameters.assign(size * stride, 0.0);
    work.weights.assign(stride, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t c = 0; c < size; ++c) work.parameters[c * stride + i] = x.data()[i * size + c];
        work.weights[i] = weights[static_cast<Index>(i)];
    }
    const kernels::Heads heads{work.parameters.data(), work.weights.data(), stride, h, d};

    // Blocks of sequences, as many for one thread as for many, each with its own force.
    const std::size_t sequences = batch ? batch->size() : static_cast<std::size_t>(n_data());
    const std::size_t blocks = std::min<std::size_t>(sequences, 4);
    const std::size_t space = kernels::attention_space(heads, T), entries = T * d;
    work.space.resize(blocks * space);
    work.residual.resize(blocks * entries);
    work.force.assign(out ? blocks * size * stride : 0, 0.0);
    work.errors.assign(blocks, 0.0);
    const double scale = 1.0 / static_cast<double>(sequences * entries);
    for_each_block(static_cast<int>(blocks), options_.n_threads, [&](int block) {
        const auto b = static_cast<std::size_t>(block);
        double* residual = work.residual.data() + b * entries;
        for (std::size_t s = b * sequences / blocks; s < (b + 1) * sequences / blocks; ++s) {
            const std::size_t sequence = batch ? static_cast<std::size_t>((*batch)[s]) : s;
            const double* tokens = tokens_.data() + sequence * entries;
            const double* target = target_.data() + sequence * entries;
            kernels::attention_forward(heads, tokens, T, work.space.data() + b * space, residual);
            if (prediction) std::copy_n(residual, entries, prediction->data() + sequence * entries);
            for (std::size_t e = 0; e < entries; ++e) {
                residual[e] -= target[e];
                work.errors[b] += 0.5 * scale * residual[e] * residual[e];
                residual[e] *= scale;
            }
            if (out)
                kernels::attention_force(heads, tokens, T, work.space.data() + b * space, residual,
                                         work.force.data() + b * size * stride);
        }
    });

    double risk = 0.0;
    for (const double error : work.errors) risk += error;
    if (out) {
        out->resize(x.rows(), x.cols());
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t c = 0; c < size; ++c) {
                double sum = 0.0;
                for (std::size_t b = 0; b < blocks; ++b) sum += work.force[b * size * stride + c * stride + i];
                out->data()[i * size + c] = sum;
            }
        }
    }
    return risk;
}

}  // namespace spectralot::flow
