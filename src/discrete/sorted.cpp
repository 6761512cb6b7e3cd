#include "discrete/sorted.hpp"

#include "core/compensated_sum.hpp"
#include "discrete/ascending.hpp"
#include "discrete/refine.hpp"

namespace spectralot {

template <class Flow>
Basis sorted_transport(const Points& x, const Points& y, const Supplies<Flow>& supplies) {
    const std::vector<int> rows = ascending_order(x.col(0));
    const std::vector<int> cols = ascending_order(y.col(0));
    const auto staircase = north_west_corner(gather(supplies.row, rows), gather(supplies.col, cols));

    // Each step of the staircase keeps the row or the column, where both arcs are tight: a slope of φ or of ψ. Slopes
    // ascend, so that all pairs are feasible, to rounding: Σ |slope||step| ≤ 2 max|x| max|y|.
    Basis basis;
    basis.is_feasible = true;
    basis.dual = {Vector(x.rows()), Vector(y.rows()), Points(x.rows(), 1), Points(y.rows(), 1)};
    CompensatedSum phi;
    CompensatedSum psi;
    psi.add_product(x(rows[0], 0), y(cols[0], 0));
    int last_row = 0;
    int last_col = 0;
    for (const auto& arc : staircase) {
        const double at_x = x(rows[arc.row], 0);
        const double at_y = y(cols[arc.col], 0);
        if (arc.row != last_row) {
            phi.add_product(at_y, at_x - x(rows[last_row], 0));
        }
        if (arc.col != last_col) {
            psi.add_product(at_x, at_y - y(cols[last_col], 0));
        }
        last_row = arc.row;
        last_col = arc.col;
        basis.dual.phi[rows[arc.row]] = phi.value();
        basis.dual.psi[cols[arc.col]] = psi.value();
        basis.dual.row_hint(rows[arc.row], 0) = at_y;
        basis.dual.col_hint(cols[arc.col], 0) = at_x;
        const double mass = supplies.mass(arc.flow);
        if (mass > 0.0) basis.plan.push_back({rows[arc.row], cols[arc.col], mass});
    }
    return basis;
}

template Basis sorted_transport(const Points&, const Points&, const Supplies<std::int64_t>&);
template Basis sorted_transport(const Points&, const Points&, const Supplies<Int128>&);

}  // namespace spectralot
