/// Evaluation of a gauge through its program.
#pragma once

#include "spectralot/gauge/program.hpp"

namespace spectralot::saddle {

/// γ(S). O(d³).
double evaluate(const GaugeProgram& program, const Matrix& moment);

}  // namespace spectralot::saddle
