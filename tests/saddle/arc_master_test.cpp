#include "saddle/arc_master.hpp"

#include "saddle/program.hpp"
#include "saddle/support.hpp"
#include "spectralot/saddle/master.hpp"
#include "support/discrete_reference.hpp"

#include <gtest/gtest.h>
#include <Eigen/LU>

#include <algorithm>
#include <numeric>

using namespace spectralot;
using namespace spectralot::test;
using namespace spectralot::saddle;

namespace {

struct Clouds {
    Points x, y;
};

Clouds random_clouds(Index n, Index d, Random& random) {
    Points x = gaussian_points(n, d, random), y = 1.5 * gaussian_points(n, d, random);
    y.col(0).array() += 1.0;
    return {std::move(x), std::move(y)};
}

/// Moments of all n! permutations with masses 1/n.
std::vector<Matrix> permutation_moments(const Clouds& c) {
    const Index n = c.x.rows();
    std::vector<Index> image(static_cast<std::size_t>(n));
    std::iota(image.begin(), image.end(), 0);
    std::vector<Matrix> moments;
    do {
        const Points steps = c.y(image, Eigen::all) - c.x;
        moments.push_back(steps.transpose() * steps / double(n));
    } while (std::next_permutation(image.begin(), image.end()));
    return moments;
}

/// All pairs, with the slacks of zero potentials and equal masses.
ArcList all_pairs(const Clouds& c, const Matrix& metric) {
    const Index n = c.x.rows();
    ArcList arcs;
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < n; ++j) {
            const Eigen::RowVectorXd step = c.y.row(j) - c.x.row(i);
            arcs.row.push_back(int(i));
            arcs.col.push_back(int(j));
            arcs.slack.push_back(step.dot(step * metric));
            arcs.mass.push_back(1.0 / double(n * n));
        }
    }
    return arcs;
}

/// γ(Σ w DDᵀ), and what the potentials prove after a shift by their worst slack: a bracket that needs no trust.
struct Bracket {
    double lower, upper;
};
Bracket bracket(const ArcMaster& master, const GaugeProgram& program, const Clouds& c) {
    const Index n = c.x.rows();
    const Matrix metric = master.metric();
    const Vector f = master.row_potentials(), g = master.col_potentials();
    double worst = infinity;
    for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < n; ++j) {
            const Eigen::RowVectorXd step = c.y.row(j) - c.x.row(i);
            worst = std::min(worst, step.dot(step * metric) - f(i) - g(j));
        }
    }
    Matrix moment = Matrix::Zero(c.x.cols(), c.x.cols());
    for (std::size_t k = 0; k < master.rows().size(); ++k) {
        const Eigen::RowVectorXd step = c.y.row(master.cols()[k]) - c.x.row(master.rows()[k]);
        moment += master.masses()(Index(k)) * step.transpose() * step;
    }
    return {.lower = f.mean() + g.mean() + worst, .upper = evaluate(program, moment)};
}

}  // namespace

TEST(ArcMaster, AgreesWithTheMasterOverAllPermutations) {
    Random random(1), seed(1);
    const Clouds c = random_clouds(5, 3, random);
    const std::vector<Matrix> moments = permutation_moments(c);
    const Vector mass = Vector::Constant(5, 0.2);
    for (const Gauge& gauge : gauges_in_dimension(3, seed)) {
        SCOPED_TRACE(gauge.repr());
        const auto program = gauge.program(3);
        if (!program) continue;
        Master all(gauge, 3);
        for (const Matrix& moment : moments) all.add(moment);
        const MasterSolution expected = all.solve(1e-9 * gauge.value(moments[0]));

        ArcMaster master(*program, c.x, c.y, mass, mass, {moments.front(), moments.back()}, 1e-2);
        master.start(all_pairs(c, master.metric()), Vector::Zero(5), Vector::Zero(5));
        // The best iterate counts: this small, degenerate polytope exhausts double precision early.
        double error = infinity;
        for (int i = 0; i < 60 && error > 1e-9 && master.advance(); ++i) {
            const Bracket found = bracket(master, *program, c);
            error = std::min(error, master.infeasibility() + std::abs(found.upper / expected.upper - 1.0) +
                                        std::abs(found.lower / expected.upper - 1.0));
        }
        EXPECT_LE(error, 1e-7);
        EXPECT_LE(gauge.membership_excess(master.metric()), 1e-9);
    }
}

