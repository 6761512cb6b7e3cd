#include "dynamic/refine.hpp"

#include <algorithm>

namespace spectralot::dynamic {

namespace {

bool is_halved(const Layout& coarse, const Layout& fine, std::size_t axis) {
    return coarse.axes[axis].n != fine.axes[axis].n;
}

/// The cell above along an axis, or the cell itself where the face between them is closed.
Index above(const Axis& axis, Index cell) {
    if (!axis.open.empty() && axis.open[std::size_t(cell)] == 0.0) return cell;
    if (cell / axis.stride % axis.n < axis.n - 1) return cell + axis.stride;
    return axis.periodic ? cell - (axis.n - 1) * axis.stride : cell;
}

Index below(const Axis& axis, Index cell) {
    const bool first = cell / axis.stride % axis.n == 0;
    if (first && !axis.periodic) return cell;
    const Index other = first ? cell + (axis.n - 1) * axis.stride : cell - axis.stride;
    return axis.open.empty() || axis.open[std::size_t(other)] != 0.0 ? other : cell;
}

/// The kernel (1, 2, 1)/4 on doubled values puts them at 3/4 and 1/4 of the way between the coarse middles.
void smooth_along(const Axis& axis, Index n_cells, double* row, double* spare) {
    std::copy_n(row, n_cells, spare);
    for (Index c = 0; c < n_cells; ++c)
        row[c] = 0.5 * spare[c] + 0.25 * (spare[above(axis, c)] + spare[below(axis, c)]);
}

}  // namespace

void smooth_cells(const Layout& coarse, const Layout& fine, double* row, double* spare) {
    for (std::size_t a = 0; a < fine.axes.size(); ++a)
        if (is_halved(coarse, fine, a)) smooth_along(fine.axes[a], fine.n_cells, row, spare);
}

void smooth_faces(const Layout& coarse, const Layout& fine, std::size_t axis, double* row, double* spare) {
    for (std::size_t a = 0; a < fine.axes.size(); ++a)
        if (a != axis && is_halved(coarse, fine, a)) smooth_along(fine.axes[a], fine.n_cells, row, spare);
    const Axis& along = fine.axes[axis];
    std::copy_n(row, fine.n_cells, spare);
    for (Index c = 0; c < fine.n_cells; ++c) {
        if (above(along, c) == c) {
            row[c] = 0.0;
        } else if (is_halved(coarse, fine, axis) && c / along.stride % along.n % 2 == 0) {
            const Index other = below(along, c);  // with the coarse face below
            row[c] = 0.5 * (spare[c] + (other == c ? 0.0 : spare[other]));
        }
    }
}

}  // namespace spectralot::dynamic
