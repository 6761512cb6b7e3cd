/// Primal network simplex over a fixed set of arcs.
#pragma once

#include "discrete/arcs.hpp"
#include "discrete/context.hpp"
#include "discrete/tree.hpp"

namespace spectralot {

/// Pivots until no arc is violated (or the caller cancels): row after row takes its most violated arc as long as that
/// exceeds a threshold, which decreases from sweep to sweep. Returns the number of pivots.
template <class Flow>
std::int64_t run_simplex(SpanningTree<Flow>& tree, const ArcSet& arcs, const SquaredDistance& cost,
                         SolveContext& context);

}  // namespace spectralot
