#include "spectralot/discrete/exact_transport.hpp"

#include "discrete/certify.hpp"
#include "discrete/frame.hpp"
#include "discrete/least_slacks.hpp"
#include "discrete/network.hpp"
#include "discrete/sorted.hpp"
#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>
#include <variant>

namespace spectralot {

namespace {

std::vector<int> atoms_with_mass(const DiscreteMeasure& measure) {
    std::vector<int> atoms;
    for (int i = 0; i < measure.size(); ++i) {
        if (measure.weights.size() == 0 || measure.weights[i] > 0.0) atoms.push_back(i);
    }
    return atoms;
}

std::vector<double> masses(const DiscreteMeasure& measure, const std::vector<int>& atoms) {
    std::vector<double> result;
    result.reserve(atoms.size());
    for (const int i : atoms) result.push_back(measure.weights.size() > 0 ? measure.weights[i] : 1.0);
    return result;
}

void check_metric(const Matrix& Q, Index dimension) {
    const std::string wanted = std::to_string(dimension) + "x" + std::to_string(dimension);
    if (Q.rows() != dimension || Q.cols() != dimension) {
        throw_invalid("Q", "needs shape " + wanted, std::to_string(Q.rows()) + "x" + std::to_string(Q.cols()));
    }
    if (!Q.allFinite()) throw_invalid("Q", "needs finite entries", "nan or infinity");
    const double asymmetry = (Q - Q.transpose()).cwiseAbs().maxCoeff();
    if (asymmetry > 1e-12 * Q.cwiseAbs().maxCoeff()) {
        throw_invalid("Q", "needs to be symmetric", "an asymmetry of " + to_text(asymmetry));
    }
}

SparsePlan as_plan(std::vector<PlanEntry> entries, const std::vector<int>& rows, const std::vector<int>& cols,
                   Index n_rows, Index n_cols) {
    std::sort(entries.begin(), entries.end(),
              [](const PlanEntry& s, const PlanEntry& t) { return s.row != t.row ? s.row < t.row : s.col < t.col; });
    SparsePlan plan{n_rows, n_cols, {}, {}, {}};
    for (const PlanEntry& entry : entries) {
        plan.row.push_back(rows[entry.row]);
        plan.col.push_back(cols[entry.col]);
        plan.mass.push_back(entry.mass);
    }
    return plan;
}

}  // namespace

struct ExactTransport::State {
    DiscreteMeasure mu;
    DiscreteMeasure nu;
    CentredPair pair;
    std::vector<int> rows;  // atoms with mass: the others take no part in the transport
    std::vector<int> cols;
    std::variant<NetworkTransport<std::int64_t>, NetworkTransport<Int128>> network;
    std::optional<Matrix> last_metric;

    State(const DiscreteMeasure& mu_, const DiscreteMeasure& nu_)
        : mu(mu_),
          nu(nu_),
          pair(mu, nu),
          rows(atoms_with_mass(mu)),
          cols(atoms_with_mass(nu)),
          network(std::visit([](auto supplies) -> decltype(network) { return NetworkTransport(std::move(supplies)); },
                             make_supplies(masses(mu, rows), masses(nu, cols)))) {}

    /// Is the last basis a better start than a fresh one? In the plane a solve from scratch is so fast that only small
    /// changes of the metric make the old basis worth keeping; in high dimension it always is.
    [[nodiscard]] bool prefers_warm_start(const Matrix& metric, Index rank) const {
        if (!last_metric) return false;
        if (rank > 3) return true;
        const Matrix change = metric / metric.norm() - *last_metric / last_metric->norm();
        const double n = static_cast<double>(std::max(rows.size(), cols.size()));
        return change.norm() < 0.05 * std::sqrt(1e4 / n);
    }

    Basis optimal_basis(const Frame& frame, SolveContext& context) {
        return std::visit(
            [&](auto& solver) {
                const Points u = gather(frame.u, rows), w = gather(frame.w, cols);
                if (frame.rank() == 1) return sorted_transport(u, w, solver.supplies());
                if (solver.has_basis() && prefers_warm_start(frame.metric, frame.rank())) {
                    solver.solve_warm(u, w, context);
                } else {
                    EmbeddedClouds clouds{gather(pair.x, rows), gather(pair.y, cols), frame.x_axes, frame.y_axes};
                    solver.solve_cold(clouds, context);
                }
                last_metric = frame.metric;
                return solver.basis(u, w);
            },
            network);
    }

