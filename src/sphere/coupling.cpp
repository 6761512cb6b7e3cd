#include "sphere/coupling.hpp"

#include "core/compensated_sum.hpp"
#include "spectralot/core/errors.hpp"
#include "sphere/thin.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace spectralot::sphere {

namespace {

/// Scales the entries of every atom down to its mass where they exceed it; returns what is left over.
Vector fit(const std::vector<int>& atom, std::vector<double>& mass, const Vector& limit) {
    std::vector<CompensatedSum> sums(std::size_t(limit.size()));
    for (std::size_t t = 0; t < mass.size(); ++t) sums[std::size_t(atom[t])].add(mass[t]);
    Vector left_over(limit.size());
    for (Index i = 0; i < limit.size(); ++i) left_over[i] = std::max(0.0, limit[i] - sums[std::size_t(i)].value());
    for (std::size_t t = 0; t < mass.size(); ++t) {
        const double sum = sums[std::size_t(atom[t])].value();
        if (sum > limit[atom[t]]) mass[t] *= limit[atom[t]] / sum;
    }
    return left_over;
}

/// Sums of squares, entry by entry in twice the working precision.
class MomentSum {
public:
    explicit MomentSum(Index d) : d_(d), sums_(std::size_t(d * (d + 1) / 2)) {}
    void add(const Eigen::RowVectorXd& v) {
        std::size_t entry = 0;
        for (Index r = 0; r < d_; ++r)
            for (Index s = 0; s <= r; ++s) sums_[entry++].add(v[r] * v[s]);
    }
    [[nodiscard]] Matrix value() const {
        Matrix moment(d_, d_);
        std::size_t entry = 0;
        for (Index r = 0; r < d_; ++r)
            for (Index s = 0; s <= r; ++s) moment(r, s) = moment(s, r) = sums_[entry++].value();
        return moment;
    }

private:
    Index d_;
    std::vector<CompensatedSum> sums_;
};

}  // namespace

void check_gauge(const Gauge& gauge, int d) {
    check_static(gauge, d);
    if (!gauge.is_monotone())
        throw_invalid("gauge", "must be monotone: without it there is no unbalanced distance", gauge.repr());
}

void check_coupling(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Coupling& coupling) {
    const std::size_t size = coupling.size();
    if (coupling.col.size() != size || coupling.a.size() != size || coupling.b.size() != size)
        throw_invalid("coupling", "rows, columns and both masses must have the same length",
                      std::to_string(size) + ", " + std::to_string(coupling.col.size()) + ", " +
                          std::to_string(coupling.a.size()) + ", " + std::to_string(coupling.b.size()));
    for (std::size_t t = 0; t < size; ++t) {
        if (coupling.row[t] < 0 || coupling.row[t] >= nu0.size())
            throw_invalid("coupling", "row index out of range", std::to_string(coupling.row[t]));
        if (coupling.col[t] < 0 || coupling.col[t] >= nu1.size())
            throw_invalid("coupling", "column index out of range", std::to_string(coupling.col[t]));
        for (const double mass : {coupling.a[t], coupling.b[t]})
            if (!(mass >= 0.0 && std::isfinite(mass)))
                throw_invalid("coupling", "masses must be finite and non-negative", to_text(mass));
    }
}

CompletedCoupling complete(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Coupling& coupling) {
    CompletedCoupling result{coupling, {}, {}};
    result.left_over_0 = fit(coupling.row, result.pairs.a, nu0.masses);
    result.left_over_1 = fit(coupling.col, result.pairs.b, nu1.masses);
    return result;
}

Matrix moment(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const CompletedCoupling& coupling) {
    MomentSum sum(nu0.dimension());
    const Coupling& pairs = coupling.pairs;
    for (std::size_t t = 0; t < pairs.size(); ++t)
        sum.add(std::sqrt(pairs.b[t]) * nu1.directions.row(pairs.col[t]) -
                std::sqrt(pairs.a[t]) * nu0.directions.row(pairs.row[t]));
    for (Index i = 0; i < nu0.size(); ++i) sum.add(std::sqrt(coupling.left_over_0[i]) * nu0.directions.row(i));
    for (Index j = 0; j < nu1.size(); ++j) sum.add(std::sqrt(coupling.left_over_1[j]) * nu1.directions.row(j));
    return sum.value();
}

