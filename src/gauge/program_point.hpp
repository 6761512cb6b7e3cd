/// A point inside the set K of a gauge, kept by the variables of its program's branches and leaves.
///
/// τ > 0 for a branch, 0 ≺ Q ≺ τI with trace kτ for Ky Fan, Q ≻ 0 with ‖Q‖_{p'} + slack = τ for Schatten: what a
/// logarithmic barrier needs, each quantity with relative accuracy.
#pragma once

#include "spectralot/core/types.hpp"
#include "spectralot/gauge/program.hpp"

#include <vector>

namespace spectralot::detail {

struct LeafPoint {
    const GaugeLeaf* form;
    Matrix vectors;      ///< eigenvectors of Q, in the coordinates of the block
    Vector values;       ///< its eigenvalues
    Vector room{};       ///< τ - values, kept apart for accuracy (Ky Fan with k > 1)
    double slack = 0.0;  ///< τ - ‖Q‖_{p'} (Schatten)
    double conjugate = 0.0;
    Index first = 0;  ///< index of its first unknown, for the method at work
    [[nodiscard]] bool has_room() const { return room.size() > 0; }
    [[nodiscard]] bool has_slack() const { return conjugate > 0.0; }
};

struct ProgramPoint {
    /// The isotropic point.
    explicit ProgramPoint(const GaugeProgram& program);

    [[nodiscard]] Matrix metric() const;
    /// Back to the equations that a step of Newton's method only met to first order or to rounding.
    void restore_equations();

    const GaugeProgram* program;
    Vector tau;                     ///< of every branch; 1 for the root
    std::vector<LeafPoint> leaves;  ///< all but the points
    double degree = 0.0;            ///< number of barrier terms
};

}  // namespace spectralot::detail
