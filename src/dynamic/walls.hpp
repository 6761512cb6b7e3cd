/// Poisson's equation between walls, by the fast solver of the box and a correction on the walls.
#pragma once

#include "dynamic/poisson.hpp"

namespace spectralot::dynamic {

/// Faces between a cell inside the mask and one outside: what walls take out of the box.
Index count_wall_faces(const Layout& layout);

/// The capacitance matrix method. With E the differences across the wall faces and S their weights 1/h², the operator
/// is A - E S Eᵀ, A that of the box, and
///
///   φ = A⁺(r + E y),   (S⁻¹ - EᵀA⁺E) y = EᵀA⁺r,
///
/// one dense matrix over the wall faces for every cosine mode in time. Two solves of the box per solve, as many as wall
/// faces and n_times inverses in the constructor; n_times·faces² doubles.
std::unique_ptr<PoissonSolver> make_wall_solver(const Layout& layout);

}  // namespace spectralot::dynamic
