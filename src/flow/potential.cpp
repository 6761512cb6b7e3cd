#include "spectralot/flow/potential.hpp"

#include "core/compensated_sum.hpp"
#include "flow/step_kernels.hpp"
#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace spectralot::flow {
namespace {

ScalarField checked(ScalarField field, const std::string& name) {
    if (!field.value) throw_invalid(name, "must be a callable", "nothing");
    if (!field.gradient) throw_invalid("grad_" + name, "must be a callable", "nothing");
    return field;
}

Vector values(const ScalarField& field, const std::string& name, const Points& x) {
    Vector v = field.value(x);
    if (v.size() != x.rows())
        throw_invalid(name, "must be one value per row (" + std::to_string(x.rows()) + ")", std::to_string(v.size()));
    return v;
}

Points gradients(const ScalarField& field, const std::string& name, const Points& x) {
    Points g = field.gradient(x);
    if (g.rows() != x.rows() || g.cols() != x.cols())
        throw_invalid("grad_" + name,
                      "must be an array of shape " + std::to_string(x.rows()) + "x" + std::to_string(x.cols()),
                      std::to_string(g.rows()) + "x" + std::to_string(g.cols()));
    return g;
}

/// Calls `use(i, rows)` for blocks of particles i, i+1, … with `rows` = all x_i - x_k stacked, i-major.
template <class Use>
void for_differences(const Points& x, const Use& use) {
    constexpr Index pairs = 16384;
    const Index n = x.rows(), block = std::max<Index>(1, pairs / n);
    Points rows;
    for (Index first = 0; first < n; first += block) {
        const Index count = std::min(block, n - first);
        rows.resize(count * n, x.cols());
        for (Index i = 0; i < count; ++i) rows.middleRows(i * n, n) = (-x).rowwise() + x.row(first + i);
        use(first, count, rows);
    }
}

void check_even(const Vector& there, const Vector& back) {
    const double scale = there.cwiseAbs().maxCoeff();
    for (Index k = 0; k < there.size(); ++k)
        if (std::abs(there[k] - back[k]) > 1e-9 * scale)
            throw_invalid("w", "must be an even function, w(-z) = w(z)",
                          to_text(there[k]) + " and " + to_text(back[k]));
}

}  // namespace

Potential::Potential(ScalarField h, std::optional<double> smoothness)
    : h_(checked(std::move(h), "h")), smoothness_(smoothness) {}

double Potential::energy(const Points& x, const Vector& weights) const {
    const Vector h = values(h_, "h", x);
    CompensatedSum sum;
    for (Index i = 0; i < x.rows(); ++i) sum.add_product(weights[i], h[i]);
    return sum.value();
}

void Potential::force(const Points& x, const Vector&, Points& out) const {
    out = gradients(h_, "h", x);
}

Quadratic::Quadratic(Vector centre, double stiffness) : centre_(std::move(centre)), stiffness_(stiffness) {
    if (centre_.size() == 0 || !centre_.allFinite())
        throw_invalid("centre", "must have at least one finite coordinate", "another");
    if (!std::isfinite(stiffness_)) throw_invalid("stiffness", "must be finite", to_text(stiffness_));
}

double Quadratic::energy(const Points& x, const Vector& weights) const {
    if (x.cols() != centre_.size())
        throw_invalid("x", "must have " + std::to_string(centre_.size()) + " columns", std::to_string(x.cols()));
    CompensatedSum sum;
    for (Index i = 0; i < x.rows(); ++i)
        sum.add_product(0.5 * stiffness_ * weights[i], (x.row(i) - centre_.transpose()).squaredNorm());
    return sum.value();
}

void Quadratic::force(const Points& x, const Vector&, Points& out) const {
    if (x.cols() != centre_.size())
        throw_invalid("x", "must have " + std::to_string(centre_.size()) + " columns", std::to_string(x.cols()));
    out.resize(x.rows(), x.cols());
    kernels::spring(x.data(), centre_.data(), stiffness_, out.data(), std::size_t(x.rows()), std::size_t(x.cols()));
}

Interaction::Interaction(ScalarField W, std::optional<double> smoothness)
    : W_(checked(std::move(W), "w")), smoothness_(smoothness) {}

double Interaction::energy(const Points& x, const Vector& weights) const {
    const Index n = x.rows();
    CompensatedSum sum;
    for_differences(x, [&](Index first, Index count, const Points& rows) {
        const Vector w = values(W_, "w", rows);
        if (first == 0) check_even(w.head(n), values(W_, "w", -rows.topRows(n)));
        for (Index i = 0; i < count; ++i) sum.add(0.5 * weights[first + i] * weights.dot(w.segment(i * n, n)));
    });
    return sum.value();
}

void Interaction::force(const Points& x, const Vector& weights, Points& out) const {
    const Index n = x.rows();
    out.resize(n, x.cols());
    for_differences(x, [&](Index first, Index count, const Points& rows) {
        const Points g = gradients(W_, "w", rows);
        for (Index i = 0; i < count; ++i) out.row(first + i) = weights.transpose() * g.middleRows(i * n, n);
    });
}

}  // namespace spectralot::flow
