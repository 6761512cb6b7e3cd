/// The basis of the network simplex method: a spanning tree over n rows and m columns with its flows and potentials.
#pragma once

#include "discrete/supplies.hpp"

#include <array>
#include <vector>

namespace spectralot {

template <class Flow>
struct FlowArc {
    int row;
    int col;
    Flow flow;
};

/// Every arc joins a row to a column. No flow is ever zero (see Supplies), so that each pivot strictly lowers the cost
/// and nothing can cycle. Nodes are numbered in a preorder of the first tree: neighbours stay close in memory.
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
    [[nodiscard]] int n_cols() const { return static_cast<int>(node_.size()) - n_rows_; }
    /// f_i, and -g_j: with opposite signs a whole subtree shifts by one amount.
    [[nodiscard]] const double* row_potentials() const { return potential_.data(); }
    [[nodiscard]] const double* negated_col_potentials() const { return potential_.data() + n_rows_; }
    /// Some neighbour of the row or column in the tree.
    [[nodiscard]] int row_neighbour(int row) const { return neighbour(node_[row]) - n_rows_; }
    [[nodiscard]] int col_neighbour(int col) const { return neighbour(node_[n_rows_ + col]); }
    [[nodiscard]] std::vector<FlowArc<Flow>> arcs() const;

private:
    /// What the walk around a cycle touches, apart from the rest so that it stays in cache.
    struct Link {
        int parent;
        int size;   ///< of the subtree
        Flow flow;  ///< on the arc to the parent
    };
    /// All nodes in preorder, as a circular list: a subtree is as many successive nodes as its size.
    struct Thread {
        int next;
        int previous;
        int name;      ///< row i or n + column j
        int position;  ///< scratch: place in `moving_`
    };

    [[nodiscard]] int neighbour(int node) const;
    [[nodiscard]] FlowArc<Flow> arc_above(int node) const;
    void join(int before, int after);
    void take_out(int top, int size);
    void take_out_all_but(int top);
    void shift_moving(double amount);
    void hang(int node, int host, Flow flow);
    void thread_range(int begin, int end, int& tail);

    int n_rows_ = 0;
    int root_ = 0;
    std::vector<int> node_;  ///< node of row i (at i) and of column j (at n + j)
    std::vector<Link> links_;
    std::vector<Thread> thread_;
    std::vector<double> potential_;          ///< by name
    std::array<std::vector<int>, 2> paths_;  ///< scratch: the two sides of a cycle, from the bottom up
    std::vector<int> moving_;                ///< scratch: the part of the tree that a pivot moves, in preorder
};

template <class Flow>
inline FlowArc<Flow> SpanningTree<Flow>::arc_above(int node) const {
    const int name = thread_[node].name;
    const int parent = thread_[links_[node].parent].name;
    return name < n_rows_ ? FlowArc<Flow>{name, parent - n_rows_, links_[node].flow}
                          : FlowArc<Flow>{parent, name - n_rows_, links_[node].flow};
}

template <class Flow>
template <class Cost>
void SpanningTree<Flow>::set_potentials(const Cost& cost) {
    potential_[thread_[root_].name] = 0.0;
    for (int v = thread_[root_].next; v != root_; v = thread_[v].next) {
        const FlowArc<Flow> arc = arc_above(v);
        const double c = cost(arc.row, arc.col);
        const double above = potential_[thread_[links_[v].parent].name];
        potential_[thread_[v].name] = thread_[v].name < n_rows_ ? above + c : above - c;
    }
}

extern template class SpanningTree<std::int64_t>;
extern template class SpanningTree<Int128>;

}  // namespace spectralot
