/// Carries an optimal tree between clusters to a feasible tree between their children, and starts from nothing.
#pragma once

#include "discrete/arcs.hpp"
#include "discrete/tree.hpp"

#include <functional>

namespace spectralot {

/// Splits the rows of a spanning tree. Row I becomes the rows first_child[I] … first_child[I+1]-1 (one or two) at
/// `children`; its columns, at `cols`, are shared out along x₁ - x₂: the first child fills up from the columns that
/// favour it most, one column is split between both, which keeps the tree connected and each split optimal by itself.
template <class Flow>
std::vector<FlowArc<Flow>> split_rows(const std::vector<FlowArc<Flow>>& arcs, const std::vector<int>& first_child,
                                      const Points& children, const std::vector<Flow>& child_supply,
                                      const Points& cols);

/// The same arcs seen from the other side.
template <class Flow>
std::vector<FlowArc<Flow>> transposed(std::vector<FlowArc<Flow>> arcs);

/// A feasible tree: both sides in order, each atom served by the first ones that have something left.
template <class Flow>
std::vector<FlowArc<Flow>> north_west_corner(const std::vector<Flow>& row_supply, const std::vector<Flow>& col_supply);

/// A feasible tree by greed: the arcs in the order of their cost, and what they leave open row by row, each to the
/// cheapest of the next few hundred open columns.
template <class Flow>
std::vector<FlowArc<Flow>> greedy_tree(const std::vector<Arc>& arcs, const std::function<double(int, int)>& cost,
                                       std::vector<Flow> row_supply, std::vector<Flow> col_supply);

}  // namespace spectralot
