/// Exact transport between two Euclidean clouds: coarse to fine, column-generating network simplex (algorithms' core).
#pragma once

#include "discrete/arcs.hpp"
#include "discrete/context.hpp"
#include "discrete/hierarchy.hpp"
#include "discrete/tree.hpp"

namespace spectralot {

/// The optimal basis for the cost |x_i - y_j|², kept between solves: when only the clouds' coordinates change (another
/// metric), it stays feasible.
template <class Flow>
class NetworkTransport {
public:
    explicit NetworkTransport(Supplies<Flow> supplies) : supplies_(std::move(supplies)) {}

    /// From scratch: clusters both clouds, solves the coarsest problem, refines.
    void solve_cold(const Points& x, const Points& y, SolveContext& context);
    /// From the last basis and arcs. Needs an earlier solve.
    void solve_warm(const Points& x, const Points& y, SolveContext& context);

    [[nodiscard]] bool has_basis() const { return tree_.n_rows() > 0; }
    /// Arcs of positive unperturbed flow, as masses, with the indices of the points as given.
    struct Entry {
        int row;
        int col;
        double mass;
    };
    [[nodiscard]] std::vector<Entry> plan() const;
    /// g on the columns as given, and the tree neighbour of each (a guess of its best row).
    [[nodiscard]] Vector col_potentials() const;
    [[nodiscard]] Vector row_potentials() const;
    [[nodiscard]] std::vector<int> col_partners() const;
    [[nodiscard]] std::vector<int> row_partners() const;

private:
    /// One level of the hierarchy: two clouds of clusters in spatial order.
    struct Level {
        Points x;
        Points y;
        std::vector<Flow> row_supply;
        std::vector<Flow> col_supply;
    };
    Level make_level(int level, const Points& sorted_x, const Points& sorted_y, const Supplies<Flow>& sorted) const;
    void optimise(const Points& x, const Points& y, int max_rounds, SolveContext& context);

    Supplies<Flow> supplies_;
    Hierarchy rows_;
    Hierarchy cols_;
    SpanningTree<Flow> tree_;
    ArcSet arcs_;
};

extern template class NetworkTransport<std::int64_t>;
extern template class NetworkTransport<Int128>;

}  // namespace spectralot
