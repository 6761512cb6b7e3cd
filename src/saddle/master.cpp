#include "spectralot/saddle/master.hpp"

#include "saddle/interior_point.hpp"
#include "saddle/program.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace spectralot {

namespace {

constexpr int max_iterations = 100;
constexpr double restart_share = 5.0;  // of the tolerance: from there a later solve goes on, with more atoms
constexpr int wide_dimension = 12;     // up to here long double is cheap enough to finish what double could not

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

using Iterate = saddle::InteriorPoint<saddle::PlanAtoms<double>>;

/// Tightens the bracket of `best`, in the unit of the moments; `tol` is absolute. Primal and dual points are feasible
/// whatever the accuracy, so the bracket is always true.
template <class Atoms>
void tighten(const GaugeProgram& program, const std::vector<Matrix>& moments, double tol,
             saddle::InteriorPoint<Atoms>& iterate, MasterSolution& best,
             const std::function<void()>& on_the_way = {}) {
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
    for (int iteration = 0; iteration < max_iterations && best.upper - best.lower > tol; ++iteration) {
        if (on_the_way) on_the_way();
        if (!iterate.advance()) break;
        // The bracket of an iterate on its way is no narrower than this, and costs two spectral decompositions.
        const bool is_far = double(iterate.complementarity()) > 3.0 * tol && iterate.last_step() > 0.3;
        if (!is_far) offer();
    }
    offer();
}

}  // namespace

/// An iterate on the way to the last solution, from which the next solve, with more atoms, can go on.
struct Master::Waypoint {
    double scale;
    Vector w, s, phi;
    double complementarity;
    Index degree;
    saddle::GaugePoint<double> gauge;

    Waypoint(double scale_, const Iterate& at)
        : scale(scale_),
          w(at.masses()),
          s(at.slacks()),
          phi(at.multipliers()),
          complementarity(at.complementarity()),
          degree(at.degree()),
          gauge(at.gauge_point()) {}

    /// New atoms get slacks of the size of the gap, and the masses that belong to them.
    [[nodiscard]] Iterate resumed(const GaugeProgram& program, const std::vector<Matrix>& moments,
                                  const saddle::PlanAtoms<double>& atoms) const {
        const Index n = Index(moments.size()), n_new = n - w.size();
        Vector masses = Vector::Zero(n), slacks = Vector::Zero(n);
        masses.head(w.size()) = w;
        const Matrix metric = Iterate(program, atoms, masses, slacks, phi, gauge).metric();
        Vector excess(n_new);
        for (Index k = 0; k < n_new; ++k) {
            excess(k) = saddle::inner(metric, moments[std::size_t(w.size() + k)]) - phi(0);
        }
        const double violation = std::max(0.0, -excess.minCoeff());
        const double shift = violation + 0.5 * std::max(violation, complementarity);
        slacks << s.array() + shift, excess.array() + shift;
        masses.tail(n_new) = (complementarity / double(degree) + shift / double(n)) * slacks.tail(n_new).cwiseInverse();
        masses /= masses.sum();
        return {program, atoms, masses, slacks, phi.array() - shift, gauge};
    }
};

MasterSolution Master::solve_program(const GaugeProgram& program, double tol) {
    double largest = 0.0;
    for (const Matrix& moment : moments_) largest = std::max(largest, moment.cwiseAbs().maxCoeff());
    const double scale = largest > 0.0 ? std::ldexp(1.0, std::ilogb(largest)) : 1.0;
    const double wanted = tol / scale;
    std::vector<Matrix> scaled;
    scaled.reserve(moments_.size());
    for (const Matrix& moment : moments_) scaled.emplace_back(moment / scale);

    MasterSolution best{.weights = {}, .metric = {}, .upper = infinity, .lower = -infinity};
    const auto is_open = [&] { return best.upper - best.lower > wanted; };
    const saddle::PlanAtoms<double> atoms(scaled);
    const auto last = std::exchange(waypoint_, nullptr);
    const auto run = [&](Iterate iterate) {
        tighten(program, scaled, wanted, iterate, best, [&] {
            if (iterate.complementarity() < restart_share * wanted) return;
            waypoint_ = std::make_shared<const Waypoint>(scale, iterate);
        });
    };
    if (last && last->scale == scale && last->w.size() < Index(moments_.size())) {
        run(last->resumed(program, scaled, atoms));
    }
    if (is_open()) run(Iterate(program, atoms));
    if (is_open() && program.dimension <= wide_dimension) {
        const saddle::PlanAtoms<long double> wide(scaled);
        saddle::InteriorPoint<saddle::PlanAtoms<long double>> iterate(program, wide);
        tighten(program, scaled, wanted, iterate, best);
    }
    best.upper *= scale;
    best.lower *= scale;
    return best;
}

Master::Master(const Gauge& gauge, int dimension)
    : gauge_(gauge), dimension_(dimension), program_(gauge.program(dimension)) {
    if (!program_) recorded_.push_back(gauge_.active(Matrix::Identity(dimension, dimension)));
}

MasterSolution Master::solve(double tol) {
    if (program_) return solve_program(*program_, tol);

    // K is known through its active matrices only: outer approximation of γ by those met so far.
    constexpr int max_cuts = 500;
    for (int cut = 0;; ++cut) {
        waypoint_.reset();  // of another program
        MasterSolution solution = solve_program(polyhedral_program(recorded_, dimension_), 0.5 * tol);
        const Matrix mixed = combine(moments_, solution.weights);
        solution.upper = gauge_.value(mixed);
        if (solution.upper - solution.lower <= tol || cut == max_cuts) return solution;
        recorded_.push_back(gauge_.active(mixed));
    }
}

}  // namespace spectralot
