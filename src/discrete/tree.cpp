#include "discrete/tree.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace spectralot {

template <class Flow>
SpanningTree<Flow>::SpanningTree(int n_rows, int n_cols, const std::vector<FlowArc<Flow>>& arcs)
    : n_rows_(n_rows),
      node_(static_cast<std::size_t>(n_rows + n_cols), -1),
      links_(node_.size(), Link{-1, 1, 0}),
      thread_(node_.size()),
      potential_(node_.size(), 0.0),
      paths_{std::vector<int>(node_.size()), std::vector<int>(node_.size())} {
    const int n_nodes = n_rows + n_cols;
    assert(static_cast<int>(arcs.size()) == n_nodes - 1);
    std::vector<int> begin(static_cast<std::size_t>(n_nodes) + 1, 0);
    for (const auto& arc : arcs) {
        ++begin[arc.row + 1];
        ++begin[n_rows + arc.col + 1];
    }
    for (int v = 0; v < n_nodes; ++v) begin[v + 1] += begin[v];
    std::vector<int> incident(2 * arcs.size());
    std::vector<int> cursor(begin.begin(), begin.end() - 1);  // NOLINT(misc-const-correctness): it is not constant
    for (int t = 0; t < static_cast<int>(arcs.size()); ++t) {
        incident[cursor[arcs[t].row]++] = t;
        incident[cursor[n_rows + arcs[t].col]++] = t;
    }

    // Depth first from row 0: nodes are numbered in the order in which they are reached, so that the thread is 0, 1, 2,
    // …
    struct Reached {
        int name;
        int parent;
        Flow flow;
    };
    std::vector<Reached> stack{{0, -1, 0}};
    int n_reached = 0;
    while (!stack.empty()) {
        const Reached here = stack.back();
        stack.pop_back();
        const int v = n_reached++;
        node_[here.name] = v;
        links_[v] = {here.parent, 1, here.flow};
        thread_[v] = {v + 1, v - 1, here.name, 0};
        for (int s = begin[here.name]; s < begin[here.name + 1]; ++s) {
            const auto& arc = arcs[incident[s]];
            const int other = here.name < n_rows ? n_rows + arc.col : arc.row;
            if (node_[other] < 0) stack.push_back({other, v, arc.flow});
        }
    }
    assert(n_reached == n_nodes);
    join(n_nodes - 1, root_);
    for (int v = n_nodes - 1; v > 0; --v) links_[links_[v].parent].size += links_[v].size;
}

template <class Flow>
int SpanningTree<Flow>::neighbour(int node) const {
    return thread_[node == root_ ? thread_[node].next : links_[node].parent].name;
}

template <class Flow>
std::vector<FlowArc<Flow>> SpanningTree<Flow>::arcs() const {
    std::vector<FlowArc<Flow>> result;
    result.reserve(node_.size());
    for (const int v : node_) {  // by name: the order does not depend on the numbering
        if (v != root_) result.push_back(arc_above(v));
    }
    return result;
}

template <class Flow>
void SpanningTree<Flow>::pivot(int row, int col, double reduced_cost) {
    // Both ends climb to their common ancestor, the smaller subtree first. Rows and columns alternate on the way, and
    // so do arcs that lose flow (the first one above each end does) and arcs that gain: the smallest loser leaves the
    // tree.
    struct Climb {
        int* path;
        int length = 0;
        int bottleneck = -1;
        Flow smallest = std::numeric_limits<Flow>::max();

        void step(int node, const Link& link) {
            if (length % 2 == 0 && link.flow < smallest) {
                smallest = link.flow;
                bottleneck = length;
            }
            path[length++] = node;
        }
    };
    Link* const links = links_.data();
    const int ends[2] = {node_[row], node_[n_rows_ + col]};
    Climb climbs[2] = {{paths_[0].data()}, {paths_[1].data()}};
    int u = ends[0];
    int v = ends[1];
    while (u != v) {
        if (links[u].size < links[v].size) {
            climbs[0].step(u, links[u]);
            u = links[u].parent;
        } else {
            climbs[1].step(v, links[v]);
            v = links[v].parent;
        }
    }

    // Cut below the leaving arc: `inner` is the end of the entering arc in the subtree cut off.
    const int side = climbs[0].smallest <= climbs[1].smallest ? 0 : 1;
    const Climb& cut_climb = climbs[side];
    const Climb& other_climb = climbs[1 - side];
    const Flow step = cut_climb.smallest;
    const int cut = cut_climb.path[cut_climb.bottleneck];
    const int inner = ends[side];
    const int outer = ends[1 - side];
    const int cut_size = links[cut].size;
    const int rest_size = static_cast<int>(links_.size()) - cut_size;
    const bool moves_cut =
        cut_size <= rest_size;  // else the subtree stays as the new trunk and the rest is hung below it
    for (int k = 0; k < cut_climb.length; ++k) {
        Link& link = links[cut_climb.path[k]];
        link.flow += k % 2 == 0 ? -step : step;
        if (k > cut_climb.bottleneck) {
            link.size -= cut_size;
        } else if (!moves_cut) {
            link.size += rest_size;
        }
    }
    for (int k = 0; k < other_climb.length; ++k) {
        Link& link = links[other_climb.path[k]];
        link.flow += k % 2 == 0 ? -step : step;
        if (moves_cut) link.size += cut_size;
    }
    if (moves_cut) {
        take_out(cut, cut_size);
        shift_moving(thread_[inner].name < n_rows_ ? reduced_cost : -reduced_cost);
        hang(inner, outer, step);
    } else {
        for (int above = u; above >= 0; above = links[above].parent) links[above].size -= cut_size;
        take_out_all_but(cut);
        links[cut].parent = -1;
        root_ = cut;
        shift_moving(thread_[outer].name < n_rows_ ? reduced_cost : -reduced_cost);
        hang(outer, inner, step);
    }
}

