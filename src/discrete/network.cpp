#include "discrete/network.hpp"

#include "discrete/envelope.hpp"
#include "discrete/refine.hpp"
#include "discrete/simplex.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace spectralot {

namespace {

constexpr int coarsest_clusters = 32;  ///< small enough to solve over all pairs
constexpr int candidates_per_row = 6;
constexpr int candidates_per_col = 4;
constexpr int smoothing_pieces = 2;  ///< a coarse potential is smoothed over
constexpr int added_per_row = 4;     ///< arcs taken per pricing round
constexpr double near_share = 0.2;   ///< of the mean slack: where a round is dear, what may soon be violated joins too
constexpr int rounds_per_middle_level = 3;
constexpr int kept_per_row = 10;  ///< arcs kept between two metrics
constexpr double base_tolerance = 8.0 * epsilon;

template <class Flow>
Conjugates conjugates(const SpanningTree<Flow>& tree, const Points& x, const Points& y) {
    const Eigen::Map<const Vector> f(tree.row_potentials(), tree.n_rows());
    const Eigen::Map<const Vector> minus_g(tree.negated_col_potentials(), tree.n_cols());
    Conjugates dual{(x.rowwise().squaredNorm() - f) / 2.0, (y.rowwise().squaredNorm() + minus_g) / 2.0, {}, {}};
    if (x.cols() > largest_tree_dimension) return dual;
    dual.row_hint.resize(x.rows(), x.cols());
    dual.col_hint.resize(y.rows(), y.cols());
    for (int i = 0; i < tree.n_rows(); ++i) dual.row_hint.row(i) = y.row(tree.row_neighbour(i));
    for (int j = 0; j < tree.n_cols(); ++j) dual.col_hint.row(j) = x.row(tree.col_neighbour(j));
    return dual;
}

struct Pricing {
    std::vector<Arc> arcs;  ///< some of each row, violated and, beyond low dimension, nearly so; empty if optimal
    Vector envelope;        ///< φ raised where pieces are above it: feasible for all pairs
};

/// Everything found by inner products is confirmed by its reduced cost.
template <class Flow>
Pricing price(const SpanningTree<Flow>& tree, const ArcSet& arcs, const Points& x, const Points& y,
              const SquaredDistance& cost, const PairTolerance& tolerance, const SolveContext& context) {
    const Conjugates dual = conjugates(tree, x, y);
    const bool takes_near = x.cols() > largest_tree_dimension;
    double margin = 0.0;
    if (takes_near) {
        const double mean_slack = arcs.mean_slack(tree.row_potentials(), tree.negated_col_potentials());
        margin = 0.5 * near_share * std::max(mean_slack, 0.0);
    }
    BestPieces best(x.rows(), added_per_row);
    make_envelope(y, dual.psi, dual.col_hint)->search(x, (dual.phi.array() - margin).matrix(), best, context);
    Pricing pricing{{}, dual.phi};
    bool is_optimal = true;
    for (int i = 0; i < tree.n_rows(); ++i) {
        if (best.count[i] > 0) pricing.envelope[i] = std::max(dual.phi[i], best.highest(i));
        for (int k = 0; k < best.count[i]; ++k) {
            const int j = best.index[i * best.k + k];
            const double reduced = cost(i, j) - tree.row_potentials()[i] + tree.negated_col_potentials()[j];
            const bool is_violated = reduced + tolerance(i, j) < 0.0;
            if (is_violated) is_optimal = false;
            if (is_violated || takes_near) pricing.arcs.push_back({i, j});
        }
    }
    if (is_optimal) pricing.arcs.clear();
    return pricing;
}

/// A coarse potential at finer points: the envelope of the coarse pieces, smoothed over the k best of them.
struct Interpolated {
    Vector value;
    Points hint;  ///< the coarse point whose piece is the best
};

Interpolated interpolate(const Points& coarse, const Vector& offset, const Points& coarse_hint, const Points& fine,
                         int k, const SolveContext& context) {
    BestPieces best(fine.rows(), k);
    make_envelope(coarse, offset, coarse_hint)->search(fine, {}, best, context);
    Interpolated result{Vector::Zero(fine.rows()), Points::Zero(fine.rows(), fine.cols())};
    for (Index i = 0; i < fine.rows(); ++i) {
        const int count = best.count[i];
        if (count == 0) continue;  // cancelled
        const double* const v = &best.value[i * k];
        const double spread = v[0] - v[count - 1];
        result.value[i] = v[0];
        result.hint.row(i) = coarse.row(best.index[i * k]);
        if (!(spread > 0.0)) continue;
        double sum = 0.0;
        for (int t = 0; t < count; ++t) sum += std::exp((v[t] - v[0]) / spread);
        result.value[i] += spread * std::log(sum);
    }
    return result;
}

/// What a coarse optimum says about finer clouds.
struct Forecast {
    Vector phi;  ///< the conjugate potentials
    Vector psi;
    std::vector<Arc> arcs;  ///< likely to carry flow: small power distances under these potentials
};

Forecast forecast(const Conjugates& coarse, const Points& coarse_x, const Points& x, const Points& y,
                  const SolveContext& context) {
    Interpolated psi = interpolate(coarse_x, coarse.phi, coarse.row_hint, y, smoothing_pieces, context);
    std::vector<Arc> arcs;
    BestPieces of_row(x.rows(), candidates_per_row);
    make_envelope(y, psi.value, psi.hint)->search(x, {}, of_row, context);
    Vector phi = Vector::Zero(x.rows());
    Points hint = Points::Zero(x.rows(), x.cols());
    for (int i = 0; i < static_cast<int>(x.rows()); ++i) {
        const auto first = static_cast<std::size_t>(i) * static_cast<std::size_t>(of_row.k);
        const int count = of_row.count[i];
        if (count == 0) continue;  // cancelled
        phi[i] = of_row.value[first];
        hint.row(i) = y.row(of_row.index[first]);
        for (int k = 0; k < count; ++k) arcs.push_back({i, of_row.index[first + static_cast<std::size_t>(k)]});
    }
    BestPieces of_col(y.rows(), candidates_per_col);
    make_envelope(x, phi, hint)->search(y, {}, of_col, context);
    for (int j = 0; j < static_cast<int>(y.rows()); ++j) {
        for (int k = 0; k < of_col.count[j]; ++k) arcs.push_back({of_col.index[j * of_col.k + k], j});
    }
    return {std::move(phi), std::move(psi.value), std::move(arcs)};
}

std::vector<Arc> all_pairs(int n_rows, int n_cols) {
    std::vector<Arc> arcs;
    for (int i = 0; i < n_rows; ++i) {
        for (int j = 0; j < n_cols; ++j) arcs.push_back({i, j});
    }
    return arcs;
}

/// Levels to visit, coarse to fine: each has a quarter of the clusters of the next, the last middle one nearly half of
/// the points where pricing is cheap (a tree of pieces).
std::vector<int> levels_to_visit(const Hierarchy& rows, const Hierarchy& cols, bool has_cheap_pricing) {
    const auto n_clusters = [&](int level) { return std::max(rows.n_clusters(level), cols.n_clusters(level)); };
    const int finest = std::max(rows.n_levels(), cols.n_levels()) - 1;
    std::vector<int> levels{finest};
    double limit = (has_cheap_pricing ? 0.45 : 0.3) * n_clusters(finest);
    for (int level = finest - 1; level > 0; --level) {
        if (n_clusters(level) > limit) continue;
        levels.push_back(level);
        if (n_clusters(level) <= coarsest_clusters) break;
        limit = 0.3 * n_clusters(level);
    }
    std::reverse(levels.begin(), levels.end());
    return levels;
}

}  // namespace

