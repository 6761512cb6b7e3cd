#include "transport/dense_transport.hpp"

#include <algorithm>
#include <vector>

namespace spectralot {

DenseTransport dense_transport(const Matrix& cost, const Vector& a, const Vector& b) {
    const Index n = cost.rows(), m = cost.cols();
    DenseTransport result{Matrix::Zero(n, m), cost.rowwise().minCoeff(), Vector::Zero(m)};
    Vector supply = a, demand = b;
    const double rounding = 8.0 * double(n + m) * epsilon * a.sum();
    while (supply.maxCoeff() > 0.0 && supply.sum() > rounding && demand.sum() > rounding) {
        // Dijkstra over rows and columns, from every row with supply to the nearest column with demand.
        Vector row_distance = Vector::Constant(n, infinity), column_distance = Vector::Constant(m, infinity);
        std::vector<Index> from_row(std::size_t(m), -1), from_column(std::size_t(n), -1);
        std::vector<bool> row_done(static_cast<std::size_t>(n)), column_done(static_cast<std::size_t>(m));
        for (Index i = 0; i < n; ++i)
            if (supply[i] > 0.0) row_distance[i] = 0.0;
        Index end = -1;
        while (end < 0) {
            Index node = -1;
            double least = infinity;
            for (Index i = 0; i < n; ++i)
                if (!row_done[std::size_t(i)] && row_distance[i] < least) least = row_distance[node = i];
            for (Index j = 0; j < m; ++j)
                if (!column_done[std::size_t(j)] && column_distance[j] < least)
                    least = column_distance[j], node = n + j;
            if (node < 0) break;
            if (node >= n) {
                const Index j = node - n;
                column_done[std::size_t(j)] = true;
                if (demand[j] > 0.0) {
                    end = j;
                    break;
                }
                for (Index i = 0; i < n; ++i)  // back along arcs that carry mass: reduced cost zero
                    if (result.plan(i, j) > 0.0 && least < row_distance[i]) {
                        row_distance[i] = least;
                        from_column[std::size_t(i)] = j;
                    }
            } else {
                row_done[std::size_t(node)] = true;
                for (Index j = 0; j < m; ++j) {
                    const double slack = std::max(0.0, cost(node, j) - result.row[node] - result.column[j]);
                    if (least + slack < column_distance[j]) {
                        column_distance[j] = least + slack;
                        from_row[std::size_t(j)] = node;
                    }
                }
            }
        }
        if (end < 0) break;
        const double length = column_distance[end];
        for (Index i = 0; i < n; ++i) result.row[i] += std::max(0.0, length - row_distance[i]);
        for (Index j = 0; j < m; ++j) result.column[j] -= std::max(0.0, length - column_distance[j]);

        double mass = demand[end];
        Index start = -1;
        for (Index j = end; start < 0;) {
            const Index i = from_row[std::size_t(j)], before = from_column[std::size_t(i)];
            if (before < 0) start = i;
            mass = std::min(mass, before < 0 ? supply[i] : result.plan(i, before));
            j = before;
        }
        for (Index j = end; j >= 0;) {
            const Index i = from_row[std::size_t(j)], before = from_column[std::size_t(i)];
            result.plan(i, j) += mass;
            if (before >= 0) result.plan(i, before) -= mass;
            j = before;
        }
        supply[start] -= mass;
        demand[end] -= mass;
    }
    return result;
}

}  // namespace spectralot
