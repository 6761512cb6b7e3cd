/// The growing set of arcs that the simplex method looks at, row by row.
#pragma once

#include "spectralot/core/types.hpp"

#include <cstdint>
#include <vector>

namespace spectralot {

struct Arc {
    int row;
    int col;
};

/// |x_i - y_j|² between two clouds of rows of equal dimension.
class SquaredDistance {
public:
    SquaredDistance(const Points& x, const Points& y) : x_(x.data()), y_(y.data()), dimension_(x.cols()) {}
    double operator()(int i, int j) const {
        const double* const x = x_ + i * dimension_;
        const double* const y = y_ + j * dimension_;
        constexpr Index longest_loop = 8;
        if (dimension_ > longest_loop) return (Row(x, dimension_) - Row(y, dimension_)).squaredNorm();
        double sum = 0.0;
        for (Index r = 0; r < dimension_; ++r) sum += (x[r] - y[r]) * (x[r] - y[r]);
        return sum;
    }

private:
    using Row = Eigen::Map<const Vector>;
    const double* x_;
    const double* y_;
    Index dimension_;
};

/// How negative a reduced cost must be to count: τ(|x_i|² + |y_j|²), pair by pair, so that far outliers do not blur
/// the comparisons between the other points.
class PairTolerance {
public:
    PairTolerance(const Points& x, const Points& y, double tau)
        : row_(tau * x.rowwise().squaredNorm()), col_(tau * y.rowwise().squaredNorm()) {}
    double operator()(int i, int j) const { return row_[i] + col_[j]; }

private:
    Vector row_;
    Vector col_;
};

/// Compressed rows. An arc carries its cost plus its tolerance: it is violated when carried - f_i - g_j < 0.
class ArcSet {
public:
    explicit ArcSet(int n_rows = 0) : begin_(static_cast<std::size_t>(n_rows) + 1, 0) {}

    /// Merges arcs in; returns how many were new. Costs of all arcs must be set again.
    std::size_t add(const std::vector<Arc>& arcs);
    /// Keeps the `per_row` arcs of least reduced cost in each row.
    void prune(const double* negated_col_potentials, int per_row);
    void set_costs(const SquaredDistance& cost, const PairTolerance& tolerance);

    /// The mean of carried - f_i - g_j.
    [[nodiscard]] double mean_slack(const double* row_potentials, const double* negated_col_potentials) const;

    [[nodiscard]] std::size_t size() const { return col_.size(); }
    [[nodiscard]] int begin(int row) const { return begin_[row]; }
    [[nodiscard]] int end(int row) const { return begin_[row + 1]; }
    [[nodiscard]] int col(int arc) const { return col_[arc]; }
    [[nodiscard]] double carried(int arc) const { return carried_[arc]; }

private:
    std::vector<int> begin_;
    std::vector<int> col_;
    std::vector<double> carried_;
};

}  // namespace spectralot
