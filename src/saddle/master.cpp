#include "spectralot/saddle/master.hpp"

#include "saddle/interior_point.hpp"
#include "saddle/program.hpp"

#include <algorithm>

namespace spectralot {

namespace {

constexpr int max_iterations = 100;
constexpr int wide_dimension = 12;  // up to here long double is cheap enough to finish what double could not

/// max over a finite list of matrices, as a program.
GaugeProgram polyhedral_program(const std::vector<Matrix>& matrices, int dimension) {
    GaugeProgram program{.dimension = dimension, .n_branches = 1 + int(matrices.size()), .leaves = {}, .maxima = {}};
    std::vector<int> all(static_cast<std::size_t>(dimension));
    for (int i = 0; i < dimension; ++i) all[std::size_t(i)] = i;
    for (std::size_t k = 0; k < matrices.size(); ++k) {
        program.leaves.push_back(
            {.kind = GaugeLeaf::Kind::Point, .block = all, .point = matrices[k], .branch = 1 + int(k)});
    }
    program.maxima.push_back({.first_branch = 1, .n_branches = int(matrices.size()), .weight = 1.0, .branch = 0});
    return program;
}

Matrix combine(const std::vector<Matrix>& moments, const Vector& weights) {
    Matrix mixed = Matrix::Zero(moments[0].rows(), moments[0].cols());
    for (std::size_t k = 0; k < moments.size(); ++k) mixed += weights(Index(k)) * moments[k];
    return mixed;
}

/// Tightens the bracket of `best`, in the unit of the moments; `tol` is absolute. Primal and dual points are feasible
/// whatever the accuracy, so the bracket is always true.
template <class Real>
void tighten(const GaugeProgram& program, const std::vector<Matrix>& moments, double tol, MasterSolution& best) {
    const saddle::PlanAtoms<Real> atoms(moments);
    saddle::InteriorPoint<saddle::PlanAtoms<Real>> iterate(program, atoms);
    const auto offer = [&] {
        const Vector mass = iterate.masses().template cast<double>().cwiseMax(0.0);
        const Vector w = mass / mass.sum();
        const double upper = saddle::evaluate(program, combine(moments, w));
        if (upper < best.upper) {
            best.upper = upper;
            best.weights = w;
        }
        const Matrix metric = iterate.metric().template cast<double>();
        double lower = infinity;
        for (const Matrix& moment : moments) lower = std::min(lower, saddle::inner(metric, moment));
        if (lower > best.lower) {
            best.lower = lower;
            best.metric = metric;
        }
    };
    offer();
    for (int iteration = 0; iteration < max_iterations && best.upper - best.lower > tol && iterate.advance();
         ++iteration) {
        // The bracket of an iterate on its way is no narrower than this, and costs two spectral decompositions.
        const bool is_far = double(iterate.complementarity()) > 3.0 * tol && iterate.last_step() > 0.3;
        if (!is_far) offer();
    }
    offer();
}

MasterSolution solve_program(const GaugeProgram& program, const std::vector<Matrix>& moments, double tol) {
    double scale = 0.0;
    for (const Matrix& moment : moments) scale = std::max(scale, moment.cwiseAbs().maxCoeff());
    if (!(scale > 0)) scale = 1.0;
    std::vector<Matrix> scaled;
    scaled.reserve(moments.size());
    for (const Matrix& moment : moments) scaled.emplace_back(moment / scale);

    MasterSolution best{.weights = {}, .metric = {}, .upper = infinity, .lower = -infinity};
    tighten<double>(program, scaled, tol / scale, best);
    if (best.upper - best.lower > tol / scale && program.dimension <= wide_dimension) {
        tighten<long double>(program, scaled, tol / scale, best);
    }
    best.upper *= scale;
    best.lower *= scale;
    return best;
}

}  // namespace

Master::Master(const Gauge& gauge, int dimension)
    : gauge_(gauge), dimension_(dimension), program_(gauge.program(dimension)) {
    if (!program_) recorded_.push_back(gauge_.active(Matrix::Identity(dimension, dimension)));
}

MasterSolution Master::solve(double tol) {
    if (program_) return solve_program(*program_, moments_, tol);

    // K is known through its active matrices only: outer approximation of γ by those met so far.
    constexpr int max_cuts = 500;
    for (int cut = 0;; ++cut) {
        MasterSolution solution = solve_program(polyhedral_program(recorded_, dimension_), moments_, 0.5 * tol);
        const Matrix mixed = combine(moments_, solution.weights);
        solution.upper = gauge_.value(mixed);
        if (solution.upper - solution.lower <= tol || cut == max_cuts) return solution;
        recorded_.push_back(gauge_.active(mixed));
    }
}

}  // namespace spectralot
