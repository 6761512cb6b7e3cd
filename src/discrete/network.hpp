/// Exact transport between two Euclidean clouds: coarse to fine, column-generating network simplex.
#pragma once

#include "discrete/arcs.hpp"
#include "discrete/basis.hpp"
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

    [[nodiscard]] const Supplies<Flow>& supplies() const { return supplies_; }
    [[nodiscard]] bool has_basis() const { return tree_.n_rows() > 0; }
    /// Plan and potentials for the clouds of the last solve, with the indices of the points as given.
    [[nodiscard]] Basis basis(const Points& x, const Points& y) const;

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
