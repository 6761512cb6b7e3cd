#include "dynamic/layout.hpp"

#include "dynamic/poisson.hpp"
#include "dynamic/walls.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

using namespace spectralot;
using namespace spectralot::dynamic;

namespace {

constexpr int n_times = 5;

Layout box(std::vector<Index> shape, bool periodic) {
    Layout layout{.n_times = n_times, .n_cells = 1};
    for (const Index n : shape) layout.n_cells *= n;
    Index stride = layout.n_cells;
    for (const Index n : shape) {
        stride /= n;
        layout.axes.push_back({.n = n, .stride = stride, .h = 0.3 + 0.1 * double(n), .periodic = periodic && n > 1});
    }
    return layout;
}

Layout walled(const std::vector<std::size_t>& blocked) {
    Layout layout = box({6, 5}, false);
    layout.inside.assign(std::size_t(layout.n_cells), 1);
    for (const std::size_t c : blocked) layout.inside[c] = 0;
    for (Axis& axis : layout.axes) {
        axis.open.assign(std::size_t(layout.n_cells), 0.0);
        for (Index c = 0; c + axis.stride < layout.n_cells; ++c)
            if (c / axis.stride % axis.n < axis.n - 1 && layout.is_inside(c) && layout.is_inside(c + axis.stride))
                axis.open[std::size_t(c)] = 1.0;
    }
    return layout;
}

Layout circle(Index n) {
    Layout layout = box({n}, true);
    layout.growth = true;
    layout.cosine =
        Vector::NullaryExpr(n, [&](Index c) { return std::cos(2.0 * std::numbers::pi * double(c) / double(n)); });
    layout.sine =
        Vector::NullaryExpr(n, [&](Index c) { return std::sin(2.0 * std::numbers::pi * double(c) / double(n)); });
    return layout;
}

const std::vector<std::size_t> some_walls = {7, 12, 13, 22, 27}, two_rooms = {10, 11, 12, 13, 14},
                               comb = {1, 3, 6, 8, 11, 13, 16, 18, 21, 23};

std::vector<Layout> layouts() {
    return {box({7}, false),    box({8}, true),        box({6, 5}, false),   box({6, 5}, true),
            box({1, 4}, true),  box({4, 3, 5}, false), box({4, 3, 2}, true), box({20, 17}, false),
            walled(some_walls), walled(two_rooms),     walled(comb),         circle(9)};
}

class Fields {
public:
    explicit Fields(unsigned seed) : random_(seed) {}
    Plane plane(Index rows, Index cols) {
        return Plane::NullaryExpr(rows, cols, [this] { return normal_(random_); });
    }
    CellField cells(const Layout& layout) {
        CellField w(layout);
        for (Plane& v : w.v) v = plane(n_times, layout.n_cells);
        return w;
    }
    /// Zero where it is not free: at both ends, on walls and closed faces.
    StaggeredField staggered(const Layout& layout) {
        StaggeredField u(layout);
        u.rho.middleRows(1, n_times - 1) = plane(n_times - 1, layout.n_cells);
        for (std::size_t a = 0; a < u.m.size(); ++a) {
            u.m[a] = plane(n_times, layout.n_cells);
            if (a >= layout.axes.size()) continue;
            const Axis& axis = layout.axes[a];
            for (Index c = 0; c < layout.n_cells; ++c) {
                const bool wall = !axis.periodic && c / axis.stride % axis.n == axis.n - 1;
                if (wall || (!axis.open.empty() && axis.open[std::size_t(c)] == 0.0)) u.m[a].col(c).setZero();
            }
        }
        return u;
    }

private:
    std::mt19937 random_;
    std::normal_distribution<double> normal_;
};

double inner(const StaggeredField& a, const StaggeredField& b) {
    double sum = a.rho.cwiseProduct(b.rho).sum();
    for (std::size_t k = 0; k < a.m.size(); ++k) sum += a.m[k].cwiseProduct(b.m[k]).sum();
    return sum;
}

/// u += scale·Iᵀw on the free unknowns (the masses at the two ends are given).
void add_adjoint(const Layout& layout, const CellField& w, double scale, StaggeredField& u) {
    for (int s = 0; s < layout.n_times; ++s) {
        if (s > 0) u.rho.row(s) += 0.5 * scale * (w.v[0].row(s - 1) + w.v[0].row(s));
        const MomentumRows m(u, s);
        add_adjoint_momenta(layout, m, w, scale, s, m);
    }
}

}  // namespace