template <class Flow>
void NetworkTransport<Flow>::sort(const EmbeddedClouds& clouds) {
    rows_ = Hierarchy(linalg::rows_times(clouds.x, clouds.x_axes));
    cols_ = Hierarchy(linalg::rows_times(clouds.y, clouds.y_axes));
    finest_ = {rows_.sorted(clouds.x),
               cols_.sorted(clouds.y),
               gather(supplies_.row, rows_.order()),
               gather(supplies_.col, cols_.order()),
               {},
               {}};
}

template <class Flow>
typename NetworkTransport<Flow>::Level NetworkTransport<Flow>::make_level(int level,
                                                                          const EmbeddedClouds& clouds) const {
    const std::vector<int>&row = rows_.begin(level), &col = cols_.begin(level);
    Level made{cluster_centres(finest_.x_given, finest_.row_supply, row),
               cluster_centres(finest_.y_given, finest_.col_supply, col),
               cluster_supplies(finest_.row_supply, row),
               cluster_supplies(finest_.col_supply, col),
               {},
               {}};
    made.embed(clouds);
    return made;
}

template <class Flow>
Matrix NetworkTransport<Flow>::moment(const Level& level) const {
    Matrix sum = Matrix::Zero(level.x_given.cols(), level.x_given.cols());
    const double total = static_cast<double>(supplies_.unit) * static_cast<double>(supplies_.total);
    for (const auto& arc : tree_.arcs()) {
        const Vector step = level.y_given.row(arc.col) - level.x_given.row(arc.row);
        sum.noalias() += (static_cast<double>(arc.flow) / total) * step * step.transpose();
    }
    return sum;
}

template <class Flow>
void NetworkTransport<Flow>::solve_cold(EmbeddedClouds& clouds, SolveContext& context, const LevelSteering& steer) {
    sort(clouds);
    if (steer) {
        // A few clusters tell enough of the metric to cluster anew in it: long thin ones where it is nearly singular.
        constexpr int scouts = 128;
        descend(clouds, scouts, context, steer);
        sort(clouds);
    }
    descend(clouds, std::numeric_limits<int>::max(), context, steer);
}

