#include "discrete/dense_envelope.hpp"

#include <algorithm>

namespace spectralot {

namespace {

constexpr int query_tile = 64;
constexpr Index piece_tile = 512;

class DenseEnvelope final : public Envelope {
public:
    DenseEnvelope(const Points& points, const Vector& offset) : points_(points), offset_(offset) {}

    void search(const Points& queries, const Vector& floor, BestPieces& best, const SolveContext& context) const override {
        const Index n_queries = queries.rows();
        const int n_blocks = static_cast<int>((n_queries + query_tile - 1) / query_tile);
        for_each_block(n_blocks, context.n_threads, [&](int block) {
            const Index first = block * query_tile;
            const Index rows = std::min<Index>(query_tile, n_queries - first);
            Vector least = floor.size() > 0 ? Vector(floor.segment(first, rows)) : Vector::Constant(rows, -infinity);
            Points values;
            for (Index j = 0; j < points_.rows() && !context.cancelled(); j += piece_tile) {
                const Index cols = std::min(piece_tile, points_.rows() - j);
                values.noalias() = queries.middleRows(first, rows) * points_.middleRows(j, cols).transpose();
                for (Index r = 0; r < rows; ++r) {
                    for (Index c = 0; c < cols; ++c) {
                        const double v = values(r, c) - offset_[j + c];
                        if (!(v > least[r])) continue;
                        best.insert(first + r, static_cast<int>(j + c), v);
                        if (best.is_full(first + r)) least[r] = std::max(least[r], best.worst(first + r));
                    }
                }
            }
        });
    }

private:
    Points points_;
    Vector offset_;
};

}  // namespace

std::unique_ptr<Envelope> make_dense_envelope(const Points& points, const Vector& offset) {
    return std::make_unique<DenseEnvelope>(points, offset);
}

}  // namespace spectralot
