#include "spectralot/transport/verify.hpp"

#include "core/compensated_sum.hpp"
#include "linalg/decompositions.hpp"
#include "spectralot/core/errors.hpp"
#include "transport/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spectralot {

namespace {

void check_input(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const SparsePlan& plan, const Matrix& metric,
                 const Potentials& potentials) {
    const Index n = mu.size(), m = nu.size(), d = mu.dimension();
    const auto shape = [](Index rows, Index cols) { return std::to_string(rows) + "x" + std::to_string(cols); };
    if (plan.n_rows != n || plan.n_cols != m)
        throw_invalid("plan", "must be " + shape(n, m), shape(plan.n_rows, plan.n_cols));
    if (plan.row.size() != plan.mass.size() || plan.col.size() != plan.mass.size()) {
        throw_invalid("plan", "rows, columns and masses must have the same length",
                      std::to_string(plan.row.size()) + ", " + std::to_string(plan.col.size()) + ", " +
                          std::to_string(plan.mass.size()));
    }
    for (std::size_t t = 0; t < plan.size(); ++t) {
        if (plan.row[t] < 0 || plan.row[t] >= n)
            throw_invalid("plan", "row index out of range", std::to_string(plan.row[t]));
        if (plan.col[t] < 0 || plan.col[t] >= m)
            throw_invalid("plan", "column index out of range", std::to_string(plan.col[t]));
        if (!(plan.mass[t] >= 0.0 && std::isfinite(plan.mass[t]))) {
            throw_invalid("plan", "masses must be finite and non-negative", to_text(plan.mass[t]));
        }
    }
    if (metric.rows() != d || metric.cols() != d)
        throw_invalid("metric", "must be " + shape(d, d), shape(metric.rows(), metric.cols()));
    if (!metric.allFinite()) throw_invalid("metric", "must be finite", "NaN or infinity");
    if (!metric.isApprox(metric.transpose(), 1e-9))
        throw_invalid("metric", "must be symmetric", "a matrix that is not");
    if (potentials.a.size() != n)
        throw_invalid("potentials", "first must have length " + std::to_string(n), std::to_string(potentials.a.size()));
    if (potentials.b.size() != m)
        throw_invalid("potentials", "second must have length " + std::to_string(m),
                      std::to_string(potentials.b.size()));
    if (!potentials.a.allFinite() || !potentials.b.allFinite())
        throw_invalid("potentials", "must be finite", "NaN or infinity");
}

/// Above twice what `verify` moves an end outwards by for a metric in K and potentials of the size of the costs: an
/// honest claim passes.
double rounding_of(const Gauge& gauge, Index d, double diameter) {
    const ComparisonConstants constants = gauge.comparison_constants(int(d));
    const double largest = std::max(std::abs(constants.lower), std::abs(constants.upper));
    return 64.0 * double(d + 4) * epsilon * largest * diameter * diameter;
}

/// The atoms that carry mass, in the coordinates u with (y-x)ᵀQ(y-x) = Σ_r sign_r (u_r(y)-u_r(x))².
struct Side {
    std::vector<Index> atoms;
    Points u;
    Vector potential;
    Vector mass;  // normalised
};

Side project(const DiscreteMeasure& measure, const Vector& potential, const Eigen::RowVectorXd& centre,
             const Matrix& map) {
    Side side;
    CompensatedSum total;
    for (Index i = 0; i < measure.size(); ++i) {
        const double w = measure.weights.size() ? measure.weights(i) : 1.0;
        if (w > 0.0) side.atoms.push_back(i);
        total.add(w);
    }
    const auto n = Index(side.atoms.size());
    side.u.resize(n, map.cols());
    side.potential.resize(n);
    side.mass.resize(n);
    for (Index t = 0; t < n; ++t) {
        const Index i = side.atoms[std::size_t(t)];
        side.u.row(t) = (measure.points.row(i) - centre) * map;
        side.potential(t) = potential(i);
        side.mass(t) = (measure.weights.size() ? measure.weights(i) : 1.0) / total.value();
    }
    return side;
}

/// For every x: min over y of c(x,y) - g(y), by all pairs; incomplete once cancelled.
Vector c_transform(const Side& x, const Side& y, const Vector& signs, const CancelToken& cancel) {
    const Vector offset = (y.u.cwiseAbs2() * signs) - y.potential;
    const Points signed_y = y.u * signs.asDiagonal();
    Vector least(x.u.rows());
    constexpr Index pairs = 1 << 22;  // at once: bounds the memory and the time between two looks at `cancel`
    const Index block = std::clamp<Index>(pairs / y.u.rows(), 1, 64);
    Points products;
    for (Index start = 0; start < x.u.rows() && !cancel.requested(); start += block) {
        const Index rows = std::min(block, x.u.rows() - start);
        products.noalias() = x.u.middleRows(start, rows) * signed_y.transpose();
        for (Index i = 0; i < rows; ++i) {
            const double own = x.u.row(start + i).cwiseAbs2().dot(signs);
            least(start + i) = own + (offset.transpose() - 2.0 * products.row(i)).minCoeff();
        }
    }
    return least;
}

/// The same on the line (one coordinate, sign +): lower envelope of the parabolas (u - v_j)² - g_j.
Vector c_transform_line(const Side& x, const Side& y) {
    const auto sorted = [](const Points& u) {
        std::vector<Index> order(std::size_t(u.rows()));
        std::iota(order.begin(), order.end(), Index(0));
        std::sort(order.begin(), order.end(), [&](Index i, Index j) { return u(i, 0) < u(j, 0); });
        return order;
    };
    std::vector<Index> hull;     // parabolas on the envelope, left to right
    std::vector<double> starts;  // where each takes over
    for (const Index j : sorted(y.u)) {
        const double v = y.u(j, 0), h = v * v - y.potential(j);
        double start = -infinity;
        while (!hull.empty()) {
            const double w = y.u(hull.back(), 0), k = w * w - y.potential(hull.back());
            if (v == w) {
                if (k <= h) break;
            } else {
                start = (h - k) / (2.0 * (v - w));
                if (start > starts.back()) break;
            }
            hull.pop_back();
            starts.pop_back();
            start = -infinity;
        }
        if (!hull.empty() && y.u(hull.back(), 0) == v) continue;
        hull.push_back(j);
        starts.push_back(start);
    }
    Vector least(x.u.rows());
    std::size_t current = 0;
    for (const Index i : sorted(x.u)) {
        const double u = x.u(i, 0);
        while (current + 1 < hull.size() && starts[current + 1] <= u) ++current;
        double best = infinity;  // rounding may put u on the wrong side of a crossing: look at both neighbours
        for (std::size_t t = current > 0 ? current - 1 : 0; t < std::min(current + 2, hull.size()); ++t) {
            const double difference = u - y.u(hull[t], 0);
            best = std::min(best, difference * difference - y.potential(hull[t]));
        }
        least(i) = best;
    }
    return least;
}

}  // namespace

