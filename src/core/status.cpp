#include "spectralot/core/status.hpp"

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
    return upper > lower ? (upper - lower) / upper : 0.0;
}

}  // namespace spectralot
