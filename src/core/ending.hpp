/// When a certified search ends, and why.
#pragma once

#include "spectralot/core/status.hpp"

#include <optional>

namespace spectralot {

struct Limits {
    double zero_level;  ///< an upper end from here on counts as zero
    double tol;         ///< relative gap
    int max_iter;
};
struct Stops {
    bool interrupted;  ///< by the caller
    bool out_of_time = false;
};

/// Nothing while a search with this bracket goes on. What was proved counts before what stopped it.
std::optional<Status> ending(const Certificate& bracket, int n_iter, const Limits& limits, Stops stops);

/// Solved, or zero to rounding.
bool is_converged(Status status);

}  // namespace spectralot
