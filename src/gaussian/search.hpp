/// What the phases of one Gaussian solve share: the pair, the best primal and dual points so far, and when to stop.
#pragma once

#include "gaussian/couple.hpp"
#include "spectralot/gaussian/solve.hpp"

#include <chrono>
#include <vector>

namespace spectralot::gaussian {

/// In the unit of the pair; progress is in the caller's.
class Search {
public:
    Search(const Pair& pair, const Gauge& gauge, const GaussianOptions& options, const Observer& observer);

    const Pair& pair;
    const Gauge& gauge;
    const GaussianOptions& options;

    [[nodiscard]] const Certificate& bracket() const { return result_.certificate; }
    [[nodiscard]] double gap() const { return bracket().upper - bracket().lower; }
    [[nodiscard]] const std::vector<Coupling>& couplings() const { return couplings_; }

    /// Couples by a metric (any symmetric matrix near K) and accepts the coupling.
    const Coupling& try_metric(const Matrix& metric, double smoothing = 0.0);
    /// Couples by the metric that the gauge calls active at a moment.
    const Coupling& try_active(const Matrix& moment);
    /// Takes both bounds of a coupling, counts and reports.
    const Coupling& accept(Coupling coupling);
    /// The same for a metric that lies in (1 + excess)·K.
    const Coupling& accept(Coupling coupling, double excess);
    /// Upper bound of the mixture of all couplings so far with these weights.
    void offer_mixture(const Vector& weights);
    /// True when the search is over, with the reason in the result.
    bool finished();
    /// Forgets all couplings but the latest `n` and those of the best mixture.
    void keep_latest(Index n);
    void stall() { result_.status = Status::Stalled; }
    GaussianResult take_result();

private:
    [[nodiscard]] double seconds() const;

    const Observer& observer_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    double zero_level_;
    GaussianResult result_;
    std::vector<Coupling> couplings_;
    Vector best_weights_;
};

/// Follows the central path of the dual for a gauge whose K is one Schatten or Ky Fan ball; false when it got stuck.
/// Fast: the barrier runs ahead, for Schatten gauges and well-conditioned pairs. Smooth: with couplings smoothed alike,
/// for pairs whose best coupling splits mass.
enum class Pace { Fast, Steady, Smooth };
bool follow_central_path(Search& search, const GaugeLeaf& leaf, Pace pace);

/// The same for any other gauge with a program, by a barrier for each of its variables. Smooth as above.
bool follow_program_path(Search& search, const GaugeProgram& program, bool smooth);

/// p = ∞: the best metric of rank one and a coupling that proves it, if there is one. Most pairs are solved.
void try_rank_one(Search& search, double weight);

/// Mixtures of couplings against a master over K, until the bracket closes or precision ends.
void mix_couplings(Search& search);

}  // namespace spectralot::gaussian
