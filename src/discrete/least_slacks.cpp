#include "discrete/least_slacks.hpp"

#include "discrete/dense_envelope.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot {

namespace {

/// The pieces at the first slots: the best one of every query.
Points best_points(const BestPieces& best, const Points& pieces) {
    Points result(static_cast<Index>(best.count.size()), pieces.cols());
    for (Index q = 0; q < result.rows(); ++q) result.row(q) = pieces.row(best.index[q * best.k]);
    return result;
}

}  // namespace

LeastSlacks least_slacks(const Potentials& potentials, const std::vector<int>& rows, const std::vector<int>& cols,
                         const CentredPair& pair, const Frame& frame, int per_point, const SolveContext& context) {
    const int exponent = 2 * pair.exponent + frame.metric_exponent;
    const Points u = gather(frame.u, rows), w = gather(frame.w, cols);
    Vector phi(u.rows()), psi(w.rows());
    for (Index i = 0; i < phi.size(); ++i) {
        phi[i] =
            0.5 * (u.row(i).squaredNorm() + frame.row_offset[rows[i]] - std::ldexp(potentials.a[rows[i]], -exponent));
    }
    for (Index j = 0; j < psi.size(); ++j) {
        psi[j] =
            0.5 * (w.row(j).squaredNorm() + frame.col_offset[cols[j]] - std::ldexp(potentials.b[cols[j]], -exponent));
    }
    BestPieces by_row(u.rows(), per_point), by_col(w.rows(), per_point);
    make_dense_envelope(w, psi)->search(u, {}, by_row, context);
    make_dense_envelope(u, phi)->search(w, {}, by_col, context);

    struct Pair {
        int row, col;
        double slack;
    };
    std::vector<Pair> pairs;
    const auto slack = [&](double conjugate, double value) { return std::ldexp(2.0 * (conjugate - value), exponent); };
    for (int i = 0; i < phi.size(); ++i) {
        for (int t = i * per_point; t < i * per_point + by_row.count[i]; ++t) {
            pairs.push_back({rows[i], cols[by_row.index[t]], slack(phi[i], by_row.value[t])});
        }
    }
    for (int j = 0; j < psi.size(); ++j) {
        for (int t = j * per_point; t < j * per_point + by_col.count[j]; ++t) {
            pairs.push_back({rows[by_col.index[t]], cols[j], slack(psi[j], by_col.value[t])});
        }
    }
    std::sort(pairs.begin(), pairs.end(),
              [](const Pair& s, const Pair& t) { return s.row != t.row ? s.row < t.row : s.col < t.col; });
    const auto last = std::unique(pairs.begin(), pairs.end(),
                                  [](const Pair& s, const Pair& t) { return s.row == t.row && s.col == t.col; });

    LeastSlacks result{.dual = {phi, Vector(psi.size()), best_points(by_row, w), best_points(by_col, u)}};
    for (Index j = 0; j < psi.size(); ++j) result.dual.psi[j] = by_col.value[j * per_point];
    for (auto p = pairs.begin(); p != last; ++p) {
        result.row.push_back(p->row);
        result.col.push_back(p->col);
        result.slack.push_back(p->slack);
    }
    return result;
}

}  // namespace spectralot
