#include "discrete/refine.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace spectralot {

template <class Flow>
std::vector<FlowArc<Flow>> split_rows(const std::vector<FlowArc<Flow>>& arcs, const std::vector<int>& first_child,
                                      const Points& children, const std::vector<Flow>& child_supply,
                                      const Points& cols) {
    const int n_rows = static_cast<int>(first_child.size()) - 1;
    std::vector<int> begin(static_cast<std::size_t>(n_rows) + 1, 0);
    for (const auto& arc : arcs) ++begin[arc.row + 1];
    for (int i = 0; i < n_rows; ++i) begin[i + 1] += begin[i];
    std::vector<FlowArc<Flow>> by_row(arcs.size());
    std::vector<int> cursor(begin.begin(), begin.end() - 1);  // NOLINT(misc-const-correctness): it is not constant
    for (const auto& arc : arcs) by_row[cursor[arc.row]++] = arc;

    std::vector<FlowArc<Flow>> result;
    result.reserve(arcs.size() + child_supply.size() - static_cast<std::size_t>(n_rows));
    std::vector<std::pair<double, int>> ranked;
    for (int i = 0; i < n_rows; ++i) {
        const int child = first_child[i];
        const bool is_split = first_child[i + 1] - child == 2;
        ranked.clear();
        for (int t = begin[i]; t < begin[i + 1]; ++t) {
            const double preference =
                is_split ? (children.row(child) - children.row(child + 1)).dot(cols.row(by_row[t].col)) : 0.0;
            ranked.emplace_back(-preference, t);
        }
        if (is_split) std::sort(ranked.begin(), ranked.end());
        Flow room = is_split ? child_supply[child] : Flow{0};
        for (const auto& [_, t] : ranked) {
            const auto& arc = by_row[t];
            if (!is_split || arc.flow < room) {
                result.push_back({child, arc.col, arc.flow});
                room -= arc.flow;
            } else if (room > 0) {
                assert(arc.flow != room);  // would be a degenerate tree, which the perturbed supplies exclude
                result.push_back({child, arc.col, room});
                result.push_back({child + 1, arc.col, arc.flow - room});
                room = 0;
            } else {
                result.push_back({child + 1, arc.col, arc.flow});
            }
        }
    }
    return result;
}

template <class Flow>
std::vector<FlowArc<Flow>> transposed(std::vector<FlowArc<Flow>> arcs) {
    for (auto& arc : arcs) std::swap(arc.row, arc.col);
    return arcs;
}

template <class Flow>
std::vector<FlowArc<Flow>> north_west_corner(const std::vector<Flow>& row_supply, const std::vector<Flow>& col_supply) {
    std::vector<FlowArc<Flow>> arcs;
    std::size_t i = 0;
    std::size_t j = 0;
    Flow row_left = row_supply[0];
    Flow col_left = col_supply[0];
    while (true) {
        const Flow flow = std::min(row_left, col_left);
        arcs.push_back({static_cast<int>(i), static_cast<int>(j), flow});
        row_left -= flow;
        col_left -= flow;
        if (i + 1 == row_supply.size() && j + 1 == col_supply.size()) return arcs;
        if (row_left == 0) {
            row_left = row_supply[++i];
        } else {
            col_left = col_supply[++j];
        }
    }
}

template <class Flow>
std::vector<FlowArc<Flow>> greedy_tree(const std::vector<Arc>& arcs, const std::function<double(int, int)>& cost,
                                       std::vector<Flow> row_supply, std::vector<Flow> col_supply) {
    constexpr std::size_t most_compared = 500;
    std::vector<FlowArc<Flow>> result;
    const auto ship = [&](int row, int col) {
        const Flow flow = std::min(row_supply[row], col_supply[col]);
        result.push_back({row, col, flow});
        row_supply[row] -= flow;
        col_supply[col] -= flow;
    };
    std::vector<std::pair<double, std::size_t>> ranked;
    ranked.reserve(arcs.size());
    for (std::size_t t = 0; t < arcs.size(); ++t) ranked.emplace_back(cost(arcs[t].row, arcs[t].col), t);
    std::sort(ranked.begin(), ranked.end());
    for (const auto& [_, t] : ranked) {
        if (row_supply[arcs[t].row] > 0 && col_supply[arcs[t].col] > 0) ship(arcs[t].row, arcs[t].col);
    }
    std::vector<int> open;
    for (int col = 0; col < static_cast<int>(col_supply.size()); ++col) {
        if (col_supply[col] > 0) open.push_back(col);
    }
    for (int row = 0; row < static_cast<int>(row_supply.size()); ++row) {
        while (row_supply[row] > 0) {
            std::pair<double, std::size_t> cheapest{infinity, 0};
            for (std::size_t t = 0; t < std::min(open.size(), most_compared); ++t)
                cheapest = std::min(cheapest, {cost(row, open[t]), t});
            const auto place = open.begin() + static_cast<std::ptrdiff_t>(cheapest.second);
            ship(row, *place);
            if (col_supply[*place] == 0) open.erase(place);
        }
    }
    return result;
}

using Arcs64 = std::vector<FlowArc<std::int64_t>>;
using Arcs128 = std::vector<FlowArc<Int128>>;
template Arcs64 split_rows(const Arcs64&, const std::vector<int>&, const Points&, const std::vector<std::int64_t>&,
                           const Points&);
template Arcs128 split_rows(const Arcs128&, const std::vector<int>&, const Points&, const std::vector<Int128>&,
                            const Points&);
template Arcs64 transposed(Arcs64);
template Arcs128 transposed(Arcs128);
template Arcs64 greedy_tree(const std::vector<Arc>&, const std::function<double(int, int)>&, std::vector<std::int64_t>,
                            std::vector<std::int64_t>);
template Arcs128 greedy_tree(const std::vector<Arc>&, const std::function<double(int, int)>&, std::vector<Int128>,
                             std::vector<Int128>);
template Arcs64 north_west_corner(const std::vector<std::int64_t>&, const std::vector<std::int64_t>&);
template Arcs128 north_west_corner(const std::vector<Int128>&, const std::vector<Int128>&);

}  // namespace spectralot
