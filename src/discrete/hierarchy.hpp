/// A cloud as a binary hierarchy of clusters, each a contiguous range of a spatial order.
#pragma once

#include "spectralot/core/types.hpp"

#include <algorithm>
#include <vector>

namespace spectralot {

/// Level 0 is one cluster; each level halves the clusters of the one before, along the widest coordinate, until every
/// cluster is one point. Independent of any metric once built, so that it serves a whole sequence of them.
class Hierarchy {
public:
    Hierarchy() = default;
    explicit Hierarchy(const Points& points);

    /// order()[k] is the point at position k of the spatial order.
    [[nodiscard]] const std::vector<int>& order() const { return order_; }
    /// The rows of `points` in the spatial order.
    [[nodiscard]] Points sorted(const Points& points) const;
    [[nodiscard]] int n_levels() const { return static_cast<int>(begin_.size()); }
    /// Clusters of a level (the last one, if beyond it): cluster k holds positions begin[k] … begin[k+1]-1.
    [[nodiscard]] const std::vector<int>& begin(int level) const { return begin_[std::min(level, n_levels() - 1)]; }
    [[nodiscard]] int n_clusters(int level) const { return static_cast<int>(begin(level).size()) - 1; }
    /// Children of cluster k of `level` are the clusters first[k] … first[k+1]-1 (one or two) of the next level.
    [[nodiscard]] std::vector<int> first_child(int level) const;

private:
    std::vector<int> order_;
    std::vector<std::vector<int>> begin_;
};

/// Supplies of the clusters.
template <class Flow>
std::vector<Flow> cluster_supplies(const std::vector<Flow>& supply, const std::vector<int>& begin) {
    std::vector<Flow> total(begin.size() - 1, 0);
    for (std::size_t k = 0; k < total.size(); ++k) {
        for (int t = begin[k]; t < begin[k + 1]; ++t) total[k] += supply[t];
    }
    return total;
}

/// Centres of mass of the clusters of points given in the spatial order.
template <class Flow>
Points cluster_centres(const Points& sorted, const std::vector<Flow>& supply, const std::vector<int>& begin) {
    if (static_cast<Index>(begin.size()) == sorted.rows() + 1) return sorted;
    Points centre = Points::Zero(static_cast<Index>(begin.size()) - 1, sorted.cols());
    for (Index k = 0; k < centre.rows(); ++k) {
        double total = 0.0;
        for (int t = begin[k]; t < begin[k + 1]; ++t) {
            const auto mass = static_cast<double>(supply[t]);
            total += mass;
            centre.row(k) += mass * sorted.row(t);
        }
        centre.row(k) /= total;
    }
    return centre;
}

}  // namespace spectralot
