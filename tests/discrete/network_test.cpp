#include "discrete/arcs.hpp"
#include "discrete/envelope.hpp"
#include "discrete/hierarchy.hpp"
#include "discrete/refine.hpp"
#include "discrete/sorted.hpp"
#include "discrete/supplies.hpp"
#include "discrete/tree.hpp"
#include "support/discrete_reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace spectralot {
namespace {

template <class Flow>
Flow sum(const std::vector<Flow>& values) {
    return std::accumulate(values.begin(), values.end(), Flow{0});
}

TEST(Supplies, AreExactInSixtyFourBitsForSmallRatios) {
    const auto supplies = make_supplies(std::vector<double>(6, 1.0 / 6.0), {0.5, 0.25, 1.25});
    ASSERT_TRUE(std::holds_alternative<Supplies<std::int64_t>>(supplies));
    const auto& exact = std::get<Supplies<std::int64_t>>(supplies);
    EXPECT_EQ(sum(exact.row), sum(exact.col));
    EXPECT_EQ(exact.mass(exact.row[0]), 1.0 / 6.0);
    EXPECT_EQ(exact.mass(exact.col[2]), 0.625);
}

TEST(Supplies, KeepTwentyDecadesInBothDirections) {
    std::vector<double> a;
    for (int i = 0; i < 220; ++i) a.push_back(std::pow(10.0, -0.1 * i));
    const std::vector<double> b = {1e-22, 0.3, 0.7};
    const auto supplies = make_supplies(a, b);
    ASSERT_TRUE(std::holds_alternative<Supplies<Int128>>(supplies));
    const auto& wide = std::get<Supplies<Int128>>(supplies);
    EXPECT_TRUE(sum(wide.row) == sum(wide.col));
    const long double total = std::accumulate(a.begin(), a.end(), 0.0L);
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto wanted = static_cast<double>(a[i] / total);
        EXPECT_NEAR(wide.mass(wide.row[i]), wanted, 4.0 * epsilon * wanted + 2.0 / static_cast<double>(wide.total));
        EXPECT_GT(wide.row[i], 0);
    }
}

TEST(Supplies, WeightsBelowTheResolutionStillGetOneUnit) {
    const auto supplies = make_supplies({1.0, 1e-300, 1e-40}, {0.5, 0.5, 1e-200});
    const auto& wide = std::get<Supplies<Int128>>(supplies);
    EXPECT_TRUE(sum(wide.row) == sum(wide.col));
    for (const Int128 v : wide.row) EXPECT_TRUE(v >= wide.unit);
    for (const Int128 v : wide.col) EXPECT_TRUE(v >= wide.unit);
}

TEST(Supplies, NoSubsetOfRowsBalancesASubsetOfColumns) {
    const auto supplies = std::get<Supplies<std::int64_t>>(make_supplies({1, 2, 1, 2}, {2, 1, 2, 1}));
    for (unsigned rows = 0; rows < 16; ++rows) {
        for (unsigned cols = 0; cols < 16; ++cols) {
            std::int64_t difference = 0;
            for (unsigned k = 0; k < 4; ++k) {
                if ((rows >> k) & 1U) difference += supplies.row[k];
                if ((cols >> k) & 1U) difference -= supplies.col[k];
            }
            const bool trivial = (rows == 0 && cols == 0) || (rows == 15 && cols == 15);
            EXPECT_EQ(difference == 0, trivial);
        }
    }
}

class RandomTree {
public:
    RandomTree(int n, int m, std::uint64_t seed)
        : random(seed),
          x(test::gaussian_points(n, 2, random)),
          y(test::gaussian_points(m, 2, random)),
          supplies(
              std::get<Supplies<std::int64_t>>(make_supplies(std::vector<double>(static_cast<std::size_t>(n), 1.0),
                                                             std::vector<double>(static_cast<std::size_t>(m), 1.0)))),
          tree(n, m, north_west_corner(supplies.row, supplies.col)) {}

