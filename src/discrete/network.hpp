/// Exact transport between two Euclidean clouds: coarse to fine, column-generating network simplex.
#pragma once

#include "discrete/arcs.hpp"
#include "discrete/basis.hpp"
#include "discrete/context.hpp"
#include "discrete/hierarchy.hpp"
#include "discrete/tree.hpp"
#include "linalg/product.hpp"

#include <functional>

namespace spectralot {

/// Two clouds of any coordinates, and the linear maps to those in which the cost is |x_i - y_j|².
struct EmbeddedClouds {
    Points x;
    Points y;
    Matrix x_axes;
    Matrix y_axes;
};

/// Looks at the optimal plan of a coarse level (Σ mass (y_j-x_i)(y_j-x_i)ᵀ in the coordinates as given), and may change
/// the axes: then the level is solved again.
using LevelSteering = std::function<bool(const Matrix& moment, Index n_clusters, EmbeddedClouds& clouds)>;

/// The optimal basis for the cost |x_i - y_j|², kept between solves: when only the clouds' coordinates change (another
/// metric), it stays feasible.
template <class Flow>
class NetworkTransport {
public:
    explicit NetworkTransport(Supplies<Flow> supplies) : supplies_(std::move(supplies)) {}

    /// From scratch: clusters both clouds, solves the coarsest problem, refines.
    void solve_cold(EmbeddedClouds& clouds, SolveContext& context, const LevelSteering& steer = {});
    /// From the last basis and arcs. Needs an earlier solve.
    void solve_warm(const Points& x, const Points& y, SolveContext& context);

    [[nodiscard]] const Supplies<Flow>& supplies() const { return supplies_; }
    [[nodiscard]] bool has_basis() const { return tree_.n_rows() > 0; }
    /// Plan and potentials for the clouds of the last solve, with the indices of the points as given.
    [[nodiscard]] Basis basis(const Points& x, const Points& y) const;

private:
    /// One level of the hierarchy: two clouds of clusters in spatial order, as given and embedded.
    struct Level {
        Points x_given;
        Points y_given;
        std::vector<Flow> row_supply;
        std::vector<Flow> col_supply;
        Points x;
        Points y;

        void embed(const EmbeddedClouds& clouds) {
            x = linalg::rows_times(x_given, clouds.x_axes);
            y = linalg::rows_times(y_given, clouds.y_axes);
        }
    };
    /// The clouds in spatial order, with their supplies: the finest level.
    void sort(const EmbeddedClouds& clouds);
    Level make_level(int level, const EmbeddedClouds& clouds) const;
    [[nodiscard]] Matrix moment(const Level& level) const;
    /// Level by level, while they have no more than `most_clusters`.
    void descend(EmbeddedClouds& clouds, int most_clusters, SolveContext& context, const LevelSteering& steer);
    void optimise(const Points& x, const Points& y, int max_rounds, SolveContext& context);

    Supplies<Flow> supplies_;
    Hierarchy rows_;
    Hierarchy cols_;
    Level finest_;
    SpanningTree<Flow> tree_;
    Vector envelope_;  ///< φ raised to the envelope of the last pricing that found nothing; empty if there was none
    ArcSet arcs_;
};

extern template class NetworkTransport<std::int64_t>;
extern template class NetworkTransport<Int128>;

}  // namespace spectralot
