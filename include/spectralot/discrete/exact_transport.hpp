/// Exact optimal transport for the quadratic cost c_ij = (y_j-x_i)ᵀQ(y_j-x_i), with a certificate (math.md §3).
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/discrete/measure.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace spectralot {

/// f_i + g_j ≤ (y_j-x_i)ᵀQ(y_j-x_i) for every pair, atoms of zero mass included (their c-transform). Squared units.
struct Potentials {
    Vector a;
    Vector b;
};

struct ExactOptions {
    int n_threads = 1;   ///< for pricing and initialisation; 0 = all cores; same bits for any number
    CancelToken cancel;  ///< stops within a fraction of a second with the best bracket
};

struct ExactResult {
    SparsePlan plan;                 ///< optimal basic coupling, at most n+m-1 entries
    Potentials potentials;           ///< prove certificate.lower
    Matrix moment;                   ///< S(P)
    Certificate certificate;         ///< of W_Q² = min_P Σ P_ij c_ij; rounding, marginals and centring included
    Status status = Status::Solved;  ///< or Interrupted: a coupling and a valid bracket that need not be tight
    std::int64_t n_pivots = 0;
};

/// Chooses the metric while a solve from scratch descends from a few clusters to the points. Told the second moment of
/// the optimal plan between the clusters of a level; answers with another metric, to solve that level again, or with
/// nothing, to go on to finer clusters.
using MetricSteering =
    std::function<std::optional<Matrix>(const Matrix& metric, const Matrix& moment, Index n_clusters)>;

/// What one look at all pairs says about potentials that belong to a metric.
struct PricedPotentials {
    Potentials potentials;   ///< completed to feasible ones, for all atoms
    double lower = 0.0;      ///< what they prove for W_Q², rounding included
    std::vector<int> row{};  ///< pairs of positive mass of least slack, sorted by (row, col), no duplicates
    std::vector<int> col{};
    std::vector<double> slack{};  ///< c_ij - f_i - g_j for the potentials as they were given
};

/// Stateful solver for a sequence of metrics between the same two measures: the basis of the last solve is kept,
/// because only the costs change. Q is d×d and symmetric; singular and indefinite metrics are legal. A metric of rank
/// one is solved by sorting, any other by a coarse-to-fine, column-generating network simplex. Memory O(n+m).
/// Accuracy: upper - lower is of the order of 100·d·eps·‖Q‖D², D the sum of the radii of the centred clouds and the
/// distance of their means. Throws InvalidArgument for measures or metrics that break these rules.
///
///     const ExactResult r = ExactTransport({points_x, {}}, {points_y, weights_y}).solve(Matrix::Identity(2, 2));
///     // r.certificate.lower ≤ W2² ≤ r.certificate.upper
class ExactTransport {
public:
    ExactTransport(const DiscreteMeasure& mu, const DiscreteMeasure& nu);
    ~ExactTransport();
    ExactTransport(const ExactTransport&) = delete;
    ExactTransport& operator=(const ExactTransport&) = delete;
    ExactTransport(ExactTransport&&) noexcept;
    ExactTransport& operator=(ExactTransport&&) noexcept;

    ExactResult solve(const Matrix& Q, const ExactOptions& options = {});
    /// From scratch, with the metric chosen on the way: `Q` is where it begins and where it ended, the metric of the
    /// result. A metric of rank one is taken as it is.
    ExactResult descend(Matrix& Q, const MetricSteering& steer, const ExactOptions& options = {});

    /// Completes any potentials to feasible ones for the metric Q, and finds up to `per_point` pairs of least slack in
    /// each row and each column. No transport problem is solved: O(nmd) in high dimension.
    [[nodiscard]] PricedPotentials price(const Matrix& Q, const Potentials& guess, int per_point,
                                         const ExactOptions& options = {}) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace spectralot