    test::Random random;
    Points x, y;
    Supplies<std::int64_t> supplies;
    SpanningTree<std::int64_t> tree;
};

TEST(SpanningTree, EveryPivotKeepsTheMarginalsTheTreeAndThePotentials) {
    for (const auto& [n, m] : {std::pair{1, 1}, {1, 6}, {9, 7}, {30, 30}, {25, 60}}) {
        RandomTree t(n, m, static_cast<std::uint64_t>(100 * n + m));
        const SquaredDistance cost(t.x, t.y);
        t.tree.set_potentials(cost);
        std::uniform_int_distribution<int> any_row(0, n - 1);
        std::uniform_int_distribution<int> any_col(0, m - 1);
        double last = infinity;
        for (int step = 0; step < 400; ++step) {
            const int i = any_row(t.random);
            const int j = any_col(t.random);
            const double reduced = cost(i, j) - t.tree.row_potentials()[i] + t.tree.negated_col_potentials()[j];
            if (reduced >= -1e-12) continue;
            t.tree.pivot(i, j, reduced);

            std::vector<std::int64_t> row(static_cast<std::size_t>(n), 0);
            std::vector<std::int64_t> col(static_cast<std::size_t>(m), 0);
            double total = 0.0;
            const auto arcs = t.tree.arcs();
            ASSERT_EQ(arcs.size(), static_cast<std::size_t>(n + m - 1));
            for (const auto& arc : arcs) {
                ASSERT_GT(arc.flow, 0);
                row[arc.row] += arc.flow;
                col[arc.col] += arc.flow;
                total += static_cast<double>(arc.flow) * cost(arc.row, arc.col);
                const double slack = cost(arc.row, arc.col) - t.tree.row_potentials()[arc.row] +
                                     t.tree.negated_col_potentials()[arc.col];
                ASSERT_NEAR(slack, 0.0, 1e-11);
            }
            ASSERT_EQ(row, t.supplies.row);
            ASSERT_EQ(col, t.supplies.col);
            ASSERT_LT(total, last);
            last = total;
            // Built anew from its arcs the tree is connected: the constructor reaches every node.
            SpanningTree<std::int64_t> again(n, m, arcs);
            again.set_potentials(cost);
            const double offset = again.row_potentials()[0] - t.tree.row_potentials()[0];
            for (int k = 0; k < n; ++k) {
                ASSERT_NEAR(again.row_potentials()[k] - t.tree.row_potentials()[k], offset, 1e-11);
            }
        }
    }
}

TEST(Refinement, SplitsATreeIntoAFeasibleTreeOfTheChildren) {
    RandomTree t(64, 64, 7);
    const Hierarchy rows(t.x);
    const Points sorted = rows.sorted(t.x);
    std::vector<std::int64_t> supply;
    for (const int i : rows.order()) supply.push_back(t.supplies.row[i]);
    const int level = rows.n_levels() - 2;
    auto arcs = north_west_corner(cluster_supplies(supply, rows.begin(level)), t.supplies.col);
    arcs = split_rows(arcs, rows.first_child(level), sorted, supply, t.y);
    ASSERT_EQ(arcs.size(), 127U);
    std::vector<std::int64_t> row(64, 0);
    std::vector<std::int64_t> col(64, 0);
    for (const auto& arc : arcs) {
        EXPECT_GT(arc.flow, 0);
        row[arc.row] += arc.flow;
        col[arc.col] += arc.flow;
    }
    EXPECT_EQ(row, supply);
    EXPECT_EQ(col, t.supplies.col);
}

