/// From a grid of half the size, along all axes or some, to the grid itself.
#pragma once

#include "dynamic/layout.hpp"

namespace spectralot::dynamic {

/// One row of cell values, given as their parents' values: linear between the middles of the coarse cells, constant
/// towards closed faces. `spare` has room for a row.
void smooth_cells(const Layout& coarse, const Layout& fine, double* row, double* spare);

/// The same for values on the faces along one axis: linear between coarse faces along that axis. Closed faces get zero.
void smooth_faces(const Layout& coarse, const Layout& fine, std::size_t axis, double* row, double* spare);

}  // namespace spectralot::dynamic
