/// The basis of the network simplex method: a spanning tree over n rows and m columns with its flows and potentials.
#pragma once

#include "discrete/supplies.hpp"

#include <vector>

namespace spectralot {

template <class Flow>
struct FlowArc {
    int row;
    int col;
    Flow flow;
};

/// Nodes 0…n-1 are rows, n…n+m-1 columns; every arc joins a row to a column. No flow is ever zero (see Supplies), so
/// that each pivot strictly lowers the cost and nothing can cycle.
template <class Flow>
class SpanningTree {
public:
    SpanningTree() = default;
    /// `arcs` must be the n+m-1 arcs of a tree with its (positive) flows.
    SpanningTree(int n_rows, int n_cols, const std::vector<FlowArc<Flow>>& arcs);

    /// Lets (row, col), of the given negative reduced cost, enter. Costs the cycle plus the smaller side of the cut.
    void pivot(int row, int col, double reduced_cost);

    /// Potentials f, g with f_i + g_j = cost(i, j) on the tree, from scratch.
    template <class Cost>
    void set_potentials(const Cost& cost);

    [[nodiscard]] int n_rows() const { return n_rows_; }
    [[nodiscard]] int n_cols() const { return static_cast<int>(links_.size()) - n_rows_; }
    [[nodiscard]] const double* row_potentials() const { return potential_.data(); }
    [[nodiscard]] const double* col_potentials() const { return potential_.data() + n_rows_; }
    /// Some neighbour of the node in the tree.
    [[nodiscard]] int row_neighbour(int row) const { return neighbour(row) - n_rows_; }
    [[nodiscard]] int col_neighbour(int col) const { return neighbour(n_rows_ + col); }
    [[nodiscard]] std::vector<FlowArc<Flow>> arcs() const;

private:
    /// What the walk around a cycle touches, apart from the rest so that it stays in cache.
    struct Link {
        int parent;
        int size;   ///< of the subtree
        Flow flow;  ///< on the arc to the parent
    };
    struct Kin {
        int child;
        int next;
        int previous;
    };

    [[nodiscard]] bool is_row(int node) const { return node < n_rows_; }
    [[nodiscard]] int neighbour(int node) const;
    [[nodiscard]] int next_in_preorder(int node, int top) const;
    void attach(int node, int parent);
    void detach(int node);
    void reroot(int node, int top);
    void shift(int top, double amount);

    int n_rows_ = 0;
    int root_ = 0;
    std::vector<Link> links_;
    std::vector<Kin> kin_;
    std::vector<double> potential_;
};

/// The node after `node` in a preorder walk of the subtree of `top`, -1 at its end.
template <class Flow>
inline int SpanningTree<Flow>::next_in_preorder(int node, int top) const {
    if (kin_[node].child >= 0) return kin_[node].child;
    while (node != top && kin_[node].next < 0) node = links_[node].parent;
    return node == top ? -1 : kin_[node].next;
}

template <class Flow>
template <class Cost>
void SpanningTree<Flow>::set_potentials(const Cost& cost) {
    potential_[root_] = 0.0;
    for (int v = next_in_preorder(root_, root_); v >= 0; v = next_in_preorder(v, root_)) {
        const int p = links_[v].parent;
        potential_[v] = (is_row(v) ? cost(v, p - n_rows_) : cost(p, v - n_rows_)) - potential_[p];
    }
}

extern template class SpanningTree<std::int64_t>;
extern template class SpanningTree<Int128>;

}  // namespace spectralot