TEST(Refinement, GreedGivesAFeasibleTree) {
    for (const auto& [n, m] : {std::pair{1, 1}, {1, 6}, {9, 7}, {30, 30}, {25, 600}}) {
        RandomTree t(n, m, static_cast<std::uint64_t>(100 * n + m));
        const SquaredDistance cost(t.x, t.y);
        std::vector<Arc> diagonal;
        for (int i = 0; i < std::min(n, m); ++i) diagonal.push_back({i, i});
        const auto arcs = greedy_tree(diagonal, cost, t.supplies.row, t.supplies.col);
        ASSERT_EQ(arcs.size(), static_cast<std::size_t>(n + m - 1));
        std::vector<std::int64_t> row(static_cast<std::size_t>(n), 0);
        std::vector<std::int64_t> col(static_cast<std::size_t>(m), 0);
        for (const auto& arc : arcs) {
            EXPECT_GT(arc.flow, 0);
            row[arc.row] += arc.flow;
            col[arc.col] += arc.flow;
        }
        EXPECT_EQ(row, t.supplies.row);
        EXPECT_EQ(col, t.supplies.col);
        const SpanningTree<std::int64_t> tree(n, m, arcs);  // connected: the constructor reaches every node
        EXPECT_EQ(tree.arcs().size(), arcs.size());
    }
}

TEST(Hierarchy, LevelsHalveDownToThePoints) {
    test::Random random(8);
    for (const Index n : {1, 2, 3, 100, 257}) {
        const Hierarchy tree(test::gaussian_points(n, 3, random));
        EXPECT_EQ(tree.n_clusters(0), 1);
        EXPECT_EQ(tree.n_clusters(tree.n_levels() - 1), n);
        std::vector<int> order = tree.order();
        std::sort(order.begin(), order.end());
        for (int i = 0; i < n; ++i) EXPECT_EQ(order[i], i);
        for (int level = 0; level + 1 < tree.n_levels(); ++level) {
            const std::vector<int> first = tree.first_child(level);
            for (int k = 0; k < tree.n_clusters(level); ++k) {
                EXPECT_EQ(tree.begin(level)[k], tree.begin(level + 1)[first[k]]);
                EXPECT_LE(first[k + 1] - first[k], 2);
            }
        }
    }
}

TEST(Envelope, FindsTheBestPiecesOfEveryQuery) {
    test::Random random(9);
    for (const Index d : {1, 2, 3, 4, 11}) {
        for (const Index n : {1, 7, 8, 9, 150}) {
            const Points pieces = test::gaussian_points(n, d, random);
            const Points sorted = Hierarchy(pieces).sorted(pieces);
            const Points queries = test::gaussian_points(61, d, random);
            const Vector offset = 0.5 * sorted.rowwise().squaredNorm() + 0.1 * test::gaussian_points(n, 1, random);
            const Vector floor = test::gaussian_points(61, 1, random);
            const auto envelope = make_envelope(sorted, offset, sorted);
            for (const bool has_floor : {false, true}) {
                BestPieces best(61, 3);
                envelope->search(queries, has_floor ? floor : Vector(), best, {});
                for (Index i = 0; i < 61; ++i) {
                    Vector value = sorted * queries.row(i).transpose() - offset;
                    std::sort(value.begin(), value.end(), std::greater<>());
                    int expected = 0;
                    while (expected < std::min<Index>(3, n) && (!has_floor || value[expected] > floor[i])) ++expected;
                    ASSERT_EQ(best.count[i], expected);
                    for (int k = 0; k < expected; ++k) {
                        EXPECT_NEAR(best.value[i * 3 + k], value[k], 64.0 * epsilon * (1.0 + std::abs(value[k])));
                        const Index j = best.index[i * 3 + k];
                        EXPECT_NEAR(sorted.row(j).dot(queries.row(i)) - offset[j], value[k], 1e-13);
                    }
                }
            }
        }
    }
}

