/// What the phases of one static solve share: the measures, the best primal and dual points so far, and when to stop.
#pragma once

#include "spectralot/transport/solve.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace spectralot {

/// Optimal plans met so far, and mixtures of them.
class PlanMixture {
public:
    PlanMixture(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge);

    void add(SparsePlan plan, const Matrix& moment);
    [[nodiscard]] Index size() const { return Index(plans_.size()); }
    [[nodiscard]] const std::vector<Matrix>& moments() const { return moments_; }
    /// Upper bound of W_γ² proved by the mixture with these weights.
    [[nodiscard]] double upper(const Vector& weights) const;
    /// The weights without the plans whose absence costs at most `allowance`: a sparser coupling.
    [[nodiscard]] Vector sparsified(const Vector& weights, double allowance) const;
    [[nodiscard]] SparsePlan mixed(const Vector& weights) const;
    [[nodiscard]] double diameter() const { return diameter_; }

private:
    const DiscreteMeasure& mu_;
    const DiscreteMeasure& nu_;
    const Gauge& gauge_;
    double diameter_;
    double missing_mass_ = 0.0;
    std::vector<SparsePlan> plans_;
    std::vector<Matrix> moments_;
};

/// Says when the gap has not become `factor` times smaller within `window` iterations.
class StallDetector {
public:
    StallDetector(std::size_t window, double factor) : window_(window), factor_(factor) {}
    [[nodiscard]] bool stalls(double gap) {
        gaps_.push_back(gap);
        const std::size_t n = gaps_.size();
        return n > window_ && gap > gaps_[n - 1 - window_] / factor_;
    }

private:
    std::size_t window_;
    double factor_;
    std::vector<double> gaps_;
};

class Pilot;

/// In the unit in which the coordinates have size one; history and progress are in the caller's.
class Search {
public:
    Search(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge, const TransportOptions& options,
           const Observer& observer, double unit);

    const DiscreteMeasure& mu;
    const DiscreteMeasure& nu;
    const Gauge& gauge;
    const TransportOptions& options;
    const Observer& observer;
    ExactTransport oracle;
    PlanMixture mixture;

    [[nodiscard]] const Certificate& bracket() const { return result_.certificate; }
    [[nodiscard]] double gap() const { return bracket().upper - bracket().lower; }
    [[nodiscard]] ExactOptions exact_options() const { return {.n_threads = options.n_threads, .cancel = cancel_}; }
    /// Has the caller cancelled, or is the time up?
    [[nodiscard]] bool must_stop() const { return cancel_.requested(); }
    [[nodiscard]] int n_iterations() const { return result_.n_iter; }

    /// W_Q² ≥ lower for this metric Q in K, proved by the potentials.
    void offer_dual(const Matrix& metric, Potentials potentials, double lower);
    /// One exact transport for this metric: a dual point, and a plan for the mixture. Returns its potentials.
    Potentials solve_vertex(const Matrix& metric);
    /// The same from scratch, with the metric chosen by the pilot on the way down.
    Potentials descend(Matrix metric, Pilot& pilot);
    void offer_mixture(const Vector& weights);
    void offer_last_plan() { offer_mixture(Vector::Unit(mixture.size(), mixture.size() - 1)); }
    void offer_plan(SparsePlan plan);
    /// Upper bound proved by a plan.
    [[nodiscard]] double upper_of(const SparsePlan& plan) const;

    /// Counts and reports one iteration; true when it was the last one, with the reason in the result.
    bool finished();
    [[nodiscard]] const Matrix& best_metric() const { return result_.metric; }
    /// The best coupling becomes a plan of the mixture.
    void mix_best_plan();
    /// So does that of an earlier result, if it is a coupling of these measures and near enough to help. Returns the
    /// metric to begin with; its potentials, made feasible, give a first lower bound.
    std::optional<Matrix> resume(const TransportResult& earlier);
    void stall() { result_.status = Status::Stalled; }
    /// The result in the caller's unit.
    TransportResult take_result();

private:
    [[nodiscard]] double seconds() const;
    [[nodiscard]] double seconds_left() const;
    Potentials take(ExactResult vertex, const Matrix& metric);

    double unit_;
    CancelToken cancel_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    double zero_level_;
    TransportResult result_;
    Vector best_weights_;
    std::optional<SparsePlan> best_plan_;  // when better than any mixture
};

/// Is the problem small enough for a dense factorisation at every iteration, and the gauge known by its program?
bool can_search_arcs(const Search& search);

/// Continues at the level of single arcs (saddle/arc_master.hpp) until the bracket closes or precision is exhausted;
/// true when the search is finished. If not, the best coupling found has joined the mixture.
bool search_arcs(Search& search);

}  // namespace spectralot