TEST(Layout, AveragesAndDivergencesHaveTheirAdjoints) {
    Fields random(2);
    for (const Layout& layout : layouts()) {
        const StaggeredField u = random.staggered(layout);
        const CellField w = random.cells(layout);
        double average = 0.0;
        CellField seen(layout);
        for (int s = 0; s < n_times; ++s) {
            std::vector<double*> rows;
            for (Plane& v : seen.v) rows.push_back(v.row(s).data());
            interpolate(layout, u, s, rows);
        }
        for (std::size_t k = 0; k < w.v.size(); ++k) average += seen.v[k].cwiseProduct(w.v[k]).sum();
        const StaggeredField base = random.staggered(layout);
        StaggeredField moved = base;
        add_adjoint(layout, w, 0.7, moved);
        EXPECT_NEAR(inner(moved, u) - inner(base, u), 0.7 * average, 1e-11);

        const Plane phi = random.plane(n_times, layout.n_cells);
        Plane du(n_times, layout.n_cells);
        divergence(layout, u, du);
        moved = base;
        subtract_gradient(layout, phi, moved);
        EXPECT_NEAR(inner(base, u) - inner(moved, u), du.cwiseProduct(phi).sum(), 1e-10);
    }
}

TEST(Layout, TheStepOfTheIterationIsMadeOfTheSameMaps) {
    Fields random(4);
    constexpr double tau = 0.7, r = 1.8;
    for (const Layout& layout : layouts()) {
        const StaggeredField u = random.staggered(layout);
        const CellField w = random.cells(layout);
        const Plane phi = random.plane(n_times, layout.n_cells);
        StaggeredField adjoint(layout);
        add_adjoint(layout, w, tau, adjoint);
        Plane expected(n_times, layout.n_cells), du(n_times, layout.n_cells);
        divergence(layout, adjoint, expected);
        StaggeredField g = adjoint, moved = u, ahead = u, m(layout);  // g = τIᵀw + Dᵀφ
        subtract_gradient(layout, -phi, g);
        for (int s = 0; s < n_times; ++s) {
            divergence_of_adjoint(layout, w, tau, s, MomentumRows(m, s), du.row(s).data());
            if (s > 0) step_masses(layout, w.v[0], tau, phi, r, s, moved, ahead.rho.row(s).data());
            step_momenta(layout, w, tau, phi, r, s, MomentumRows(moved, s), MomentumRows(ahead, s));
        }
        EXPECT_LE((du - expected).cwiseAbs().maxCoeff(), 1e-12);
        const auto agree = [&](const Plane& from, const Plane& step, const Plane& to, double length) {
            EXPECT_LE((from - length * step - to).cwiseAbs().maxCoeff(), 1e-12);
        };
        agree(u.rho, g.rho, moved.rho, r);
        agree(u.rho, g.rho, ahead.rho, 2.0);
        for (std::size_t a = 0; a < u.m.size(); ++a) {
            agree(u.m[a], g.m[a], moved.m[a], r);
            agree(u.m[a], g.m[a], ahead.m[a], 2.0);
        }
    }
}

TEST(Layout, FewWallFacesGetTheCapacitanceMatrixAndManyASparseFactor) {
    // What make_poisson_solver goes by; the projections below go through both.
    EXPECT_EQ(count_wall_faces(box({6, 5}, false)), 0);
    for (const auto& [blocked, faces] : {std::pair{some_walls, 13}, std::pair{two_rooms, 10}, std::pair{comb, 22}})
        EXPECT_EQ(count_wall_faces(walled(blocked)), faces);
}

TEST(Layout, ProjectionSatisfiesTheContinuityEquationAndIsOrthogonal) {
    Fields random(3);
    for (const Layout& layout : layouts()) {
        StaggeredField u = random.staggered(layout);
        for (Index c = 0; c < layout.n_cells; ++c)
            if (!layout.is_inside(c)) u.rho.col(c).setZero();
        const StaggeredField given = u;
        Plane phi(n_times, layout.n_cells);
        const auto solver = make_poisson_solver(layout);
        project(layout, *solver, u, phi);
        Plane du(n_times, layout.n_cells);
        divergence(layout, u, du);
        EXPECT_LE(du.cwiseAbs().maxCoeff(), 1e-11);
        EXPECT_NEAR(inner(given, u), inner(u, u), 1e-10 * inner(given, given));
    }
}
