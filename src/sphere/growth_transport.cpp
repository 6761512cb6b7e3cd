#include "sphere/growth_transport.hpp"

#include <Eigen/SparseCholesky>

#include <algorithm>
#include <cmath>

namespace spectralot::sphere {

namespace {

constexpr int max_steps = 300;
constexpr double start_factor = 2.75;  // u v of the first iterate over the least allowed
constexpr int start_partners = 8;      // per atom
constexpr int partners_per_step = 8;   // per atom: pairs that join because they are nearly tight
constexpr double near_share = 3.0;     // slack, in units of that of a typical pair in use, at which they join

/// Rows divided by e^{ℓ/2}; rows with ℓ = -infinity, which have no partner, become zero.
Points divided(const Points& points, const Vector& logarithm) {
    const Vector factor = (logarithm.array() == -infinity).select(0.0, (-0.5 * logarithm.array()).exp().matrix());
    return factor.asDiagonal() * points;
}

Vector logarithm_or_none(const Vector& x, double floor) {
    return (x.array() > floor).select(x.array().log().matrix(), -infinity);
}

}  // namespace

/// (D + N Θ Nᵀ) φ = r for the node-arc incidence N of the pairs: rows first, then columns.
class GrowthTransport::Newton {
public:
    bool factor(const Iterate& at, const Vector& nodes) {
        const Index n = at.alpha.size(), size = nodes.size();
        std::vector<Eigen::Triplet<double>> entries;
        entries.reserve(at.arcs.size() + std::size_t(size));
        Vector diagonal = nodes;
        for (std::size_t t = 0; t < at.arcs.size(); ++t) {
            const Index i = at.arcs.row[t], j = n + at.arcs.col[t];
            const double theta = at.flow[t] / at.slack[t];
            diagonal[i] += theta;
            diagonal[j] += theta;
            entries.emplace_back(j, i, theta);
        }
        for (Index k = 0; k < size; ++k) entries.emplace_back(k, k, diagonal[k] > 0.0 ? diagonal[k] : 1.0);
        matrix_.resize(size, size);
        matrix_.setFromTriplets(entries.begin(), entries.end());
        factor_.compute(matrix_);
        return factor_.info() == Eigen::Success;
    }
    [[nodiscard]] Vector solve(const Vector& rhs) const {
        Vector x = factor_.solve(rhs);
        x += factor_.solve(rhs - matrix_.selfadjointView<Eigen::Lower>() * x);
        return x;
    }

private:
    Eigen::SparseMatrix<double> matrix_;
    Eigen::SimplicialLLT<Eigen::SparseMatrix<double>> factor_;
};

void GrowthTransport::embed(const Matrix& metric) {
    z_ = pair_.y * metric;
    norm_ = metric.norm() * (1.0 + 1e-8);
    floor_ = 4.0 * double(metric.rows() + 4) * epsilon * norm_;
}

PairList GrowthTransport::tight_pairs(const Vector& alpha, const Vector& beta, int cap, double slack) const {
    return largest_products(divided(pair_.x, alpha), divided(z_, beta), cap, std::exp(-0.5 * slack), at_.arcs);
}

void GrowthTransport::update_slacks() {
    for (std::size_t t = 0; t < at_.arcs.size(); ++t)
        at_.slack[t] = at_.alpha[at_.arcs.row[t]] + at_.beta[at_.arcs.col[t]] + at_.cost[t];
}

void GrowthTransport::add_arcs(const PairList& found, double mu) {
    if (found.size() == 0) return;
    Iterate old = std::move(at_);
    at_ = {old.alpha, old.beta, {}, {}, {}, {}};
    const auto push = [&](int i, int j, double cost, double slack, double flow) {
        at_.arcs.row.push_back(i);
        at_.arcs.col.push_back(j);
        at_.cost.push_back(cost);
        at_.slack.push_back(slack);
        at_.flow.push_back(flow);
    };
    std::size_t t = 0;
    const auto push_old = [&] {
        push(old.arcs.row[t], old.arcs.col[t], old.cost[t], old.slack[t], old.flow[t]);
        ++t;
    };
    for (std::size_t k = 0; k < found.size(); ++k) {
        const int i = found.row[k], j = found.col[k];
        while (t < old.arcs.size() && (old.arcs.row[t] < i || (old.arcs.row[t] == i && old.arcs.col[t] < j)))
            push_old();
        if (t < old.arcs.size() && old.arcs.row[t] == i && old.arcs.col[t] == j) continue;
        const double K = product(i, j);
        if (!(K > floor_)) continue;
        const double cost = -2.0 * std::log(K), slack = at_.alpha[i] + at_.beta[j] + cost;
        push(i, j, cost, slack, mu / slack);
    }
    while (t < old.arcs.size()) push_old();
}

void GrowthTransport::start() {
    // max_j K_ij · max_i K_ij ≥ K_ij²: feasible, and each atom in its own unit.
    const Vector best_row = row_maxima(pair_.x, z_), best_col = row_maxima(z_, pair_.x);
    at_ = {};
    at_.alpha = logarithm_or_none(best_row, floor_);
    at_.beta = logarithm_or_none(best_col, floor_);
    const double total_a = pair_.a.dot(at_.alpha.array().exp().matrix()),
                 total_b = pair_.b.dot(at_.beta.array().exp().matrix());
    if (!(total_a > 0.0 && total_b > 0.0)) return;  // nobody has a partner
    const double balance = 0.5 * (std::log(total_b) - std::log(total_a));
    at_.alpha.array() += 0.5 * std::log(start_factor) + balance;
    at_.beta.array() += 0.5 * std::log(start_factor) - balance;
    const double floor = 0.0;
    const PairList by_row = largest_products(pair_.x, divided(z_, at_.beta), start_partners, floor, {});
    const PairList by_col = largest_products(z_, divided(pair_.x, at_.alpha), start_partners, floor, {});
    add_arcs(by_row, 1.0);
    std::vector<std::pair<int, int>> turned;
    turned.reserve(by_col.size());
    for (std::size_t t = 0; t < by_col.size(); ++t) turned.emplace_back(by_col.col[t], by_col.row[t]);
    std::sort(turned.begin(), turned.end());
    PairList sorted;
    for (const auto& [i, j] : turned) {
        sorted.row.push_back(i);
        sorted.col.push_back(j);
    }
    add_arcs(sorted, 1.0);
    double sum = 0.0;
    for (const double flow : at_.flow) sum += flow;
    const double scale = start_factor * std::sqrt(total_a) * std::sqrt(total_b) / sum;
    for (double& flow : at_.flow) flow *= scale;
}

GrowthTransport::Solution GrowthTransport::solve(const Matrix& metric, double tol, const CancelToken& cancel) {
    embed(metric);
    start();
    const Index n = pair_.a.size(), m = pair_.b.size();
    Newton newton;
    int steps = 0;
    for (; steps < max_steps && at_.arcs.size() > 0 && !cancel.requested(); ++steps) {
        update_slacks();
        const std::size_t size = at_.arcs.size();
        Vector nodes(n + m);  // a u and b v: what the flow should be at every atom
        nodes << pair_.a.cwiseProduct(at_.alpha.array().exp().matrix()),
            pair_.b.cwiseProduct(at_.beta.array().exp().matrix());
        Vector flow = Vector::Zero(n + m);
        double mu = 0.0;
        for (std::size_t t = 0; t < size; ++t) {
            flow[at_.arcs.row[t]] += at_.flow[t];
            flow[n + at_.arcs.col[t]] += at_.flow[t];
            mu += at_.flow[t] * at_.slack[t];
        }
        mu /= double(size);
        const double dual = nodes.sum();
        double primal = 0.0;
        for (std::size_t t = 0; t < size; ++t) {
            const Index i = at_.arcs.row[t], j = at_.arcs.col[t];
            primal += 2.0 * std::exp(-0.5 * at_.cost[t]) *
                      (at_.flow[t] * std::sqrt(pair_.a[i] / flow[i]) * std::sqrt(pair_.b[j] / flow[n + j]));
        }
        if (dual - primal <= tol * dual) break;

        if (!newton.factor(at_, nodes)) break;
        const auto change = [&](const Vector& phi, std::size_t t) {
            return phi[at_.arcs.row[t]] + phi[n + at_.arcs.col[t]];
        };
        // Predictor.
        Vector phi = newton.solve(-nodes);
        double length = 1.0, affine = 0.0;
        for (std::size_t t = 0; t < size; ++t) {
            const double ds = change(phi, t), dp = -at_.flow[t] * (1.0 + ds / at_.slack[t]);
            if (ds < 0.0) length = std::min(length, -at_.slack[t] / ds);
            if (dp < 0.0) length = std::min(length, -at_.flow[t] / dp);
        }
        for (std::size_t t = 0; t < size; ++t) {
            const double ds = change(phi, t), dp = -at_.flow[t] * (1.0 + ds / at_.slack[t]);
            affine += (at_.slack[t] + length * ds) * (at_.flow[t] + length * dp);
        }
        const double ratio = affine / (mu * double(size)), target = std::max(ratio * ratio * ratio, 1e-4) * mu;
        // Corrector: the second-order terms of s·P and of the exponentials.
        std::vector<double> aim(size);
        Vector rhs = -nodes - 0.5 * nodes.cwiseProduct(phi.cwiseAbs2());
        for (std::size_t t = 0; t < size; ++t) {
            const double ds = change(phi, t), dp = -at_.flow[t] * (1.0 + ds / at_.slack[t]);
            aim[t] = (target - ds * dp) / at_.slack[t];
            rhs[at_.arcs.row[t]] += aim[t];
            rhs[n + at_.arcs.col[t]] += aim[t];
        }
        phi = newton.solve(rhs);
        double dual_step = std::min(1.0, 1.0 / phi.cwiseAbs().maxCoeff()), primal_step = 1.0;
        for (std::size_t t = 0; t < size; ++t) {
            const double ds = change(phi, t), dp = aim[t] - at_.flow[t] * (1.0 + ds / at_.slack[t]);
            if (ds < 0.0) dual_step = std::min(dual_step, -0.95 * at_.slack[t] / ds);
            if (dp < 0.0) primal_step = std::min(primal_step, -0.95 * at_.flow[t] / dp);
        }
        // Pairs outside must stay feasible too: those that would not be join, and shorten the step.
        const double wanted = dual_step, near = std::min(1.0, near_share * mu * double(n + m) / dual);
        PairList joining;
        for (;;) {
            joining = tight_pairs(at_.alpha + dual_step * phi.head(n), at_.beta + dual_step * phi.tail(m),
                                  partners_per_step, near);
            double allowed = dual_step;
            for (std::size_t t = 0; t < joining.size(); ++t) {
                const int i = joining.row[t], j = joining.col[t];
                const double slack = at_.alpha[i] + at_.beta[j] - 2.0 * std::log(product(i, j));
                const double ds = phi[i] + phi[n + j];
                if (slack + dual_step * ds < 0.1 * slack) allowed = std::min(allowed, 0.8 * slack / -ds);
            }
            if (allowed == dual_step) break;
            dual_step = allowed;
            if (dual_step < 0.5 * wanted) break;
        }
        if (dual_step < 0.5 * wanted) {  // a better direction knows of them
            add_arcs(joining, mu);
            continue;
        }
        for (std::size_t t = 0; t < size; ++t) {
            const double ds = change(phi, t);
            at_.flow[t] += primal_step * (aim[t] - at_.flow[t] * (1.0 + ds / at_.slack[t]));
        }
        at_.alpha += dual_step * phi.head(n);
        at_.beta += dual_step * phi.tail(m);
        update_slacks();
        add_arcs(joining, target);
    }
    Solution solution = finish();
    solution.n_steps = steps;
    return solution;
}

GrowthTransport::Solution GrowthTransport::finish() const {
    Solution solution;
    const Index n = pair_.a.size(), m = pair_.b.size();
    Vector row_flow = Vector::Zero(n), col_flow = Vector::Zero(m);
    for (std::size_t t = 0; t < at_.arcs.size(); ++t) {
        row_flow[at_.arcs.row[t]] += at_.flow[t];
        col_flow[at_.arcs.col[t]] += at_.flow[t];
    }
    for (std::size_t t = 0; t < at_.arcs.size(); ++t) {
        const Index i = at_.arcs.row[t], j = at_.arcs.col[t];
        pair_.push(solution.coupling, i, j, at_.flow[t] / row_flow[i], at_.flow[t] / col_flow[j]);
    }
    // v_j = max_i K_ij²/u_i: feasible to rounding, and no smaller v is.
    const Vector u = at_.alpha.array().exp().matrix();
    const Vector v = row_maxima(z_, divided(pair_.x, at_.alpha)).cwiseAbs2();
    solution.potentials = pair_.expand(u, v, norm_);
    return solution;
}

}  // namespace spectralot::sphere