TEST(ArcMaster, AcceptsArcsOnTheWay) {
    Random random(2);
    const Clouds c = random_clouds(6, 4, random);
    const Vector mass = Vector::Constant(6, 1.0 / 6.0);
    const Gauge gauge = KyFan{.k = 2};
    const GaugeProgram program = *gauge.program(4);
    const std::vector<Matrix> moments = permutation_moments(c);
    const std::vector<Matrix> two{moments.front(), moments.back()};

    ArcMaster whole(program, c.x, c.y, mass, mass, two, 1e-2);
    const ArcList pairs = all_pairs(c, whole.metric());
    whole.start(pairs, Vector::Zero(6), Vector::Zero(6));
    while (whole.gap() > 1e-9 && whole.advance()) {
    }

    ArcList early, late;  // the diagonals next to the main one are enough to start with
    for (std::size_t k = 0; k < pairs.row.size(); ++k) {
        const int distance = (pairs.col[k] - pairs.row[k] + 6) % 6;
        ArcList& list = distance < 3 ? early : late;
        list.row.push_back(pairs.row[k]);
        list.col.push_back(pairs.col[k]);
        list.slack.push_back(pairs.slack[k]);
        list.mass.push_back(pairs.mass[k]);
    }
    ArcMaster growing(program, c.x, c.y, mass, mass, two, 1e-2);
    growing.start(early, Vector::Zero(6), Vector::Zero(6));
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(growing.advance());
    growing.add(late);
    EXPECT_EQ(growing.rows().size(), pairs.row.size());
    EXPECT_TRUE(std::is_sorted(growing.rows().begin(), growing.rows().end()));
    while (growing.gap() > 1e-9 && growing.advance()) {
    }
    EXPECT_NEAR(bracket(growing, program, c).upper, bracket(whole, program, c).upper, 1e-7);
    EXPECT_NEAR(bracket(growing, program, c).lower, bracket(whole, program, c).upper, 1e-7);
}

TEST(ArcNewton, SolvesTheWholeSystem) {
    Random random(3);
    const Index n = 4, m = 5, D = 6, Z = 2;
    const Points x = gaussian_points(n, 3, random), y = gaussian_points(m, 3, random);
    ArcAtoms<double> atoms(Vector::Constant(n, 1.0 / double(n)), Vector::Constant(m, 1.0 / double(m)));
    std::vector<int> row, col;
    for (int i = 0; i < n; ++i) {
        for (int j = 0; j < m; ++j) {
            if ((i + j) % 4 == 3) continue;
            row.push_back(i);
            col.push_back(j);
        }
    }
    const auto K = Index(row.size());
    Points steps(K, 3);
    for (Index k = 0; k < K; ++k) steps.row(k) = y.row(col[std::size_t(k)]) - x.row(row[std::size_t(k)]);
    atoms.assign(row, col, steps);

    Matrix corner = gaussian_points(Z, Z, random);
    corner = (-corner * corner.transpose()).eval();
    Matrix root = uniform_weights(9, 0.1, 1.0, random).reshaped(3, 3);
    root = (root + root.transpose()).eval();
    Curvature<ArcAtoms<double>> T(K);
    T.add({atoms.part({0, 1, 2}).turned(gaussian_points(3, 3, random)), root,
           uniform_weights(3, 0.1, 1.0, random).normalized()});
    RowMatrix<double> dense;
    T.write(dense);
    const Vector any = uniform_weights(D, -1.0, 1.0, random), other = uniform_weights(K, -1.0, 1.0, random);
    EXPECT_LE((T.times(any) - dense * any).norm(), 1e-13 * dense.norm());
    EXPECT_LE((T.transposed_times(other) - dense.transpose() * other).norm(), 1e-13 * dense.norm());
    const NewtonMatrix<ArcAtoms<double>> matrix{.stiffness = uniform_weights(K, 0.1, 10.0, random),
                                                .T = T,
                                                .coupling = gaussian_points(K, Z, random),
                                                .row_coupling = gaussian_points(D, Z, random),
                                                .corner = corner};
    ArcNewton<double> newton;
    newton.factor(atoms, matrix);
    const NewtonVector<double> rhs{.w = uniform_weights(K, -1.0, 1.0, random),
                                   .phi = atoms.marginals(uniform_weights(K, -1.0, 1.0, random)),
                                   .z = uniform_weights(Z, -1.0, 1.0, random),
                                   .u = Vector::Zero(D)};
    NewtonVector<double> found;
    ASSERT_TRUE(newton.solve(rhs, found));

    // (w, φ but the last, z, u) in one dense matrix.
    const Index P = n + m - 1, size = K + P + Z + D;
    Matrix system = Matrix::Zero(size, size);
    Matrix incidence = Matrix::Zero(P, K);
    for (Index k = 0; k < K; ++k) {
        incidence(row[std::size_t(k)], k) = 1.0;
        if (col[std::size_t(k)] < m - 1) incidence(n + col[std::size_t(k)], k) = 1.0;
    }
    system.topLeftCorner(K, K).diagonal() = matrix.stiffness;
    system.block(0, K, K, P) = -incidence.transpose();
    system.block(K, 0, P, K) = -incidence;
    system.block(0, K + P, K, Z) = matrix.coupling;
    system.block(K + P, 0, Z, K) = matrix.coupling.transpose();
    system.block(K + P, K + P, Z, Z) = matrix.corner;
    system.block(0, K + P + Z, K, D) = dense;
    system.block(K + P + Z, 0, D, K) = dense.transpose();
    system.block(K + P + Z, K + P, D, Z) = matrix.row_coupling;
    system.block(K + P, K + P + Z, Z, D) = matrix.row_coupling.transpose();
    system.bottomRightCorner(D, D) = -Matrix::Identity(D, D);
    Vector b(size);
    b << rhs.w, rhs.phi.head(P), rhs.z, rhs.u;
    const Vector expected = system.fullPivLu().solve(b);
    Vector solution(size);
    solution << found.w, found.phi.head(P), found.z, found.u;
    EXPECT_LE((solution - expected).cwiseAbs().maxCoeff(), 1e-10 * expected.cwiseAbs().maxCoeff());
    EXPECT_EQ(found.phi(P), 0.0);
}
