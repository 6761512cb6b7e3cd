/// W_γ² between two densities on a grid, from its dynamic (Benamou–Brenier) form (math.md §5).
///
///   min Σ_s dt·γ(Σ_c m mᵀ/ρ)   over   (ρ_{k+1} - ρ_k)/dt + div m = 0,   ρ_0 and ρ_N given.
///
/// Masses ρ live at the N+1 times, momenta m at the middles of the N slices and on the faces between cells; the action
/// sees both averaged to the middle of (slice, cell). That discrete problem is what is certified; its value differs
/// from W_γ² of the continuous densities by the error of the grid (docs/dynamic.md has the measured order).
#pragma once

#include "spectralot/core/observer.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/gauge/gauges.hpp"

#include <vector>

namespace spectralot::dynamic {

enum class Boundary { NoFlux, Periodic };

/// A box of cells in d = 1, 2 or 3 dimensions. Arrays over its cells are flat, the last axis fastest (C order).
struct Grid {
    std::vector<int> shape;         ///< cells per axis
    std::vector<double> lengths{};  ///< sides of the box; empty = ones
    Boundary boundary = Boundary::NoFlux;
    std::vector<bool> mask{};  ///< true where mass may go; empty = everywhere. Needs Boundary::NoFlux

    [[nodiscard]] int dimension() const { return static_cast<int>(shape.size()); }
    [[nodiscard]] Index n_cells() const;
    [[nodiscard]] double length(int axis) const { return lengths.empty() ? 1.0 : lengths[std::size_t(axis)]; }
};

struct DynamicOptions {
    int n_times = 32;               ///< slices of time
    double tol = 1e-3;              ///< certified relative gap (upper - lower)/upper of the discrete problem
    int max_iter = 20000;           ///< iterations on the finest grid, each one Poisson solve and one prox per slice
    double max_seconds = infinity;  ///< stops with the best result
    int n_threads = 1;              ///< 0 = all; the result does not depend on it
    bool coarse_start = true;       ///< start from the solution on grids of half the size
};

template <class Visitor>
void visit_fields(DynamicOptions& o, Visitor&& visit) {
    visit("n_times", o.n_times, "slices of time");
    visit("tol", o.tol, "certified relative gap of the squared cost on this grid at which to stop");
    visit("max_iter", o.max_iter, "iterations on the finest grid");
    visit("max_seconds", o.max_seconds, "stops with the best result so far");
    visit("n_threads", o.n_threads, "0 = all; the result does not depend on it");
    visit("coarse_start", o.coarse_start, "start from the solution on grids of half the size");
}

struct DynamicResult {
    double value = 0.0;       ///< the squared cost on this grid: the upper end of the certificate
    Certificate certificate;  ///< of the discrete problem
    bool converged = false;
    Status status = Status::IterationLimit;
    int n_iter = 0;    ///< on the finest grid
    int n_coarse = 0;  ///< on all coarser ones
    double seconds = 0.0;
    /// (n_times+1) × cells: mass per cell, each row sums to the mass of the measure. The mean of two successive rows,
    /// which is what the action sees, is not negative; a single entry may be, next to an end that is concentrated on
    /// few cells: see `frames`.
    Points density;
    std::vector<Points>
        momentum;   ///< per axis n_times × cells: flux through the upper face of each cell, mass·length/time
    Points growth;  ///< unbalanced problems only: n_times × cells, mass/time
    Vector action;  ///< γ of the momentum's second moment, per slice; their mean is `value`
    std::vector<Matrix> metrics;  ///< Q_t in K per slice, of the lower bound
    std::vector<Progress> history;

    [[nodiscard]] double distance() const;  ///< √value
    void require_solved() const;            ///< throws NotSolved unless converged
    /// For the eye: the ends, and between them (ρ_{k-1} + 2ρ_k + ρ_{k+1})/4, which is not negative.
    [[nodiscard]] Points frames() const;
};

/// Every monotone gauge. Densities are masses per cell, non-negative with a positive sum, and are normalised to sum 1.
///
/// Primal–dual proximal splitting with over-relaxation. Upper end: the action of a field with positive masses that
/// satisfies the continuity equation to rounding (a fast Poisson solve; with a mask, two and a correction on the walls,
/// or sparse factors). Lower end: a discrete dual point (φ, w, Q_t) after the largest violation of each slice has been
/// taken off. Memory: at most 3(5+2d) fields of n_times × cells doubles, with walls about 10 to 20 more. Throws
/// InvalidArgument for bad input, for total masses that differ by more than 1e-9 relative, a gauge that is not
/// monotone, and a mask that keeps the measures apart.
///
///     const auto r = dynamic::solve(a, b, {.shape = {64, 64}}, operator_gauge(), {.n_times = 32});
///     r.value, r.certificate.lower, r.density.row(16)
DynamicResult solve(const Vector& density_0, const Vector& density_1, const Grid& grid, const Gauge& gauge,
                    const DynamicOptions& options = {}, const Observer& observer = {});

/// Dynamic UW_γ² between measures on the unit circle of R², masses[i] at the angle (i+½)2π/n (paper §8, math.md §8):
///
///   min Σ_s dt·γ(Σ_c M Mᵀ/ν),   M = gω + mω⊥,   (ν_{k+1} - ν_k)/dt + ∂m = 2g,
///
/// γ a gauge in dimension 2. Masses need not agree and are not normalised. Same certificate: mass along any path
/// as cheap as the upper end is bounded, and violations of the dual are charged at that bound.
DynamicResult solve_circle(const Vector& masses_0, const Vector& masses_1, const Gauge& gauge,
                           const DynamicOptions& options = {}, const Observer& observer = {});

}  // namespace spectralot::dynamic