template <class Flow>
void SpanningTree<Flow>::join(int before, int after) {
    thread_[before].next = after;
    thread_[after].previous = before;
}

/// Collects the subtree of `top` into `moving_` and takes it out of the thread.
template <class Flow>
void SpanningTree<Flow>::take_out(int top, int size) {
    moving_.resize(static_cast<std::size_t>(size));
    int v = top;
    for (int& place : moving_) {
        place = v;
        v = thread_[v].next;
    }
    join(thread_[top].previous, v);
}

/// The same for the complement: walking the thread backwards from `top` finds it without touching the subtree.
template <class Flow>
void SpanningTree<Flow>::take_out_all_but(int top) {
    const int size = links_[root_].size;
    moving_.resize(static_cast<std::size_t>(size));
    int v = thread_[top].previous;
    int root_at = 0;
    for (int k = size - 1; k >= 0; --k) {
        moving_[k] = v;
        if (v == root_) root_at = k;
        v = thread_[v].previous;
    }
    if (root_at > 0) join(moving_.back(), moving_.front());  // what came before and after the subtree
    join(v, top);
    std::rotate(moving_.begin(), moving_.begin() + root_at, moving_.end());
}

template <class Flow>
void SpanningTree<Flow>::shift_moving(double amount) {
    double* const potential = potential_.data();
    for (int k = 0; k < static_cast<int>(moving_.size()); ++k) {
        Thread& thread = thread_[moving_[k]];
        thread.position = k;
        potential[thread.name] += amount;
    }
}

/// Makes the moving part a subtree of `host`, turning the path from `node` up to its old root upside down. In the new
/// preorder come the subtree of `node`, then its old parent with what else it had, and so on upwards.
template <class Flow>
void SpanningTree<Flow>::hang(int node, int host, Flow flow) {
    const int top = moving_.front();
    const int total = static_cast<int>(moving_.size());
    const int after = thread_[host].next;
    int tail = host;
    int above = host;  // the new parent of v
    int v = node;
    int inside_begin = 0;  // the range of `moving_` that is in place already: the old subtree of `above`
    int inside_end = 0;
    int placed = 0;
    while (true) {
        const Link old = links_[v];
        const int begin = thread_[v].position;
        const int end = begin + old.size;
        if (v == node) {
            thread_range(begin, end, tail);
        } else {
            thread_range(begin, inside_begin, tail);
            thread_range(inside_end, end, tail);
        }
        links_[v] = {above, total - placed, flow};
        if (v == top) break;
        placed = old.size;
        inside_begin = begin;
        inside_end = end;
        above = v;
        flow = old.flow;
        v = old.parent;
    }
    join(tail, after);
}

/// Appends moving_[begin … end-1] to the thread.
template <class Flow>
void SpanningTree<Flow>::thread_range(int begin, int end, int& tail) {
    if (begin == end) return;
    join(tail, moving_[begin]);
    tail = moving_[end - 1];
}

template class SpanningTree<std::int64_t>;
template class SpanningTree<Int128>;

}  // namespace spectralot
