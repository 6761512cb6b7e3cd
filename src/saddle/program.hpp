/// What the solvers ask of a gauge's program.
#pragma once

#include "spectralot/gauge/program.hpp"

#include <optional>

namespace spectralot::saddle {

/// γ(S). O(d³).
double evaluate(const GaugeProgram& program, const Matrix& moment);

/// The one leaf of a gauge that is a multiple of a Schatten or Ky Fan gauge of all coordinates; null for others.
const GaugeLeaf* single_ball(const std::optional<GaugeProgram>& program);
const GaugeLeaf* single_ball(std::optional<GaugeProgram>&& program) = delete;  // the leaf would not outlive it

}  // namespace spectralot::saddle
