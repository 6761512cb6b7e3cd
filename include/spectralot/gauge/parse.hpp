/// Gauges from the text of a command line: `schatten:P`, `trace`, `operator`, `ky-fan:K`.
#pragma once

#include "spectralot/gauge/gauge.hpp"

#include <string>

namespace spectralot {

/// P is a number ≥ ½ or `inf`, K a positive integer. Throws InvalidArgument naming `gauge` on any other text.
///
///     const Gauge gauge = parse_gauge("schatten:1.5");
Gauge parse_gauge(const std::string& text);

}  // namespace spectralot
