#include "core/ending.hpp"

namespace spectralot {

std::optional<Status> ending(const Certificate& bracket, int n_iter, const Limits& limits, Stops stops) {
    if (bracket.upper <= limits.zero_level) return Status::ZeroToRounding;
    if (bracket.relative_gap() <= limits.tol) return Status::Solved;
    if (stops.interrupted) return Status::Interrupted;
    if (stops.out_of_time) return Status::TimeLimit;
    if (n_iter >= limits.max_iter) return Status::IterationLimit;
    return std::nullopt;
}

bool is_converged(Status status) {
    return status == Status::Solved || status == Status::ZeroToRounding;
}

}  // namespace spectralot
