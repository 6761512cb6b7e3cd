/// The staggered grid of the dynamic problem, and the linear maps on it.
///
/// Flat arrays over cells have the last axis fastest. A face is named by the cell below it along its axis; the faces
/// where nothing can pass (the wall, blocked cells) are named too and hold zero. Then the face below cell c is c -
/// stride, also across the wall: the last face of the row before is closed. Only a periodic axis needs its first cells
/// mended.
#pragma once

#include "spectralot/core/types.hpp"
#include "spectralot/dynamic/solve.hpp"

#include <array>
#include <functional>
#include <span>
#include <vector>

namespace spectralot::dynamic {

struct Axis {
    Index n = 0;
    Index stride = 1;
    double h = 1.0;
    bool periodic = false;
    std::vector<double> open{};  ///< per face 1 or 0; empty: all but the wall are open
};

struct Layout {
    int n_times = 0;
    Index n_cells = 0;
    std::vector<Axis> axes{};
    std::vector<char> inside{};  ///< per cell; empty: all
    bool growth = false;         ///< the circle: a second component of the momentum, the growth g, along the radius
    Vector cosine{}, sine{};     ///< of the angle of each cell, for growth: the gauge sees M = gω + mω⊥
    int n_threads = 1;

    [[nodiscard]] double dt() const { return 1.0 / n_times; }
    /// Components of the momentum that the gauge sees.
    [[nodiscard]] int dimension() const { return int(axes.size()) + (growth ? 1 : 0); }
    [[nodiscard]] bool is_inside(Index cell) const { return inside.empty() || inside[std::size_t(cell)] != 0; }
    /// How many threads can be busy with slices.
    [[nodiscard]] int n_workers() const;
    /// Calls body(s) for every slice, on all threads.
    void for_slices(const std::function<void(int)>& body) const;
};

/// Calls visit(other) for every cell across an open face of `cell` (no periodic axes).
template <class Visit>
void for_neighbours(const Layout& layout, Index cell, Visit&& visit) {
    for (const Axis& axis : layout.axes) {
        if (axis.open[std::size_t(cell)] != 0.0) visit(cell + axis.stride);
        if (cell >= axis.stride && axis.open[std::size_t(cell - axis.stride)] != 0.0) visit(cell - axis.stride);
    }
}

/// The cell of a grid of half the size, along all axes or some, that holds a cell.
Index parent_of(const Layout& fine, const Layout& coarse, Index cell);

/// Row-major (slice or time) × cell.
using Plane = Points;

/// Masses at times (n_times+1 rows) and momenta: per axis on faces, then the growth in cells (n_times rows each).
struct StaggeredField {
    Plane rho;
    std::vector<Plane> m;

    explicit StaggeredField(const Layout& layout);
};

/// One row per slice: (ρ, m) averaged to the cells, or their dual (w_0, w_1).
struct CellField {
    std::vector<Plane> v;  ///< ρ, then the components of the momentum

    explicit CellField(const Layout& layout);
};

/// Between components along (ω⊥, ω) and along the axes of the plane, in one slice of a problem with growth.
void to_ambient(const Layout& layout, double* first, double* second);
void to_tangential(const Layout& layout, double* first, double* second);

/// (Iu)_s into rows of length n_cells, one per component: what the action sees in slice s.
void interpolate(const Layout& layout, const StaggeredField& u, int s, std::span<double* const> out);

/// Du = (ρ_{k+1} - ρ_k)/dt + div m - 2g, n_times × cells.
void divergence(const Layout& layout, const StaggeredField& u, Plane& out);

/// u -= Dᵀφ on the free unknowns; its two halves.
void subtract_gradient(const Layout& layout, const Plane& phi, StaggeredField& u);
void subtract_gradient_of_masses(const Layout& layout, const Plane& phi, StaggeredField& u);
void subtract_gradient_of_momenta(const Layout& layout, const Plane& phi, StaggeredField& u);

// The same maps piece by piece, for an iteration that visits a slice while its rows are in the cache.

using Rows = std::span<double* const>;
using ConstRows = std::span<const double* const>;

/// The rows of the momenta in one slice.
class MomentumRows {
public:
    MomentumRows(StaggeredField& u, int s) : size_(u.m.size()) {
        for (std::size_t a = 0; a < size_; ++a) rows_[a] = u.m[a].row(s).data();
    }
    MomentumRows(const StaggeredField& u, int s) : MomentumRows(const_cast<StaggeredField&>(u), s) {}
    operator Rows() const { return {rows_.data(), size_}; }
    operator ConstRows() const { return {rows_.data(), size_}; }

private:
    std::array<double*, 3> rows_{};
    std::size_t size_;
};

/// out = base + scale·(Iu)_s for the components of the momentum; out[0] stays.
void add_momenta(const Layout& layout, ConstRows base, double scale, ConstRows m, Rows out);

/// base + scale·Iᵀw for the momenta of slice s; base empty: zero.
void add_adjoint_momenta(const Layout& layout, ConstRows base, const CellField& w, double scale, int s, Rows m);

/// scale·(D Iᵀw)_s; m has room for the momenta.
void divergence_of_adjoint(const Layout& layout, const CellField& w, double scale, int s, Rows m, double* out);

/// out = base + what w_0 adds to that; base null: zero. `out` may be `base`.
void add_divergence_of_masses(const Layout& layout, const Plane& w_0, double scale, int s, const double* base,
                              double* out);

/// u -= r·g and ahead = u - 2g (the old u) with g = τIᵀw + Dᵀφ: the masses at time s (not at the ends), and the momenta
/// of slice s.
void step_masses(const Layout& layout, const Plane& w_0, double tau, const Plane& phi, double r, int s,
                 StaggeredField& u, double* ahead);
void step_momenta(const Layout& layout, const CellField& w, double tau, const Plane& phi, double r, int s, Rows u,
                  Rows ahead);

}  // namespace spectralot::dynamic
