#include "sphere/growth_transport.hpp"

#include "sphere/soft_transport.hpp"

#include <Eigen/SparseCholesky>

#include <algorithm>
#include <cmath>

namespace spectralot::sphere {

namespace {

constexpr int max_steps = 300;
constexpr double start_factor = 2.75;  // u v of the first iterate over the least allowed
constexpr int start_partners = 8;      // per atom
constexpr int partners_per_step = 8;   // per atom: pairs that join because they are nearly tight
constexpr double boundary_share = 0.95;
constexpr double least_share = 0.5;  // of a step: shorter ones are not taken when new pairs are to blame
constexpr double near_share = 3.0;   // slack, in units of that of a typical pair in use, at which they join

/// How far x > 0 may go along a change, at most 1, if it may lose this share of what it has.
double longest(const std::vector<double>& x, const std::vector<double>& change, double share) {
    double length = 1.0;
    for (std::size_t t = 0; t < x.size(); ++t)
        if (change[t] < 0.0) length = std::min(length, -share * x[t] / change[t]);
    return length;
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

void GrowthTransport::start(const CancelToken& cancel) {
    const SoftTransport soft = soft_transport(pair_.x, pair_.a, z_, pair_.b, start_partners, floor_, cancel);
    at_ = {soft.alpha, soft.beta, {}, {}, {}, {}};
    if (soft.pairs.size() == 0) return;  // nobody has a partner
    const double tightest = row_maxima(divided(pair_.x, soft.alpha), divided(z_, soft.beta)).maxCoeff();
    const double level = std::log(tightest) + 0.5 * std::log(start_factor);
    at_.alpha.array() += level;
    at_.beta.array() += level;
    add_arcs(soft.pairs, 1.0);
    const double total_a = pair_.a.dot(at_.alpha.array().exp().matrix()),
                 total_b = pair_.b.dot(at_.beta.array().exp().matrix());
    double sum = 0.0;
    for (const double flow : at_.flow) sum += flow;
    const double scale = start_factor * std::sqrt(total_a) * std::sqrt(total_b) / sum;
    for (double& flow : at_.flow) flow *= scale;
}

GrowthTransport::State GrowthTransport::measure() const {
    const Index n = pair_.a.size(), m = pair_.b.size();
    const std::size_t size = at_.arcs.size();
    State state;
    state.nodes.resize(n + m);
    state.nodes << pair_.a.cwiseProduct(at_.alpha.array().exp().matrix()),
        pair_.b.cwiseProduct(at_.beta.array().exp().matrix());
    Vector flow = Vector::Zero(n + m);
    for (std::size_t t = 0; t < size; ++t) {
        flow[at_.arcs.row[t]] += at_.flow[t];
        flow[n + at_.arcs.col[t]] += at_.flow[t];
        state.mu += at_.flow[t] * at_.slack[t];
    }
    state.mu /= double(size);
    const double dual = state.nodes.sum();
    double primal = 0.0;
    for (std::size_t t = 0; t < size; ++t) {
        const Index i = at_.arcs.row[t], j = at_.arcs.col[t];
        primal += 2.0 * std::exp(-0.5 * at_.cost[t]) *
                  (at_.flow[t] * std::sqrt(pair_.a[i] / flow[i]) * std::sqrt(pair_.b[j] / flow[n + j]));
    }
    state.relative_gap = (dual - primal) / dual;
    state.near = std::min(1.0, near_share * state.mu * double(n + m) / dual);
    return state;
}

GrowthTransport::Step GrowthTransport::direction(const Newton& newton, const State& state, double target,
                                                 const Step* predictor) const {
    const Index n = pair_.a.size();
    const std::size_t size = at_.arcs.size();
    Step step{.phi = {}, .slack = std::vector<double>(size), .flow = std::vector<double>(size)};
    Vector rhs = -state.nodes;
    if (predictor) rhs -= 0.5 * state.nodes.cwiseProduct(predictor->phi.cwiseAbs2());
    for (std::size_t t = 0; t < size; ++t) {
        const double second_order = predictor ? predictor->slack[t] * predictor->flow[t] : 0.0;
        step.flow[t] = (target - second_order) / at_.slack[t];  // the flow aimed at
        rhs[at_.arcs.row[t]] += step.flow[t];
        rhs[n + at_.arcs.col[t]] += step.flow[t];
    }
    step.phi = newton.solve(rhs);
    for (std::size_t t = 0; t < size; ++t) {
        step.slack[t] = step.phi[at_.arcs.row[t]] + step.phi[n + at_.arcs.col[t]];
        step.flow[t] -= at_.flow[t] * (1.0 + step.slack[t] / at_.slack[t]);
    }
    return step;
}

double GrowthTransport::corrected_target(const Step& predictor, double mu) const {
    const double length = std::min(longest(at_.slack, predictor.slack, 1.0), longest(at_.flow, predictor.flow, 1.0));
    double left = 0.0;
    for (std::size_t t = 0; t < at_.arcs.size(); ++t)
        left += (at_.slack[t] + length * predictor.slack[t]) * (at_.flow[t] + length * predictor.flow[t]);
    const double ratio = left / (mu * double(at_.arcs.size()));
    return std::max(ratio * ratio * ratio, 1e-4) * mu;
}

PairList GrowthTransport::joining_pairs(const Vector& phi, double near, double& length) const {
    const Index n = pair_.a.size();
    const double wanted = length;
    for (;;) {
        PairList joining = tight_pairs(at_.alpha + length * phi.head(n), at_.beta + length * phi.tail(phi.size() - n),
                                       partners_per_step, near);
        double allowed = length;
        for (std::size_t t = 0; t < joining.size(); ++t) {
            const int i = joining.row[t], j = joining.col[t];
            const double slack = at_.alpha[i] + at_.beta[j] - 2.0 * std::log(product(i, j));
            const double change = phi[i] + phi[n + j];
            if (slack + length * change < 0.1 * slack) allowed = std::min(allowed, 0.8 * slack / -change);
        }
        if (allowed == length) return joining;
        length = allowed;
        if (length < least_share * wanted) return joining;
    }
}

GrowthTransport::Solution GrowthTransport::solve(const Matrix& metric, double tol, const CancelToken& cancel) {
    embed(metric);
    start(cancel);
    Newton newton;
    int steps = 0;
    for (; steps < max_steps && at_.arcs.size() > 0 && !cancel.requested(); ++steps) {
        update_slacks();
        const State state = measure();
        if (state.relative_gap <= tol || !newton.factor(at_, state.nodes)) break;
        const Step predictor = direction(newton, state, 0.0, nullptr);
        const double target = corrected_target(predictor, state.mu);
        const Step step = direction(newton, state, target, &predictor);
        const auto is_finite = [](double v) { return std::isfinite(v); };
        if (!step.phi.allFinite() || !std::ranges::all_of(step.flow, is_finite)) break;  // precision is exhausted

        const double wanted =
            std::min(longest(at_.slack, step.slack, boundary_share), 1.0 / step.phi.cwiseAbs().maxCoeff());
        double length = wanted;
        const PairList joining = joining_pairs(step.phi, state.near, length);
        if (length < least_share * wanted) {  // a better direction knows of them
            add_arcs(joining, state.mu);
            continue;
        }
        const double primal = longest(at_.flow, step.flow, boundary_share);
        for (std::size_t t = 0; t < at_.arcs.size(); ++t) at_.flow[t] += primal * step.flow[t];
        at_.alpha += length * step.phi.head(at_.alpha.size());
        at_.beta += length * step.phi.tail(at_.beta.size());
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
