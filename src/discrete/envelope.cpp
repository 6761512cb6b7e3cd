#include "discrete/envelope.hpp"

#include "discrete/dense_envelope.hpp"
#include "discrete/kd_envelope.hpp"

namespace spectralot {

std::unique_ptr<Envelope> make_envelope(const Points& points, const Vector& offset, const Points& hint) {
    if (points.cols() <= largest_tree_dimension) return make_kd_envelope(points, offset, hint);
    return make_dense_envelope(points, offset);
}

}  // namespace spectralot
