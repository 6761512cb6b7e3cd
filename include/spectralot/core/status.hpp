/// How a computation ended, and the proved bracket it ended with.
#pragma once

#include <string_view>

namespace spectralot {

enum class Status {
    Solved,          ///< the certified gap reached the tolerance
    ZeroToRounding,  ///< the cost is below the rounding level of the squared diameter: value = upper, lower = 0
    IterationLimit,  ///< `max_iter` reached
    TimeLimit,       ///< `max_seconds` reached
    Interrupted,     ///< cancelled by the caller
    Stalled,         ///< no further progress possible in double precision
};

/// The snake_case name used by Python, JSON and the command line ("solved", "iteration_limit", …).
std::string_view to_string(Status status);

/// A proved bracket lower ≤ optimum ≤ upper of a squared cost. Both ends are already moved outwards by the
/// rounding error of evaluating them.
struct Certificate {
    double lower = 0.0;
    double upper = 0.0;

    /// (upper - lower) / upper; 0 when both are 0.
    [[nodiscard]] double relative_gap() const;
};

}  // namespace spectralot
