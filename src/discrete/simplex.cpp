#include "discrete/simplex.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot {

namespace {

struct Entering {
    int col = -1;
    double violation = 0.0;  ///< reduced cost plus tolerance, negative if violated
};

Entering most_violated(const ArcSet& arcs, int row, const double* row_potentials, const double* negated_col) {
    double least = infinity;
    int best = -1;
    for (int arc = arcs.begin(row); arc < arcs.end(row); ++arc) {
        const double reduced = arcs.carried(arc) + negated_col[arcs.col(arc)];
        if (reduced < least) {
            least = reduced;
            best = arc;
        }
    }
    return best < 0 ? Entering{} : Entering{arcs.col(best), least - row_potentials[row]};
}

/// What rounding may add to a reduced cost: potentials of a basis far from optimal can be much larger than any cost.
double blur(const double* potentials, int size) {
    double largest = 0.0;
    for (int k = 0; k < size; ++k) largest = std::max(largest, std::abs(potentials[k]));
    return 4.0 * epsilon * largest;
}

}  // namespace

template <class Flow>
std::int64_t run_simplex(SpanningTree<Flow>& tree, const ArcSet& arcs, const SquaredDistance& cost,
                         SolveContext& context) {
    const int n_rows = tree.n_rows();
    const double* const f = tree.row_potentials();
    const double* const minus_g = tree.negated_col_potentials();
    double worst = 0.0;
    for (int i = 0; i < n_rows; ++i) worst = std::max(worst, -most_violated(arcs, i, f, minus_g).violation);

    // Rounding blurs the potentials as pivots add up: the cap sends the caller back to fresh ones.
    const std::int64_t cap = 1000 + 100 * static_cast<std::int64_t>(n_rows + tree.n_cols());
    constexpr int check_interval = 256;
    std::int64_t n_pivots = 0;
    int clean_rows = 0;
    double threshold = worst / 4.0;
    while (worst > 0.0 && clean_rows < n_rows) {
        std::int64_t pivots_of_sweep = 0;
        const auto stop = [&] { return n_pivots + pivots_of_sweep > cap || context.cancelled(); };
        const double least = std::max(threshold, blur(f, n_rows) + blur(minus_g, tree.n_cols()));
        for (int i = 0; i < n_rows && clean_rows < n_rows; ++i) {
            ++clean_rows;
            while (true) {
                const Entering entering = most_violated(arcs, i, f, minus_g);
                if (!(entering.violation < -least)) break;
                tree.pivot(i, entering.col, cost(i, entering.col) - f[i] + minus_g[entering.col]);
                clean_rows = 0;
                ++pivots_of_sweep;
                if (pivots_of_sweep % check_interval == 0 && stop()) break;
            }
            if (pivots_of_sweep >= check_interval && stop()) break;
        }
        n_pivots += pivots_of_sweep;
        if (n_pivots > cap || context.cancelled()) break;
        if (threshold > 0.0) {
            clean_rows = 0;
            if (20 * pivots_of_sweep < n_rows + 20) threshold = threshold > 1e-6 * worst ? threshold / 4.0 : 0.0;
        }
    }
    context.n_pivots += n_pivots;
    return n_pivots;
}

template std::int64_t run_simplex(SpanningTree<std::int64_t>&, const ArcSet&, const SquaredDistance&, SolveContext&);
template std::int64_t run_simplex(SpanningTree<Int128>&, const ArcSet&, const SquaredDistance&, SolveContext&);

}  // namespace spectralot
