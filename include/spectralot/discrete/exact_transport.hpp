/// Exact optimal transport for the quadratic cost c_ij = (y_j-x_i)ᵀQ(y_j-x_i), with a certificate (math.md §3).
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/discrete/measure.hpp"

#include <memory>

namespace spectralot {

/// f_i + g_j ≤ (y_j-x_i)ᵀQ(y_j-x_i) for every pair, atoms of zero mass included (their c-transform). Squared units.
struct Potentials {
    Vector a;
    Vector b;
};

struct ExactOptions {
    int n_threads = 1;     ///< for pricing and initialisation; 0 = all cores; same bits for any number
    CancelToken cancel;    ///< stops within a fraction of a second with the best bracket
};

struct ExactResult {
    SparsePlan plan;           ///< optimal basic coupling, at most n+m-1 entries
    Potentials potentials;     ///< prove certificate.lower
    Matrix moment;             ///< S(P)
    Certificate certificate;   ///< of W_Q² = min_P Σ P_ij c_ij; rounding, marginals and centring included
    Status status = Status::Solved;
    std::int64_t n_pivots = 0;
};

/// Stateful solver for a sequence of metrics between the same two measures: the basis of the last solve is kept,
/// because only the costs change. One-shot use: `ExactTransport(mu, nu).solve(Q)`.
/// Memory O(n+m) for low dimension. Q symmetric; singular and indefinite metrics are legal.
class ExactTransport {
public:
    ExactTransport(const DiscreteMeasure& mu, const DiscreteMeasure& nu);
    ~ExactTransport();
    ExactTransport(ExactTransport&&) noexcept;
    ExactTransport& operator=(ExactTransport&&) noexcept;

    ExactResult solve(const Matrix& Q, const ExactOptions& options = {});

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace spectralot
