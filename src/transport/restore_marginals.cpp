#include "transport/restore_marginals.hpp"

#include "core/compensated_sum.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spectralot {

namespace {

int find_root(std::vector<int>& parent, int node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
}

/// Arcs of the spanning forest of greatest total mass; rows are nodes 0 … n-1, columns follow.
std::vector<int> heaviest_forest(const std::vector<int>& row, const std::vector<int>& col, const Vector& mass,
                                 int n_rows, int n_nodes) {
    std::vector<int> order;
    for (int k = 0; k < mass.size(); ++k) {
        if (mass(k) > 0.0) order.push_back(k);
    }
    std::stable_sort(order.begin(), order.end(), [&](int s, int t) { return mass(s) > mass(t); });
    std::vector<int> parent(std::size_t(n_nodes), 0), forest;
    std::iota(parent.begin(), parent.end(), 0);
    for (const int k : order) {
        const int s = find_root(parent, row[k]), t = find_root(parent, n_rows + col[k]);
        if (s == t) continue;
        parent[s] = t;
        forest.push_back(k);
    }
    return forest;
}

}  // namespace

std::optional<Vector> restore_marginals(const std::vector<int>& row, const std::vector<int>& col, const Vector& mass,
                                        const Vector& row_mass, const Vector& col_mass, double floor) {
    const int n_rows = int(row_mass.size()), n_nodes = n_rows + int(col_mass.size());
    Vector x = (mass.array() < floor / double(std::max(row_mass.size(), col_mass.size()))).select(0.0, mass);

    std::vector<CompensatedSum> missing(static_cast<std::size_t>(n_nodes));
    for (int v = 0; v < n_nodes; ++v) missing[v].add(v < n_rows ? row_mass(v) : col_mass(v - n_rows));
    for (int k = 0; k < x.size(); ++k) {
        missing[row[k]].add(-x(k));
        missing[n_rows + col[k]].add(-x(k));
    }

    const std::vector<int> forest = heaviest_forest(row, col, x, n_rows, n_nodes);
    std::vector<std::vector<int>> incident(static_cast<std::size_t>(n_nodes));
    for (const int k : forest) {
        incident[row[k]].push_back(k);
        incident[n_rows + col[k]].push_back(k);
    }
    // From the leaves inwards, every node passes on what it misses by its last arc.
    std::vector<int> degree(std::size_t(n_nodes), 0), leaves;
    for (int v = 0; v < n_nodes; ++v) {
        degree[v] = int(incident[v].size());
        if (degree[v] == 1) leaves.push_back(v);
    }
    std::vector<char> used(std::size_t(x.size()), 0);
    for (std::size_t next = 0; next < leaves.size(); ++next) {
        const int v = leaves[next];
        for (const int k : incident[v]) {
            if (used[k]) continue;
            used[k] = 1;
            const double shift = missing[v].value();
            x(k) += shift;
            missing[v].add(-shift);
            const int other = v < n_rows ? n_rows + col[k] : row[k];
            missing[other].add(-shift);
            if (--degree[other] == 1) leaves.push_back(other);
        }
    }
    double unrouted = 0.0;
    for (const CompensatedSum& m : missing) unrouted += std::abs(m.value());
    if (!(x.minCoeff() >= 0.0) || unrouted > 4.0 * epsilon * n_nodes) return std::nullopt;
    return x;
}

}  // namespace spectralot
