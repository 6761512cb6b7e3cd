#include "spectralot/gauge/selector.hpp"

#include "core/weights.hpp"
#include "gauge/spectrum.hpp"
#include "spectralot/core/errors.hpp"

#include <cmath>

namespace spectralot {

namespace {

using Rows = Eigen::Ref<const Points>;

/// max |G_ij|, or a complaint about the first entry that is not finite.
double checked_magnitude(const Rows& G) {
    const double size = linalg::largest_magnitude(G);
    if (!std::isnan(size)) return size;
    for (Index i = 0; i < G.rows(); ++i)
        for (Index j = 0; j < G.cols(); ++j)
            if (!std::isfinite(G(i, j)))
                throw_invalid("G", "must be finite",
                              to_text(G(i, j)) + " at (" + std::to_string(i) + ", " + std::to_string(j) + ")");
    return size;
}

/// Weights divided by their sum; empty stays empty (the matrix version).
Vector row_weights(const Vector& weights, Index n) {
    return weights.size() == 0 ? weights : normalised_weights(weights, n, "weights", "row");
}

/// G times a power of two such that squares of its entries neither overflow nor vanish: most often G itself. Refuses
/// what is empty or not finite.
class Scaled {
public:
    explicit Scaled(const Rows& G) : original_(G) {
        if (G.size() == 0)
            throw_invalid("G", "must not be empty", std::to_string(G.rows()) + "x" + std::to_string(G.cols()));
        constexpr double smallest = 1e-60, largest = 1e60;
        const double size = checked_magnitude(G);
        if (size == 0.0 || (smallest < size && size < largest)) return;
        scale = detail::power_of_two_above(size);
        copy_ = G / scale;
    }
    [[nodiscard]] Rows rows() const { return copy_.size() > 0 ? Rows(copy_) : original_; }

    double scale = 1.0;  ///< G = scale · rows

private:
    Rows original_;
    Points copy_;
};

/// Σ w_i <a_i, b_i>, weights empty = ones.
double inner(const Rows& a, const Rows& b, const Vector& weights) {
    const Vector products = a.cwiseProduct(b).rowwise().sum();
    return weights.size() ? weights.dot(products) : products.sum();
}

double norm_of(const GaugeModel& model, const Rows& V, const Vector& weights) {
    const Scaled scaled(V);
    return scaled.scale * model.velocity_norm(scaled.rows(), weights);
}

SelectorPath path_of(linalg::SvdPath path) {
    switch (path) {
        case linalg::SvdPath::Zero: return SelectorPath::Zero;
        case linalg::SvdPath::Gram: return SelectorPath::Gram;
        case linalg::SvdPath::CholeskyQR: return SelectorPath::CholeskyQR;
        case linalg::SvdPath::QR: return SelectorPath::QR;
    }
    return SelectorPath::QR;
}

const GaugeModel& checked_model(const Gauge& gauge, const Rows& G) {
    if (!gauge.is_monotone())
        throw_invalid("gauge", "must be monotone: a norm on velocities needs K inside the PSD cone", gauge.repr());
    gauge.model().check_columns(static_cast<int>(G.cols()));
    return gauge.model();
}

}  // namespace

std::string_view to_string(SelectorPath path) {
    switch (path) {
        case SelectorPath::Zero: return "zero";
        case SelectorPath::Gram: return "gram";
        case SelectorPath::CholeskyQR: return "cholesky_qr";
        case SelectorPath::QR: return "qr";
    }
    return "unknown";
}

SelectorResult selector(const Gauge& gauge, const Rows& G, const Vector& weights, double rtol) {
    const GaugeModel& model = checked_model(gauge, G);
    const Vector w = row_weights(weights, G.rows());
    const Scaled force(G);
    const GaugeModel::ForceMap found = model.force_map(force.rows(), w, rtol);

    SelectorResult result;
    result.path = path_of(found.path);
    result.rank = found.rank;
    result.dual_norm = force.scale * found.map.dual_norm;
    result.direction.resize(G.rows(), G.cols());
    linalg::apply_right(force.rows(), found.map.velocity_map, -1.0, result.direction);
    if (force.scale != 1.0) result.direction *= force.scale;
    return result;
}

double fenchel_residual(const Gauge& gauge, const Rows& G, const SelectorResult& result, const Vector& weights) {
    const double dual = result.dual_norm;
    if (dual == 0.0) return 0.0;
    const Vector w = row_weights(weights, G.rows());
    const double slope = inner(G / dual, result.direction / dual, w);
    const double speed = norm_of(gauge.model(), result.direction / dual, w);
    return std::max(std::abs(slope + 1.0), std::abs(speed * speed - 1.0));
}

double norm(const Gauge& gauge, const Rows& V, const Vector& weights) {
    const GaugeModel& model = checked_model(gauge, V);
    return norm_of(model, V, row_weights(weights, V.rows()));
}

double dual_norm(const Gauge& gauge, const Rows& G, const Vector& weights) {
    const GaugeModel& model = checked_model(gauge, G);
    const Scaled force(G);
    return force.scale * model.force_map(force.rows(), row_weights(weights, G.rows()), -1.0).map.dual_norm;
}

Points polar(const Rows& G, double rtol) {
    const Scaled scaled(G);
    const linalg::RightSvd svd = linalg::right_svd(scaled.rows(), {}, rtol);
    Points direction = Points::Zero(G.rows(), G.cols());
    if (svd.sigma.size() == 0) return direction;
    const Matrix inverse_root = svd.right * svd.sigma.cwiseInverse().asDiagonal() * svd.right.transpose();
    linalg::apply_right(scaled.rows(), inverse_root, 1.0, direction);
    return direction;
}

}  // namespace spectralot
