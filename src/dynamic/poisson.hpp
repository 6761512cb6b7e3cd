/// Projection onto the continuity equation: solves D Dᵀφ = r, the Poisson equation in space and time.
#pragma once

#include "dynamic/layout.hpp"

#include <memory>

namespace spectralot::dynamic {

class PoissonSolver {
public:
    virtual ~PoissonSolver() = default;
    /// φ in place of r. Where constants are in the kernel (no growth) the sum of r must be zero to rounding.
    virtual void solve(Plane& r) const = 0;
};

/// A box: cosine (or Hartley, where periodic) transforms in space, a tridiagonal system in time for every mode.
/// O(N log N), one field of memory. A mask: a cosine transform in time and one sparse Cholesky factor for every mode.
std::unique_ptr<PoissonSolver> make_poisson_solver(const Layout& layout);

/// u becomes the nearest field with Du = 0; φ is scratch of n_times × cells.
void project(const Layout& layout, const PoissonSolver& solver, StaggeredField& u, Plane& phi);

}  // namespace spectralot::dynamic