    /// Changes Q and its frame on the way down, and returns the basis for the last one.
    Basis steered_basis(Matrix& Q, Frame& frame, const MetricSteering& steer, SolveContext& context) {
        if (frame.rank() == 1) return optimal_basis(frame, context);
        const double unit = std::ldexp(1.0, 2 * pair.exponent);
        return std::visit(
            [&](auto& solver) {
                EmbeddedClouds clouds{gather(pair.x, rows), gather(pair.y, cols), frame.x_axes, frame.y_axes};
                solver.solve_cold(clouds, context, [&](const Matrix& moment, Index n_clusters, EmbeddedClouds& here) {
                    const auto next = steer(Q, unit * (moment + pair.shift * pair.shift.transpose()), n_clusters);
                    if (!next) return false;
                    frame = Frame(pair, Q = *next);
                    here.x_axes = frame.x_axes;
                    here.y_axes = frame.y_axes;
                    return true;
                });
                last_metric = frame.metric;
                return solver.basis(gather(frame.u, rows), gather(frame.w, cols));
            },
            network);
    }

    ExactResult certified(const Basis& basis, const Frame& frame, const SolveContext& context) const {
        const Conjugates dual = complete_potentials(basis.dual, basis.is_feasible, rows, cols, frame, context);
        ExactResult result;
        result.plan = as_plan(basis.plan, rows, cols, mu.size(), nu.size());
        result.moment = second_moment(result.plan, mu.points, nu.points);
        auto [potentials, lower] = certify_lower(dual, pair, frame, mu, nu);
        result.potentials = std::move(potentials);
        result.certificate = {lower, certify_upper(result.plan, pair, frame, mu, nu)};
        result.status = context.cancelled() ? Status::Interrupted : Status::Solved;
        result.n_pivots = context.n_pivots;
        return result;
    }
};

ExactTransport::ExactTransport(const DiscreteMeasure& mu, const DiscreteMeasure& nu)
    : state_((check_pair(mu, nu), std::make_unique<State>(mu, nu))) {}
ExactTransport::~ExactTransport() = default;
ExactTransport::ExactTransport(ExactTransport&&) noexcept = default;
ExactTransport& ExactTransport::operator=(ExactTransport&&) noexcept = default;

ExactResult ExactTransport::solve(const Matrix& Q, const ExactOptions& options) {
    State& s = *state_;
    check_metric(Q, s.mu.dimension());
    SolveContext context{options.n_threads, options.cancel, 0};

    const Frame frame(s.pair, Q);
    return s.certified(s.optimal_basis(frame, context), frame, context);
}

ExactResult ExactTransport::descend(Matrix& Q, const MetricSteering& steer, const ExactOptions& options) {
    State& s = *state_;
    check_metric(Q, s.mu.dimension());
    SolveContext context{options.n_threads, options.cancel, 0};
    Frame frame(s.pair, Q);
    const Basis basis = s.steered_basis(Q, frame, steer, context);
    return s.certified(basis, frame, context);
}

PricedPotentials ExactTransport::price(const Matrix& Q, const Potentials& guess, int per_point,
                                       const ExactOptions& options) const {
    const State& s = *state_;
    check_metric(Q, s.mu.dimension());
    const SolveContext context{options.n_threads, options.cancel, 0};
    const Frame frame(s.pair, Q);
    LeastSlacks found = least_slacks(guess, s.rows, s.cols, s.pair, frame, per_point, context);
    auto [potentials, lower] = certify_lower(complete_potentials(found.dual, false, s.rows, s.cols, frame, context),
                                             s.pair, frame, s.mu, s.nu);
    return {std::move(potentials), lower, std::move(found.row), std::move(found.col), std::move(found.slack)};
}

}  // namespace spectralot
