/// Envelope in any dimension by looking at all pairs, tile by tile.
#pragma once

#include "discrete/envelope.hpp"

namespace spectralot {

std::unique_ptr<Envelope> make_dense_envelope(const Points& points, const Vector& offset);

}  // namespace spectralot
