/// Potentials that hold for every pair, and a bracket of the optimum that survives rounding.
#pragma once

#include "discrete/basis.hpp"
#include "discrete/context.hpp"
#include "discrete/frame.hpp"
#include "spectralot/discrete/exact_transport.hpp"

namespace spectralot {

/// Extends the potentials from the atoms of positive mass to all atoms, feasible up to rounding for all pairs: by a
/// pass over all pairs unless those of the active atoms are `feasible` already. If the caller cancelled and such a pass
/// would take long, the trivial ones (0 ≤ |u - w|²).
Conjugates complete_potentials(const Conjugates& active, bool feasible, const std::vector<int>& active_rows,
                               const std::vector<int>& active_cols, const Frame& frame, const SolveContext& context);

struct CertifiedPotentials {
    Potentials potentials;
    double lower = 0.0;
};

/// Potentials for (y-x)ᵀQ(y-x) and their proved dual value. Exact weights a_i/Σa.
CertifiedPotentials certify_lower(const Conjugates& dual, const CentredPair& pair, const Frame& frame,
                                  const DiscreteMeasure& mu, const DiscreteMeasure& nu);

/// An upper bound of the optimum from a plan whose marginals are right up to rounding.
double certify_upper(const SparsePlan& plan, const CentredPair& pair, const Frame& frame, const DiscreteMeasure& mu,
                     const DiscreteMeasure& nu);

}  // namespace spectralot
