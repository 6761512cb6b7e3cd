/// The upper envelope h(q) = max_j <q, p_j> - offset_j of a cloud: pricing, conjugates and the certificate.
#pragma once

#include "discrete/context.hpp"
#include "spectralot/core/types.hpp"

#include <memory>
#include <vector>

namespace spectralot {

/// For every query (a row of k slots) the indices of the best pieces and their values, best first.
struct BestPieces {
    int k = 0;
    std::vector<int> count;  ///< slots in use
    std::vector<int> index;  ///< n_queries × k
    std::vector<double> value;

    BestPieces(Index n_queries, int k_)
        : k(k_),
          count(static_cast<std::size_t>(n_queries), 0),
          index(static_cast<std::size_t>(n_queries) * static_cast<std::size_t>(k_)),
          value(index.size()) {}

    void insert(Index query, int piece, double v) {
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
    [[nodiscard]] bool is_full(Index query) const { return count[query] == k; }
    [[nodiscard]] double highest(Index query) const { return value[query * k]; }
    [[nodiscard]] double worst(Index query) const { return value[query * k + count[query] - 1]; }
};

/// Up to here an envelope is a tree of pieces and a query is cheap; beyond, tiles of inner products.
constexpr Index largest_tree_dimension = 3;

class Envelope {
public:
    virtual ~Envelope() = default;

    /// Adds to `best` the (up to k) pieces with <q, p_j> - offset_j > floor_q, `floor` empty = all. Same bits for any
    /// number of threads. Stops early, with what it has, once the caller cancels.
    virtual void search(const Points& queries, const Vector& floor, BestPieces& best,
                        const SolveContext& context) const = 0;
};

/// `hint.row(j)`: a query for which piece j is expected to be the best one. Low dimension: a tree whose nodes bound
/// their pieces around the mean hint, O(log m) a query where hints are good. High dimension: all pairs, by tiles.
/// In low dimension the points should come in the order of `spatial_order`. Points and offsets must outlive it.
std::unique_ptr<Envelope> make_envelope(const Points& points, const Vector& offset, const Points& hint);

}  // namespace spectralot
