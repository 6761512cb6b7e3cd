#include "spectralot/core/status.hpp"

#include <cmath>

namespace spectralot {

std::string_view to_string(Status status) {
    switch (status) {
        case Status::Solved: return "solved";
        case Status::ZeroToRounding: return "zero_to_rounding";
        case Status::IterationLimit: return "iteration_limit";
        case Status::TimeLimit: return "time_limit";
        case Status::Interrupted: return "interrupted";
        case Status::Stalled: return "stalled";
    }
    return "unknown";
}

double Certificate::relative_gap() const {
    return lower >= upper ? 0.0 : (upper - lower) / std::abs(upper);  // NaN stays NaN
}

}  // namespace spectralot
