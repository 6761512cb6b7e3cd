#include "spectralot/saddle/master.hpp"

#include "saddle/interior_point.hpp"

namespace spectralot {

namespace {

/// max over a finite list of matrices, as a program.
GaugeProgram polyhedral_program(const std::vector<Matrix>& matrices, int dimension) {
    GaugeProgram program{.dimension = dimension, .n_branches = 1 + int(matrices.size()), .leaves = {}, .maxima = {}};
    std::vector<int> all(static_cast<std::size_t>(dimension));
    for (int i = 0; i < dimension; ++i) all[std::size_t(i)] = i;
    for (std::size_t k = 0; k < matrices.size(); ++k) {
        program.leaves.push_back({.kind = GaugeLeaf::Kind::Point, .block = all, .point = matrices[k], .branch = 1 + int(k)});
    }
    program.maxima.push_back({.first_branch = 1, .n_branches = int(matrices.size()), .weight = 1.0, .branch = 0});
    return program;
}

MasterSolution from(saddle::SaddlePoint&& point) {
    return {.weights = std::move(point.weights), .metric = std::move(point.metric), .upper = point.upper, .lower = point.lower};
}

}  // namespace

Master::Master(const Gauge& gauge, int dimension) : gauge_(gauge), dimension_(dimension), program_(gauge.program(dimension)) {
    if (!program_) recorded_.push_back(gauge_.active(Matrix::Identity(dimension, dimension)));
}

MasterSolution Master::solve(double tol) {
    if (program_) return from(saddle::solve_saddle(*program_, moments_, tol));

    // K is known through its active matrices only: outer approximation of γ by those met so far.
    constexpr int max_cuts = 500;
    for (int cut = 0;; ++cut) {
        MasterSolution solution = from(saddle::solve_saddle(polyhedral_program(recorded_, dimension_), moments_, 0.5 * tol));
        Matrix mixed = Matrix::Zero(dimension_, dimension_);
        for (std::size_t k = 0; k < moments_.size(); ++k) mixed += solution.weights(Index(k)) * moments_[k];
        solution.upper = gauge_.value(mixed);
        if (solution.upper - solution.lower <= tol || cut == max_cuts) return solution;
        recorded_.push_back(gauge_.active(mixed));
    }
}

}  // namespace spectralot
