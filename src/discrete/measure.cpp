#include "spectralot/discrete/measure.hpp"

#include "core/compensated_sum.hpp"
#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot {

namespace {

double total_mass(const Vector& weights) {
    CompensatedSum sum;
    for (const double w : weights) sum.add(w);
    return sum.value();
}

std::string shape(const Points& points) {
    return std::to_string(points.rows()) + "x" + std::to_string(points.cols());
}

/// Σ_i |(mass that the plan gives to i) - w_i/Σw| and a bound on its own rounding.
double side_error(const std::vector<int>& atom, const std::vector<double>& mass, const Vector& weights, Index size) {
    std::vector<CompensatedSum> received(static_cast<std::size_t>(size));
    for (std::size_t t = 0; t < mass.size(); ++t) received[static_cast<std::size_t>(atom[t])].add(mass[t]);
    const double total = weights.size() > 0 ? total_mass(weights) : static_cast<double>(size);
    double error = 0.0;
    for (Index i = 0; i < size; ++i) {
        const double wanted = (weights.size() > 0 ? weights[i] : 1.0) / total;
        // Rounding of the quotient, of the total it is divided by, and of the sum received.
        error += std::abs(received[static_cast<std::size_t>(i)].value() - wanted) + 2.0 * epsilon * wanted;
    }
    return error * (1.0 + static_cast<double>(size) * epsilon);
}

}  // namespace

void check_measure(const DiscreteMeasure& measure, const std::string& points_name, const std::string& weights_name) {
    const auto& [points, weights] = measure;
    if (points.rows() == 0 || points.cols() == 0) {
        throw_invalid(points_name, "needs at least one point and one coordinate", "shape " + shape(points));
    }
    for (Index i = 0; i < points.size(); ++i) {
        if (!std::isfinite(points.data()[i])) {
            throw_invalid(points_name, "needs finite coordinates",
                          to_text(points.data()[i]) + " in row " + std::to_string(i / points.cols()));
        }
    }
    if (weights.size() == 0) return;
    if (weights.size() != points.rows()) {
        throw_invalid(weights_name, "needs one weight per point (" + std::to_string(points.rows()) + ")",
                      std::to_string(weights.size()));
    }
    for (Index i = 0; i < weights.size(); ++i) {
        if (!std::isfinite(weights[i]) || weights[i] < 0.0) {
            throw_invalid(weights_name, "needs finite weights >= 0",
                          to_text(weights[i]) + " at position " + std::to_string(i));
        }
    }
    const double total = total_mass(weights);
    if (!(total > 0.0) || !std::isfinite(total)) {
        throw_invalid(weights_name, "needs a positive finite total mass", to_text(total));
    }
}

void check_pair(const DiscreteMeasure& mu, const DiscreteMeasure& nu) {
    check_measure(mu, "X_a", "a");
    check_measure(nu, "X_b", "b");
    if (mu.dimension() != nu.dimension()) {
        throw_invalid("X_b", "needs the dimension of X_a (" + std::to_string(mu.dimension()) + ")",
                      std::to_string(nu.dimension()));
    }
    if (mu.weights.size() == 0 || nu.weights.size() == 0) return;
    const double mass_a = total_mass(mu.weights);
    const double mass_b = total_mass(nu.weights);
    if (std::abs(mass_a - mass_b) > 1e-9 * std::max(mass_a, mass_b)) {
        throw_invalid("b", "needs the total mass of a (" + to_text(mass_a) + ") to 1e-9 relative", to_text(mass_b));
    }
}

Matrix second_moment(const SparsePlan& plan, const Points& x, const Points& y) {
    const Index d = x.cols();
    Matrix high = Matrix::Zero(d, d), low = Matrix::Zero(d, d);  // upper triangles
    Vector step(d);
    for (std::size_t t = 0; t < plan.size(); ++t) {
        step = y.row(plan.col[t]) - x.row(plan.row[t]);
        for (Index r = 0; r < d; ++r) {
            const double scaled = plan.mass[t] * step[r];
            for (Index s = 0; s <= r; ++s) add_compensated(scaled * step[s], high(s, r), low(s, r));
        }
    }
    return Matrix(high + low).selfadjointView<Eigen::Upper>();
}

SparsePlan mix(const std::vector<const SparsePlan*>& plans, const std::vector<double>& weights) {
    struct Entry {
        int row, col;
        double mass;
    };
    std::vector<Entry> entries;
    SparsePlan mixed;
    for (std::size_t k = 0; k < plans.size(); ++k) {
        const SparsePlan& plan = *plans[k];
        mixed.n_rows = plan.n_rows;
        mixed.n_cols = plan.n_cols;
        if (weights[k] <= 0.0) continue;
        for (std::size_t t = 0; t < plan.size(); ++t) {
            entries.push_back({plan.row[t], plan.col[t], weights[k] * plan.mass[t]});
        }
    }
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.row != b.row ? a.row < b.row : a.col < b.col; });
    for (std::size_t t = 0; t < entries.size();) {
        CompensatedSum mass;
        const Entry first = entries[t];
        for (; t < entries.size() && entries[t].row == first.row && entries[t].col == first.col; ++t) {
            mass.add(entries[t].mass);
        }
        if (mass.value() <= 0.0) continue;
        mixed.row.push_back(first.row);
        mixed.col.push_back(first.col);
        mixed.mass.push_back(mass.value());
    }
    return mixed;
}

double marginal_error(const SparsePlan& plan, const DiscreteMeasure& mu, const DiscreteMeasure& nu) {
    return side_error(plan.row, plan.mass, mu.weights, mu.size()) +
           side_error(plan.col, plan.mass, nu.weights, nu.size());
}

}  // namespace spectralot