Coupling mix(const std::vector<const Coupling*>& couplings, const std::vector<double>& weights) {
    struct Sums {
        CompensatedSum a, b, c;
    };
    std::map<std::pair<int, int>, Sums> pairs;
    for (std::size_t k = 0; k < couplings.size(); ++k) {
        if (!(weights[k] > 0.0)) continue;
        const Coupling& coupling = *couplings[k];
        for (std::size_t t = 0; t < coupling.size(); ++t) {
            Sums& sums = pairs[{coupling.row[t], coupling.col[t]}];
            sums.a.add(weights[k] * coupling.a[t]);
            sums.b.add(weights[k] * coupling.b[t]);
            sums.c.add(weights[k] * std::sqrt(coupling.a[t]) * std::sqrt(coupling.b[t]));
        }
    }
    Coupling mixed;
    for (const auto& [pair, sums] : pairs) {
        const double a = sums.a.value(), b = sums.b.value(), c = sums.c.value();
        const double used = c / (std::sqrt(a) * std::sqrt(b));
        if (!(used > 0.0)) continue;
        mixed.row.push_back(pair.first);
        mixed.col.push_back(pair.second);
        mixed.a.push_back(std::min(1.0, used) * a);
        mixed.b.push_back(std::min(1.0, used) * b);
    }
    return mixed;
}

Coupling thinned(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Coupling& coupling,
                 const GrowthPotentials& potentials) {
    constexpr double most_work = 3e9;
    const double entries = double(nu0.dimension() * (nu0.dimension() + 1)) / 2.0;
    const auto size = Index(coupling.size());
    if (double(size) * entries * entries * entries > most_work) return coupling;
    // With P = A u = B v, A = leaving·P/(its row sum) and likewise B: the moment is linear in P while its sums stay.
    Vector P(size), leaving = Vector::Zero(nu0.size()), arriving = Vector::Zero(nu1.size()), rows = leaving,
                    cols = arriving;
    for (Index t = 0; t < size; ++t) {
        const auto at = std::size_t(t);
        const int i = coupling.row[at], j = coupling.col[at];
        P[t] = std::sqrt(coupling.a[at] * potentials.u[i]) * std::sqrt(coupling.b[at] * potentials.v[j]);
        leaving[i] += coupling.a[at];
        arriving[j] += coupling.b[at];
        rows[i] += P[t];
        cols[j] += P[t];
    }
    const auto share = [](const Vector& mass, const Vector& sums) -> Vector {
        return (sums.array() > 0.0).select(mass.cwiseQuotient(sums), 0.0);
    };
    const Points x = share(leaving, rows).cwiseSqrt().asDiagonal() * nu0.directions,
                 y = share(arriving, cols).cwiseSqrt().asDiagonal() * nu1.directions;
    P = thinned({coupling.row, coupling.col}, P, x, y);
    rows.setZero();
    cols.setZero();
    for (Index t = 0; t < size; ++t) {
        rows[coupling.row[std::size_t(t)]] += P[t];
        cols[coupling.col[std::size_t(t)]] += P[t];
    }
    const Vector per_row = share(leaving, rows), per_col = share(arriving, cols);
    Coupling kept;
    for (Index t = 0; t < size; ++t) {
        if (!(P[t] > 0.0)) continue;
        const int i = coupling.row[std::size_t(t)], j = coupling.col[std::size_t(t)];
        kept.row.push_back(i);
        kept.col.push_back(j);
        kept.a.push_back(per_row[i] * P[t]);
        kept.b.push_back(per_col[j] * P[t]);
    }
    return kept;
}

double safe_upper(const Gauge& gauge, const Matrix& moment, double masses) {
    const auto d = double(moment.rows());
    const double value = gauge.value(moment);
    return value + 16.0 * d * epsilon * value +
           gauge.comparison_constants(int(moment.rows())).upper * 16.0 * epsilon * masses;
}

double product_error(const Matrix& metric) {
    return 4.0 * double(metric.rows() + 8) * epsilon * metric.norm();
}

double safe_lower(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Matrix& metric,
                  const GrowthPotentials& potentials, double excess) {
    CompensatedSum sum;
    double magnitude = 0.0, mass_0 = 0.0, mass_1 = 0.0;
    const auto add = [&](const SphericalMeasure& measure, const Vector& potential, double& mass) {
        for (Index i = 0; i < measure.size(); ++i) {
            if (!(measure.masses[i] > 0.0)) continue;
            const Eigen::RowVectorXd direction = measure.directions.row(i);
            const double term = direction.dot(direction * metric);
            sum.add(measure.masses[i] * (term - potential[i]));
            magnitude += measure.masses[i] * (metric.norm() + potential[i]);
            mass += measure.masses[i];
        }
    };
    add(nu0, potentials.u, mass_0);
    add(nu1, potentials.v, mass_1);
    // (u + s)(v + ε²/s) ≥ (√(uv) + ε)²: raised by these, the potentials are feasible; s is best at ε√(mass_1/mass_0).
    const double raise = 2.0 * (2.0 * product_error(metric)) * std::sqrt(mass_0) * std::sqrt(mass_1);
    const double rounding = double(metric.rows() + 8) * epsilon * magnitude;
    const double lower = sum.value() - raise - rounding;
    return std::max(0.0, lower / (1.0 + excess) * (1.0 - 64.0 * double(metric.rows()) * epsilon));
}

}  // namespace spectralot::sphere
