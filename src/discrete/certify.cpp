#include "discrete/certify.hpp"

#include "core/compensated_sum.hpp"
#include "discrete/envelope.hpp"
#include "discrete/hierarchy.hpp"

#include <cmath>
#include <utility>

namespace spectralot {

namespace {

constexpr double unit_roundoff = epsilon / 2.0;

/// The envelope of the pieces at the queries; sorts both spatially where trees of pieces want it.
Vector envelope_values(const Points& points, const Vector& offset, const Points& hint, const Points& queries,
                       const SolveContext& context) {
    BestPieces best(queries.rows(), 1);
    if (points.cols() > largest_tree_dimension) {
        make_envelope(points, offset, hint)->search(queries, {}, best, context);
        return Eigen::Map<const Vector>(best.value.data(), queries.rows());
    }
    const std::vector<int> pieces = Hierarchy(points).order();
    const std::vector<int> asked = Hierarchy(queries).order();
    Vector sorted_offset(offset.size());
    for (Index k = 0; k < offset.size(); ++k) sorted_offset[k] = offset[pieces[k]];
    make_envelope(gather(points, pieces), sorted_offset, gather(hint, pieces))
        ->search(gather(queries, asked), {}, best, context);
    Vector values(queries.rows());
    for (Index k = 0; k < values.size(); ++k) values[asked[k]] = best.value[k];
    return values;
}

std::vector<int> others(const std::vector<int>& active, Index size) {
    std::vector<int> rest;
    std::size_t next = 0;
    for (int i = 0; i < size; ++i) {
        if (next < active.size() && active[next] == i) {
            ++next;
        } else {
            rest.push_back(i);
        }
    }
    return rest;
}

/// Σ w_i values_i / Σ w and Σ w_i |values_i| / Σ w, for the weights of a measure.
std::pair<double, double> weighted_mean(const Vector& weights, const Vector& values) {
    const double scale = weights.size() > 0 ? weights.maxCoeff() : 1.0;
    CompensatedSum mass;
    CompensatedSum sum;
    double size = 0.0;
    for (Index i = 0; i < values.size(); ++i) {
        const double w = weights.size() > 0 ? std::ldexp(weights[i], -std::ilogb(scale)) : 1.0;
        mass.add(w);
        sum.add_product(w, values[i]);
        size += w * std::abs(values[i]);
    }
    return {sum.value() / mass.value(), size / mass.value()};
}

/// How much f_i + g_j, as computed, can exceed (y_j-x_i)ᵀQ(y_j-x_i), in scaled units (first order, doubled at the end).
/// With D = x_radius + y_radius and R = D + |shift|, in units of λ = ‖Q‖:
///   centring and the split into u, w and offsets, u = fl(xA): |A| D per coordinate;
///   the shift terms; the three-term sums f and g; the inner products of the envelope and, in low dimension, the bounds
///   of its tree nodes; of rank one, the sums of slopes times steps (sorted.cpp).
///   The part of Q that UΛUᵀ misses acts on D².
double feasibility_error(const Conjugates& dual, const CentredPair& pair, const Frame& frame) {
    const auto d = static_cast<double>(frame.metric.rows());
    const auto r = static_cast<double>(frame.rank());
    const double reach = pair.x_radius + pair.y_radius;
    const double shift = pair.shift.norm();
    const double whole = reach + shift;
    const double norm = frame.metric_norm;
    const double potentials = dual.phi.cwiseAbs().maxCoeff() + dual.psi.cwiseAbs().maxCoeff();

    const double centring = 3.0 * norm * whole * whole;
    const double change_of_basis = 6.0 * (d + 2.0) * std::sqrt(norm) * frame.axes_norm * reach * reach;
    const double shift_terms = 4.0 * (d + 2.0) * frame.entry_norm * whole * shift;
    const double sums = (r + 6.0) * (3.0 * norm * whole * whole + 2.0 * potentials);
    const double products =
        2.0 * (r + 5.0) * ((0.5 + (r <= 3.0 ? std::sqrt(r) : 0.0)) * norm * reach * reach + 2.0 * potentials);
    const double slopes = r <= 1.0 ? 12.0 * norm * reach * reach : 0.0;
    return unit_roundoff * (centring + change_of_basis + shift_terms + sums + products + slopes) +
           frame.residual * reach * reach;
}

}  // namespace

Conjugates complete_potentials(const Conjugates& active, bool feasible, const std::vector<int>& active_rows,
                               const std::vector<int>& active_cols, const Frame& frame, const SolveContext& context) {
    const Index n = frame.u.rows();
    const Index m = frame.w.rows();
    constexpr double quick = 1e8;  // pairs: a fraction of a second
    if (context.cancelled() && static_cast<double>(n) * static_cast<double>(m) > quick) {
        return {frame.u.rowwise().squaredNorm() / 2.0, frame.w.rowwise().squaredNorm() / 2.0, {}, {}};
    }
    SolveContext to_the_end;  // the pass itself must not stop half-way
    to_the_end.n_threads = context.n_threads;

    const bool has_hints = active.col_hint.rows() > 0;
    Conjugates all{Vector(n), Vector(m), {}, Points::Zero(has_hints ? m : 0, frame.rank())};
    all.psi(active_cols) = active.psi;
    if (has_hints) all.col_hint(active_cols, Eigen::all) = active.col_hint;
    const std::vector<int> idle_cols = others(active_cols, m);
    if (!idle_cols.empty())
        all.psi(idle_cols) = envelope_values(gather(frame.u, active_rows), active.phi, active.row_hint,
                                             gather(frame.w, idle_cols), to_the_end);
    if (feasible) all.phi(active_rows) = active.phi;
    const std::vector<int> rows = others(feasible ? active_rows : std::vector<int>(), n);
    if (!rows.empty())
        all.phi(rows) = envelope_values(frame.w, all.psi, all.col_hint, gather(frame.u, rows), to_the_end);
    return all;
}

CertifiedPotentials certify_lower(const Conjugates& dual, const CentredPair& pair, const Frame& frame,
                                  const DiscreteMeasure& mu, const DiscreteMeasure& nu) {
    Vector f = frame.u.rowwise().squaredNorm() - 2.0 * dual.phi + frame.row_offset;
    Vector g = frame.w.rowwise().squaredNorm() - 2.0 * dual.psi + frame.col_offset;
    const auto [sum_f, size_f] = weighted_mean(mu.weights, f);
    const auto [sum_g, size_g] = weighted_mean(nu.weights, g);
    const double summation = 4.0 * epsilon * (size_f + size_g);
    const double lower = sum_f + sum_g - 2.0 * summation - 2.0 * feasibility_error(dual, pair, frame);

    const int exponent = 2 * pair.exponent + frame.metric_exponent;
    for (double& v : f) v = std::ldexp(v, exponent);
    for (double& v : g) v = std::ldexp(v, exponent);
    return {{std::move(f), std::move(g)}, std::nextafter(std::ldexp(lower, exponent), -infinity)};
}

double certify_upper(const SparsePlan& plan, const CentredPair& pair, const Frame& frame, const DiscreteMeasure& mu,
                     const DiscreteMeasure& nu) {
    const auto d = static_cast<double>(frame.metric.rows());
    CompensatedSum cost;
    double spread = 0.0;  // Σ P |y - x|²
    Vector step(frame.metric.rows());
    for (std::size_t t = 0; t < plan.size(); ++t) {
        step = (pair.y.row(plan.col[t]) - pair.x.row(plan.row[t])).transpose() + pair.shift;
        cost.add(plan.mass[t] * step.dot(frame.metric * step));
        spread += plan.mass[t] * step.squaredNorm();
    }
    const double whole = pair.x_radius + pair.y_radius + pair.shift.norm();
    const double largest_cost = frame.metric_norm * whole * whole;
    const double evaluation = unit_roundoff * ((2.0 * d + 6.0) * frame.entry_norm * spread +
                                               8.0 * frame.metric_norm * whole * std::sqrt(spread));
    const double repair = marginal_error(plan, mu, nu) * largest_cost;
    const double upper = cost.value() + 2.0 * evaluation + 1.01 * repair;
    const int exponent = 2 * pair.exponent + frame.metric_exponent;
    return std::nextafter(std::ldexp(upper, exponent), infinity);
}

}  // namespace spectralot
