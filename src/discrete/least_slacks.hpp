/// The pairs of least slack under given potentials, by one pass over all pairs from either side.
#pragma once

#include "discrete/basis.hpp"
#include "discrete/context.hpp"
#include "discrete/frame.hpp"
#include "spectralot/discrete/exact_transport.hpp"

namespace spectralot {

struct LeastSlacks {
    Conjugates dual;  ///< of the active atoms: the columns' potentials raised (or lowered) to the best feasible ones
    std::vector<int> row{};
    std::vector<int> col{};
    std::vector<double> slack{};
};

/// Pairs among the active atoms only, sorted by (row, col), without duplicates.
LeastSlacks least_slacks(const Potentials& potentials, const std::vector<int>& rows, const std::vector<int>& cols,
                         const CentredPair& pair, const Frame& frame, int per_point, const SolveContext& context);

}  // namespace spectralot
