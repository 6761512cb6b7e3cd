/// Envelope in dimension 1 to 3 by a k-d tree over the pieces.
#pragma once

#include "discrete/envelope.hpp"

namespace spectralot {

std::unique_ptr<Envelope> make_kd_envelope(const Points& points, const Vector& offset, const Points& hint);

}  // namespace spectralot
