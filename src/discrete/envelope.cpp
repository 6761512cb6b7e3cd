#include "discrete/envelope.hpp"

#include "discrete/dense_envelope.hpp"
#include "discrete/kd_envelope.hpp"

namespace spectralot {

void BestPieces::insert(Index query, int piece, double v) {
    int& used = count[query];
    int* const indices = &index[query * k];
    double* const values = &value[query * k];
    int slot = used < k ? used++ : k - 1;
    for (; slot > 0 && values[slot - 1] < v; --slot) {
        values[slot] = values[slot - 1];
        indices[slot] = indices[slot - 1];
    }
    values[slot] = v;
    indices[slot] = piece;
}

std::unique_ptr<Envelope> make_envelope(const Points& points, const Vector& offset, const Points& hint) {
    constexpr Index largest_tree_dimension = 3;
    if (points.cols() <= largest_tree_dimension) return make_kd_envelope(points, offset, hint);
    return make_dense_envelope(points, offset);
}

}  // namespace spectralot