bool Verification::confirms(const Certificate& claimed) const {
    return certificate.lower >= claimed.lower - rounding && certificate.upper <= claimed.upper + rounding;
}

Verification verify(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge, const SparsePlan& plan,
                    const Matrix& metric, const Potentials& potentials, const CancelToken& cancel) {
    check_pair(mu, nu);
    gauge.check_dimension(int(mu.dimension()));
    check_input(mu, nu, plan, metric, potentials);

    Verification result;
    const double diameter = diameter_bound(mu, nu);
    result.marginal_error = marginal_error(plan, mu, nu);
    result.certificate.upper =
        safe_upper(gauge, second_moment(plan, mu.points, nu.points), result.marginal_error, diameter);
    result.metric_excess = gauge.membership_excess(metric);
    result.rounding = rounding_of(gauge, mu.dimension(), diameter);

    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(metric);
    const Vector& lambda = eigen.eigenvalues();
    const double largest = lambda.cwiseAbs().maxCoeff();
    const Index d = lambda.size();
    const bool line =
        largest == lambda(d - 1) && (d == 1 || lambda.head(d - 1).cwiseAbs().maxCoeff() <= 1e-14 * largest);
    const Index used = line ? 1 : d;
    const Matrix map = eigen.eigenvectors().rightCols(used) * lambda.tail(used).cwiseAbs().cwiseSqrt().asDiagonal();
    const Vector signs = lambda.tail(used).cwiseSign();
    const double map_error = (metric - map * signs.asDiagonal() * map.transpose()).norm();

    const Eigen::RowVectorXd centre = mu.points.colwise().mean();
    const Side x = project(mu, potentials.a, centre, map), y = project(nu, potentials.b, centre, map);
    const Vector least = line ? c_transform_line(x, y) : c_transform(x, y, signs, cancel);
    if (cancel.requested()) {
        result.certificate.lower = gauge.is_monotone() ? 0.0 : -infinity;
        return result;
    }

    CompensatedSum sum;
    double magnitude = 0.0;
    result.worst_slack = infinity;
    for (Index i = 0; i < least.size(); ++i) {
        const double slack = least(i) - x.potential(i);
        result.worst_slack = std::min(result.worst_slack, slack);
        sum.add(x.mass(i) * (x.potential(i) + std::min(slack, 0.0)));
        magnitude += x.mass(i) * std::abs(x.potential(i));
    }
    for (Index j = 0; j < y.mass.size(); ++j) {
        sum.add(y.mass(j) * y.potential(j));
        magnitude += y.mass(j) * std::abs(y.potential(j));
    }
    const double largest_potential = y.potential.cwiseAbs().maxCoeff() + x.potential.cwiseAbs().maxCoeff();
    const double rounding = (map_error + 16.0 * double(d + 4) * epsilon * largest) * diameter * diameter +
                            8.0 * epsilon * (largest_potential + magnitude);
    const double lower = sum.value() - rounding;
    const double scaled = lower > 0.0 ? lower / (1.0 + result.metric_excess) : lower * (1.0 + result.metric_excess);
    result.certificate.lower = scaled - 8.0 * epsilon * std::abs(scaled);
    if (gauge.is_monotone()) result.certificate.lower = std::max(result.certificate.lower, 0.0);
    return result;
}

}  // namespace spectralot
