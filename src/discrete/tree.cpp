#include "discrete/tree.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace spectralot {

template <class Flow>
SpanningTree<Flow>::SpanningTree(int n_rows, int n_cols, const std::vector<FlowArc<Flow>>& arcs)
    : n_rows_(n_rows),
      links_(static_cast<std::size_t>(n_rows + n_cols), Link{-1, 1, 0}),
      kin_(links_.size(), Kin{-1, -1, -1}),
      potential_(links_.size(), 0.0) {
    const int n_nodes = n_rows + n_cols;
    assert(static_cast<int>(arcs.size()) == n_nodes - 1);
    std::vector<int> begin(static_cast<std::size_t>(n_nodes) + 1, 0);
    for (const auto& arc : arcs) {
        ++begin[arc.row + 1];
        ++begin[n_rows + arc.col + 1];
    }
    for (int v = 0; v < n_nodes; ++v) begin[v + 1] += begin[v];
    std::vector<int> incident(2 * arcs.size());
    std::vector<int> cursor(begin.begin(), begin.end() - 1);
    for (int t = 0; t < static_cast<int>(arcs.size()); ++t) {
        incident[cursor[arcs[t].row]++] = t;
        incident[cursor[n_rows + arcs[t].col]++] = t;
    }

    std::vector<int> order{root_};
    order.reserve(links_.size());
    for (std::size_t k = 0; k < order.size(); ++k) {
        const int u = order[k];
        for (int s = begin[u]; s < begin[u + 1]; ++s) {
            const auto& arc = arcs[incident[s]];
            const int v = is_row(u) ? n_rows + arc.col : arc.row;
            if (v == links_[u].parent) continue;
            links_[v].parent = u;
            links_[v].flow = arc.flow;
            attach(v, u);
            order.push_back(v);
        }
    }
    assert(order.size() == links_.size());
    for (std::size_t k = order.size() - 1; k > 0; --k) links_[links_[order[k]].parent].size += links_[order[k]].size;
}

template <class Flow>
int SpanningTree<Flow>::neighbour(int node) const {
    return links_[node].parent >= 0 ? links_[node].parent : kin_[node].child;
}

template <class Flow>
std::vector<FlowArc<Flow>> SpanningTree<Flow>::arcs() const {
    std::vector<FlowArc<Flow>> result;
    result.reserve(links_.size());
    for (int v = 0; v < static_cast<int>(links_.size()); ++v) {
        const int p = links_[v].parent;
        if (p < 0) continue;
        result.push_back(is_row(v) ? FlowArc<Flow>{v, p - n_rows_, links_[v].flow}
                                   : FlowArc<Flow>{p, v - n_rows_, links_[v].flow});
    }
    return result;
}

template <class Flow>
void SpanningTree<Flow>::attach(int node, int parent) {
    Kin& kin = kin_[node];
    kin.next = kin_[parent].child;
    kin.previous = -1;
    if (kin.next >= 0) kin_[kin.next].previous = node;
    kin_[parent].child = node;
}

template <class Flow>
void SpanningTree<Flow>::detach(int node) {
    const Kin kin = kin_[node];
    if (kin.previous >= 0) {
        kin_[kin.previous].next = kin.next;
    } else {
        kin_[links_[node].parent].child = kin.next;
    }
    if (kin.next >= 0) kin_[kin.next].previous = kin.previous;
}

template <class Flow>
void SpanningTree<Flow>::pivot(int row, int col, double reduced_cost) {
    // Both ends climb to their common ancestor, the smaller subtree first. Flow leaves the arcs above rows on the row's
    // side and above columns on the column's side: the smallest of them leaves the tree.
    Link* const links = links_.data();
    const int ends[2] = {row, n_rows_ + col};
    Flow smallest[2] = {std::numeric_limits<Flow>::max(), std::numeric_limits<Flow>::max()};
    int bottleneck[2] = {-1, -1};
    int u = ends[0];
    int v = ends[1];
    while (u != v) {
        if (links[u].size < links[v].size) {
            if (is_row(u) && links[u].flow < smallest[0]) {
                smallest[0] = links[u].flow;
                bottleneck[0] = u;
            }
            u = links[u].parent;
        } else {
            if (!is_row(v) && links[v].flow < smallest[1]) {
                smallest[1] = links[v].flow;
                bottleneck[1] = v;
            }
            v = links[v].parent;
        }
    }
    const int apex = u;
    const Flow step = std::min(smallest[0], smallest[1]);
    for (u = ends[0]; u != apex; u = links[u].parent) links[u].flow += is_row(u) ? -step : step;
    for (v = ends[1]; v != apex; v = links[v].parent) links[v].flow += is_row(v) ? step : -step;

    // Cut below the leaving arc: `inner` is the end of the entering arc in the subtree cut off.
    const int side = smallest[0] <= smallest[1] ? 0 : 1;
    const int cut = bottleneck[side];
    const int inner = ends[side];
    const int outer = ends[1 - side];
    const int cut_size = links[cut].size;
    const int rest_size = static_cast<int>(links_.size()) - cut_size;
    const int above = links[cut].parent;
    detach(cut);
    if (cut_size <= rest_size) {
        for (u = above; u != apex; u = links[u].parent) links[u].size -= cut_size;
        for (u = outer; u != apex; u = links[u].parent) links[u].size += cut_size;
        reroot(inner, cut);
        links[inner].parent = outer;
        links[inner].flow = step;
        attach(inner, outer);
        shift(inner, reduced_cost);
    } else {  // the subtree keeps its place as the new trunk, the rest is hung below it
        for (u = above; u >= 0; u = links[u].parent) links[u].size -= cut_size;
        const int old_root = root_;
        links[cut].parent = -1;
        root_ = cut;
        for (u = inner; u >= 0; u = links[u].parent) links[u].size += rest_size;
        reroot(outer, old_root);
        links[outer].parent = inner;
        links[outer].flow = step;
        attach(outer, inner);
        shift(outer, reduced_cost);
    }
}

/// Turns the path from `node` up to `top`, the detached root of its subtree, upside down.
template <class Flow>
void SpanningTree<Flow>::reroot(int node, int top) {
    if (node == top) return;
    const int total = links_[top].size;
    int child = node;
    int parent = links_[node].parent;
    Flow flow = links_[node].flow;
    int child_size = links_[node].size;
    detach(node);
    links_[node].size = total;
    while (true) {
        const Link old = links_[parent];
        if (parent != top) detach(parent);
        links_[parent] = {child, total - child_size, flow};
        attach(parent, child);
        if (parent == top) return;
        child = parent;
        parent = old.parent;
        flow = old.flow;
        child_size = old.size;
    }
}

/// Adds `amount` to the potentials of the kind of `top` in its subtree and takes it from the other kind.
template <class Flow>
void SpanningTree<Flow>::shift(int top, double amount) {
    const bool top_is_row = is_row(top);
    for (int v = top; v >= 0; v = next_in_preorder(v, top)) potential_[v] += is_row(v) == top_is_row ? amount : -amount;
}

template class SpanningTree<std::int64_t>;
template class SpanningTree<Int128>;

}  // namespace spectralot