template <class Flow>
void NetworkTransport<Flow>::descend(EmbeddedClouds& clouds, int most_clusters, SolveContext& context,
                                     const LevelSteering& steer) {
    const std::vector<int> levels = levels_to_visit(rows_, cols_, clouds.x_axes.cols() <= largest_tree_dimension);
    int level = levels.front();
    Level here = make_level(level, clouds);
    std::vector<FlowArc<Flow>> basis = north_west_corner(here.row_supply, here.col_supply);
    std::vector<Arc> candidates = all_pairs(static_cast<int>(here.x.rows()), static_cast<int>(here.y.rows()));
    for (std::size_t visit = 0;; ++visit) {
        const bool is_finest = visit + 1 == levels.size();
        tree_ = SpanningTree<Flow>(static_cast<int>(here.x.rows()), static_cast<int>(here.y.rows()), basis);
        arcs_ = ArcSet(tree_.n_rows());
        arcs_.add(candidates);
        optimise(here.x, here.y, is_finest ? 0 : rounds_per_middle_level, context);
        if (is_finest) return;
        while (steer && !context.cancelled() && steer(moment(here), here.x.rows(), clouds)) {
            here.embed(clouds);
            optimise(here.x, here.y, rounds_per_middle_level, context);
        }

        const Conjugates dual = conjugates(tree_, here.x, here.y);
        const Points coarse_x = here.x;
        const bool is_low = here.x.cols() <= largest_tree_dimension;  // where near clusters have near targets
        basis = tree_.arcs();
        for (; level < levels[visit + 1]; ++level) {
            const Level next = make_level(level + 1, clouds);
            if (std::max(next.x.rows(), next.y.rows()) > most_clusters) return;
            if (is_low) {
                basis = split_rows(basis, rows_.first_child(level), next.x, next.row_supply, here.y);
                basis = transposed(
                    split_rows(transposed(basis), cols_.first_child(level), next.y, next.col_supply, next.x));
            }
            here = next;
        }
        Forecast likely = forecast(dual, coarse_x, here.x, here.y, context);
        if (!is_low) {
            const auto slack = [&](int i, int j) {
                return likely.phi[i] + likely.psi[j] - here.x.row(i).dot(here.y.row(j));
            };
            basis = greedy_tree(likely.arcs, slack, here.row_supply, here.col_supply);
        }
        candidates = std::move(likely.arcs);
    }
}

template <class Flow>
void NetworkTransport<Flow>::solve_warm(const Points& x, const Points& y, SolveContext& context) {
    arcs_.prune(tree_.negated_col_potentials(), kept_per_row);
    optimise(rows_.sorted(x), cols_.sorted(y), 0, context);
}

/// Column generation: simplex over the arcs, then all pairs are priced and some join; `max_rounds` 0 = until
/// none is left.
template <class Flow>
void NetworkTransport<Flow>::optimise(const Points& x, const Points& y, int max_rounds, SolveContext& context) {
    constexpr int patience = 20;  // rounds after which the tolerance doubles: rounding cannot keep the loop alive
    const SquaredDistance cost(x, y);
    double tau = base_tolerance;
    PairTolerance tolerance(x, y, tau);
    envelope_.resize(0);
    for (int round = 1;; ++round) {
        tree_.set_potentials(cost);
        arcs_.set_costs(cost, tolerance);
        const std::int64_t n_pivots = run_simplex(tree_, arcs_, cost, context);
        if (n_pivots > 0) tree_.set_potentials(cost);
        if (round == max_rounds || context.cancelled()) return;
        Pricing pricing = price(tree_, arcs_, x, y, cost, tolerance, context);
        if (context.cancelled()) return;
        const std::size_t n_new = arcs_.add(pricing.arcs);
        if (pricing.arcs.empty() || (n_new == 0 && n_pivots == 0)) {
            envelope_ = std::move(pricing.envelope);
            return;
        }
        if (round % patience == 0) tolerance = PairTolerance(x, y, tau *= 2.0);
    }
}

template <class Flow>
Basis NetworkTransport<Flow>::basis(const Points& x, const Points& y) const {
    const std::vector<int>& row_at = rows_.order();
    const std::vector<int>& col_at = cols_.order();
    Basis result;
    for (const auto& arc : tree_.arcs()) {
        const double mass = supplies_.mass(arc.flow);
        if (mass > 0.0) result.plan.push_back({row_at[arc.row], col_at[arc.col], mass});
    }
    const Conjugates sorted = conjugates(tree_, rows_.sorted(x), cols_.sorted(y));
    Conjugates& dual = result.dual;
    dual = {Vector(x.rows()), Vector(y.rows()), Points(sorted.row_hint.rows(), x.cols()),
            Points(sorted.col_hint.rows(), y.cols())};
    result.is_feasible = envelope_.size() > 0;
    const Vector& phi = result.is_feasible ? envelope_ : sorted.phi;
    for (Index k = 0; k < x.rows(); ++k) dual.phi[row_at[k]] = phi[k];
    for (Index k = 0; k < y.rows(); ++k) dual.psi[col_at[k]] = sorted.psi[k];
    for (Index k = 0; k < dual.row_hint.rows(); ++k) dual.row_hint.row(row_at[k]) = sorted.row_hint.row(k);
    for (Index k = 0; k < dual.col_hint.rows(); ++k) dual.col_hint.row(col_at[k]) = sorted.col_hint.row(k);
    return result;
}

template class NetworkTransport<std::int64_t>;
template class NetworkTransport<Int128>;

}  // namespace spectralot
