#include "transport/assignment.hpp"

#include <algorithm>
#include <queue>

namespace spectralot {

std::vector<int> heaviest_permutation(const SparsePlan& plan, const CancelToken& cancel) {
    const auto n = std::size_t(plan.n_rows);
    std::vector<std::size_t> start(n + 1, 0);
    for (const int i : plan.row) ++start[std::size_t(i) + 1];
    for (std::size_t i = 0; i < n; ++i) start[i + 1] += start[i];
    std::vector<int> target(plan.size());
    std::vector<double> cost(plan.size());  // minus the mass in units of 1/n
    std::vector<std::size_t> next(start.begin(), start.end() - 1);
    for (std::size_t t = 0; t < plan.size(); ++t) {
        const std::size_t place = next[std::size_t(plan.row[t])]++;
        target[place] = plan.col[t];
        cost[place] = -plan.mass[t] * double(n);
    }

    // Dual variables keep cost - u_i - v_j ≥ 0, with equality on matched arcs.
    std::vector<double> u(n), v(n, 0.0);
    std::vector<int> row_of(n, -1), col_of(n, -1);
    for (std::size_t i = 0; i < n; ++i) {
        if (start[i] == start[i + 1]) return {};
        const auto best =
            std::min_element(cost.begin() + std::ptrdiff_t(start[i]), cost.begin() + std::ptrdiff_t(start[i + 1]));
        u[i] = *best;
        const auto j = std::size_t(target[std::size_t(best - cost.begin())]);
        if (row_of[j] < 0) {
            row_of[j] = int(i);
            col_of[i] = int(j);
        }
    }

    std::vector<double> distance(n, infinity);
    std::vector<int> previous_row(n, -1);
    std::vector<std::size_t> touched, settled;
    for (std::size_t root = 0; root < n; ++root) {
        if (cancel.requested()) return {};
        if (col_of[root] >= 0) continue;
        // Dijkstra over columns with reduced costs, from the free row to the nearest free column.
        using Entry = std::pair<double, std::size_t>;
        std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
        touched.clear();
        settled.clear();
        const auto relax = [&](std::size_t row, double length) {
            for (std::size_t t = start[row]; t < start[row + 1]; ++t) {
                const auto j = std::size_t(target[t]);
                const double candidate = length + std::max(0.0, cost[t] - u[row] - v[j]);
                if (candidate < distance[j]) {
                    if (distance[j] == infinity) touched.push_back(j);
                    distance[j] = candidate;
                    previous_row[j] = int(row);
                    queue.emplace(candidate, j);
                }
            }
        };
        relax(root, 0.0);
        int end = -1;
        double length = 0.0;
        while (!queue.empty()) {
            const auto [candidate, j] = queue.top();
            queue.pop();
            if (candidate > distance[j]) continue;
            length = candidate;
            if (row_of[j] < 0) {
                end = int(j);
                break;
            }
            settled.push_back(j);
            relax(std::size_t(row_of[j]), candidate);
        }
        if (end < 0) return {};
        u[root] += length;
        for (const std::size_t j : settled) {
            u[std::size_t(row_of[j])] += length - distance[j];
            v[j] -= length - distance[j];
        }
        for (int j = end; j >= 0;) {  // augment
            const int row = previous_row[std::size_t(j)];
            const int freed = col_of[std::size_t(row)];
            row_of[std::size_t(j)] = row;
            col_of[std::size_t(row)] = j;
            j = freed;
        }
        for (const std::size_t j : touched) distance[j] = infinity;
    }
    return col_of;
}

}  // namespace spectralot
