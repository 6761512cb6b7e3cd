/// Transport along one line: where the saddle metric has rank one, as often for the operator norm, sorting solves the
/// whole problem.
#pragma once

#include "transport/search.hpp"

namespace spectralot {

/// Is the saddle metric worth guessing from a sample?
bool can_search_slices(const Search& search);

/// Looks for a unit vector u = S(P_u)u/|S(P_u)u|, P_u the plan that sorting along u gives, on growing samples: a few
/// sorts of all points. Then uuᵀ is the metric of one exact transport. True when that finished the search.
bool search_slices(Search& search);

}  // namespace spectralot
