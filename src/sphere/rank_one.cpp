#include "sphere/rank_one.hpp"

#include "spectralot/discrete/exact_transport.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>

#include <cmath>

namespace spectralot::sphere {

namespace {

constexpr int most_steps = 60;
constexpr double longest_step = 0.5;
constexpr double negligible = 1e-12;  // x·ω of atoms that cannot matter

/// Σ a xxᵀ over the atoms on that side of ω.
Matrix moment_of_side(const Points& x, const Vector& masses, const Vector& along, double side) {
    const Vector used = (side * along.array() > 0.0).select(masses, 0.0);
    return x.transpose() * used.asDiagonal() * x;
}

/// (√A - √B)² of either side, summed, with its first and second derivatives in ω.
struct Worth {
    double value = 0.0;
    Vector gradient;
    Matrix hessian;

    Worth(const ReducedPair& pair, const Vector& axis)
        : gradient(Vector::Zero(axis.size())), hessian(Matrix::Zero(axis.size(), axis.size())) {
        const Vector x = pair.x * axis, y = pair.y * axis;
        for (const double side : {1.0, -1.0}) {
            const Matrix M = pair.mass_a * moment_of_side(pair.x, pair.a, x, side),
                         N = pair.mass_b * moment_of_side(pair.y, pair.b, y, side);
            const Vector p = M * axis, q = N * axis;
            const double A = axis.dot(p), B = axis.dot(q), root = std::sqrt(A) * std::sqrt(B);
            value += A + B - 2.0 * root;
            gradient += 2.0 * (p + q);
            hessian += 2.0 * (M + N);
            if (!(root > 0.0)) continue;
            const double r = root / A, s = root / B;  // √(B/A) and √(A/B)
            gradient -= 2.0 * (r * p + s * q);
            hessian -= 2.0 * (r * M + s * N) + 2.0 / root * (p * q.transpose() + q * p.transpose()) -
                       2.0 * (r / A * p * p.transpose() + s / B * q * q.transpose());
        }
    }
};

/// The directions across ω, as columns.
Matrix across(const Vector& axis) {
    const Index d = axis.size();
    const Matrix Q = Eigen::HouseholderQR<Matrix>(axis).householderQ();
    return Q.rightCols(d - 1);
}

Vector climb(const ReducedPair& pair, Vector axis, const CancelToken& cancel) {
    Worth at(pair, axis);
    for (int step = 0; step < most_steps && !cancel.requested(); ++step) {
        const Matrix E = across(axis);
        const Vector slope = E.transpose() * at.gradient;
        if (!(slope.norm() > 64.0 * epsilon * at.gradient.norm())) break;
        // On the sphere; uphill along directions in which the function is not concave, too.
        const Matrix curvature =
            E.transpose() * at.hessian * E - at.gradient.dot(axis) * Matrix::Identity(E.cols(), E.cols());
        const Eigen::SelfAdjointEigenSolver<Matrix> eigen(curvature);
        const Vector bend = eigen.eigenvalues().cwiseAbs().cwiseMax(epsilon * at.hessian.norm());
        Vector move = eigen.eigenvectors() * (eigen.eigenvectors().transpose() * slope).cwiseQuotient(bend);
        move *= std::min(1.0, longest_step / move.norm());
        bool climbed = false;
        for (double length = 1.0; length > 1e-6 && !climbed; length *= 0.5) {
            const Vector next = (axis + length * E * move).normalized();
            Worth there(pair, next);
            if (!(there.value > at.value)) continue;
            axis = next;
            at = std::move(there);
            climbed = true;
        }
        if (!climbed) break;
    }
    return axis;
}

/// The atoms on one side of ω.
struct Side {
    std::vector<Index> atoms;  // that a transport can see
    DiscreteMeasure measure;   // as it sees them, across ω
    double total = 0.0;        // A or B

    Side(const Points& points, const Vector& masses, const Vector& along, double side, const Matrix& E) {
        for (Index i = 0; i < along.size(); ++i) {
            if (side * along[i] > 0.0) total += masses[i] * along[i] * along[i];
            if (side * along[i] > negligible) atoms.push_back(i);
        }
        const Vector height = along(atoms);
        measure.weights = masses(atoms).cwiseProduct(height.cwiseAbs2());
        measure.weights /= measure.weights.sum();
        measure.points = std::sqrt(total) * (height.cwiseInverse().asDiagonal() * (points(atoms, Eigen::all) * E));
    }
    /// What a plan's mass is of that atom's.
    [[nodiscard]] double share(Index atom, double mass) const { return mass / measure.weights[atom]; }
};

}  // namespace

RankOneSaddle rank_one_saddle(const ReducedPair& pair, const Matrix& guess, const CancelToken& cancel) {
    RankOneSaddle saddle;
    double best = -1.0;
    const Matrix starts = Eigen::SelfAdjointEigenSolver<Matrix>(guess).eigenvectors();
    for (const auto& start : starts.colwise()) {
        const Vector axis = climb(pair, start, cancel);
        const double value = Worth(pair, axis).value;
        if (!(value > best)) continue;
        best = value;
        saddle.axis = axis;
    }
    const Vector x = pair.x * saddle.axis, y = pair.y * saddle.axis;
    const Matrix E = across(saddle.axis);
    Vector u = Vector::Zero(x.size()), v = Vector::Zero(y.size());
    for (const double side : {1.0, -1.0}) {
        const Side from(pair.x, pair.mass_a * pair.a, x, side, E), to(pair.y, pair.mass_b * pair.b, y, side, E);
        if (!(from.total > 0.0 && to.total > 0.0)) continue;
        const double r = std::sqrt(to.total / pair.mass_b) / std::sqrt(from.total / pair.mass_a);
        u = (side * x.array() > 0.0).select(r * x.cwiseAbs2(), u);
        v = (side * y.array() > 0.0).select(y.cwiseAbs2() / r, v);
        if (from.atoms.empty() || to.atoms.empty()) continue;
        const SparsePlan plan = ExactTransport(from.measure, to.measure)
                                    .solve(Matrix::Identity(E.cols(), E.cols()), {.cancel = cancel})
                                    .plan;
        for (std::size_t t = 0; t < plan.size(); ++t)
            pair.push(saddle.coupling, from.atoms[std::size_t(plan.row[t])], to.atoms[std::size_t(plan.col[t])],
                      from.share(plan.row[t], plan.mass[t]), to.share(plan.col[t], plan.mass[t]));
    }
    saddle.potentials = pair.expand(u, v, 1.0);
    return saddle;
}

}  // namespace spectralot::sphere
