/// Projection onto the continuity equation: solves D Dᵀφ = r, the Poisson equation in space and time.
#pragma once

#include "dynamic/layout.hpp"

#include <memory>

namespace spectralot::dynamic {

class PoissonSolver {
public:
    virtual ~PoissonSolver() = default;
    PoissonSolver(const PoissonSolver&) = delete;
    PoissonSolver& operator=(const PoissonSolver&) = delete;

    /// φ in place of r. Where constants are in the kernel (no growth) the sum of r must be zero to rounding.
    void solve(Plane& r) const;
    /// The same for an r whose rows are made on the way, by fill(s, worker), worker < layout.n_workers().
    void solve(Plane& r, const std::function<void(int, int)>& fill) const;

protected:
    explicit PoissonSolver(const Layout& layout) : layout_(layout) {}

    /// Slices that are transformed together, in space: there, all that links slices, and back.
    int group_ = 1;
    virtual void forward(Plane& r, int first, int count, int worker) const = 0;
    virtual void couple(Plane& r) const = 0;
    virtual void backward(Plane& r, int first, int count, int worker) const = 0;

    const Layout& layout_;

private:
    void for_groups(const std::function<void(int, int, int)>& body) const;
};

/// A box: cosine (or Hartley, where periodic) transforms in space, a tridiagonal system in time for every mode.
/// O(N log N), one field of memory. A mask with few faces along its walls: two boxes and a correction (walls.hpp). Any
/// mask: a cosine transform in time and one sparse Cholesky factor for every mode.
std::unique_ptr<PoissonSolver> make_poisson_solver(const Layout& layout);

/// u becomes the nearest field with Du = 0; φ is scratch of n_times × cells.
void project(const Layout& layout, const PoissonSolver& solver, StaggeredField& u, Plane& phi);

}  // namespace spectralot::dynamic