/// Single precision only rules pieces out: scales it cannot tell apart, or cannot hold at all, must not change the
/// answer.
TEST(Envelope, KeepsDoublePrecisionOnAnyScale) {
    test::Random random(10);
    constexpr Index n = 200, d = 7;
    for (const double spread : {0.0, 4.0, 12.0, 60.0}) {     // decades between the points, either way
        for (const double closeness : {1.0, 1e-6, 1e-12}) {  // of the points to one another
            Points pieces = closeness * test::gaussian_points(n, d, random);
            Points queries = closeness * test::gaussian_points(61, d, random);
            pieces.array() += 1.0;
            const Points exponents = test::gaussian_points(n, 1, random);
            for (Index j = 0; j < n; ++j) pieces.row(j) *= std::pow(10.0, spread * std::tanh(exponents(j, 0)));
            const Vector offset = 0.5 * pieces.rowwise().squaredNorm();
            Vector floor(61);
            for (Index i = 0; i < 61; ++i) {  // three values are above it
                Vector value = pieces * queries.row(i).transpose() - offset;
                std::sort(value.begin(), value.end(), std::greater<>());
                floor[i] = 0.5 * (value[2] + value[3]);
            }
            for (const bool has_floor : {false, true}) {
                BestPieces best(61, 3);
                make_envelope(pieces, offset, {})->search(queries, has_floor ? floor : Vector(), best, {});
                for (Index i = 0; i < 61; ++i) {
                    const Vector value = pieces * queries.row(i).transpose() - offset;
                    Vector sorted = value;
                    std::sort(sorted.begin(), sorted.end(), std::greater<>());
                    ASSERT_GE(best.count[i], 1);
                    const Index j = best.index[i * 3];
                    const double rounding =
                        64.0 * epsilon * (std::abs(offset[j]) + pieces.row(j).norm() * queries.row(i).norm());
                    EXPECT_NEAR(best.value[i * 3], sorted[0], rounding) << spread << ' ' << closeness;
                    EXPECT_NEAR(best.value[i * 3], value[j], rounding);
                }
            }
        }
    }
}

TEST(ArcSet, MergesWithoutDuplicatesAndPrunesToTheCheapest) {
    Points x(2, 1);
    Points y(4, 1);
    x << 0.0, 10.0;
    y << 1.0, 2.0, 3.0, 4.0;
    ArcSet arcs(2);
    EXPECT_EQ(arcs.add({{0, 3}, {1, 0}, {0, 1}, {0, 3}}), 3U);
    EXPECT_EQ(arcs.add({{0, 1}, {1, 2}, {0, 0}}), 2U);
    EXPECT_EQ(arcs.end(0) - arcs.begin(0), 3);
    arcs.set_costs(SquaredDistance(x, y), PairTolerance(x, y, 0.0));
    EXPECT_EQ(arcs.carried(arcs.begin(1)), 81.0);
    const double free[4] = {0.0, 0.0, 0.0, 0.0};
    arcs.prune(free, 1);
    ASSERT_EQ(arcs.size(), 2U);
    EXPECT_EQ(arcs.col(arcs.begin(0)), 0);
    EXPECT_EQ(arcs.col(arcs.begin(1)), 2);
}

TEST(SortedTransport, PotentialsAreFeasibleAndTightOnThePlan) {
    test::Random random(10);
    const Points x = test::gaussian_points(40, 1, random);
    Points y = test::gaussian_points(60, 1, random);
    y.bottomRows(5).setConstant(0.25);  // ties
    const auto supplies =
        std::get<Supplies<std::int64_t>>(make_supplies(std::vector<double>(40, 1.0), std::vector<double>(60, 1.0)));
    const Basis basis = sorted_transport(x, y, supplies);
    for (Index i = 0; i < 40; ++i) {
        for (Index j = 0; j < 60; ++j) {
            EXPECT_GE(basis.dual.phi[i] + basis.dual.psi[j] - x(i, 0) * y(j, 0), -64.0 * epsilon);
        }
    }
    for (const PlanEntry& entry : basis.plan) {
        EXPECT_NEAR(basis.dual.phi[entry.row] + basis.dual.psi[entry.col], x(entry.row, 0) * y(entry.col, 0),
                    64.0 * epsilon);
    }
}

}  // namespace
}  // namespace spectralot
