#include "gauge/composition.hpp"

#include <algorithm>
#include <numeric>

namespace spectralot::detail {

std::vector<int> all_coordinates(int d) {
    std::vector<int> coordinates(static_cast<size_t>(d));
    std::iota(coordinates.begin(), coordinates.end(), 0);
    return coordinates;
}

GaugeProgram leaf_program(int d, GaugeLeaf leaf) {
    GaugeProgram program{.dimension = d};
    leaf.block = all_coordinates(d);
    program.leaves.push_back(std::move(leaf));
    return program;
}

GaugeProgram point_program(const Matrix& A) {
    return leaf_program(static_cast<int>(A.rows()), {.kind = GaugeLeaf::Kind::Point, .point = A});
}

namespace {

/// Moves a leaf to the given coordinates; its block stays increasing, so its point is permuted along.
void place(GaugeLeaf& leaf, const std::vector<int>& coordinates) {
    std::vector<int> moved(leaf.block.size());
    for (size_t i = 0; i < moved.size(); ++i) moved[i] = coordinates[static_cast<size_t>(leaf.block[i])];
    std::vector<int> order = all_coordinates(static_cast<int>(moved.size()));
    std::ranges::sort(order, {}, [&](int i) { return moved[static_cast<size_t>(i)]; });
    if (leaf.point.size()) leaf.point = Matrix(leaf.point(order, order));
    for (size_t i = 0; i < moved.size(); ++i) leaf.block[i] = moved[static_cast<size_t>(order[i])];
}

}  // namespace

void append(GaugeProgram& program, const GaugeProgram& member, const std::vector<int>& coordinates, double weight,
            int branch) {
    // The root of the member becomes `branch`; its other branches follow those that are already there.
    const int offset = program.n_branches - 1;
    const auto renumbered = [&](int v) { return v == 0 ? branch : v + offset; };
    for (GaugeLeaf leaf : member.leaves) {
        place(leaf, coordinates);
        if (leaf.branch == 0) leaf.weight *= weight;
        leaf.branch = renumbered(leaf.branch);
        program.leaves.push_back(std::move(leaf));
    }
    for (GaugeMaximum maximum : member.maxima) {
        if (maximum.branch == 0) maximum.weight *= weight;
        maximum.branch = renumbered(maximum.branch);
        maximum.first_branch = renumbered(maximum.first_branch);
        program.maxima.push_back(maximum);
    }
    program.n_branches += member.n_branches - 1;
}

int open_maximum(GaugeProgram& program, int n_branches, double weight, int branch) {
    const int first = program.n_branches;
    program.maxima.push_back({first, n_branches, weight, branch});
    program.n_branches += n_branches;
    return first;
}

}  // namespace spectralot::detail
