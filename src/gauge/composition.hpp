/// Programs of composite gauges, put together from those of their members (program.hpp).
#pragma once

#include "spectralot/gauge/gauge.hpp"

namespace spectralot::detail {

/// A program of one leaf on all coordinates of dimension d.
GaugeProgram point_program(const Matrix& A);
GaugeProgram leaf_program(int d, GaugeLeaf leaf);

/// Adds weight·(member, acting on `coordinates`) to `branch` of `program`.
void append(GaugeProgram& program, const GaugeProgram& member, const std::vector<int>& coordinates, double weight,
            int branch);

/// Adds a maximum of n branches inside `branch`; returns the first of them.
int open_maximum(GaugeProgram& program, int n_branches, double weight, int branch);

std::vector<int> all_coordinates(int d);

}  // namespace spectralot::detail
