#include "gauge/metric_search.hpp"

#include "gauge/barrier.hpp"
#include "gauge/composition.hpp"
#include "gauge/spectrum.hpp"
#include "linalg/decompositions.hpp"
#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace spectralot::detail {

namespace {

/// Q with the velocities it gives to the force: X = diag(σ)WᵀQ⁻¹ (r×d), whose second moment is Q⁻¹SQ⁻¹.
struct Candidate {
    Matrix root;  ///< upper triangular R, Q = RᵀR
    Matrix velocities;
    double dual_squared = infinity;  ///< tr(Q⁻¹S)
    double gap = infinity;           ///< γ(XᵀX)/tr(Q⁻¹S) - 1: 0 at the minimiser only
};

class SelectorSearch {
public:
    /// Force factors in the coordinates of the search; σ has been divided by its largest entry.
    SelectorSearch(const GaugeModel& model, Matrix force) : model_(model), force_(std::move(force)) {}

    /// Follows the central path over `K` and returns the candidate of least gap.
    Candidate run(const GaugeProgram& K, bool diagonal) const {
        Candidate best;
        // Wide forces leave Q singular in the limit: X loses digits before Q has converged. But any X and any Q bound
        // N*² between <F, X>²/γ(XᵀX) and tr(Q⁻¹S), so each is taken where it is best, X also from the limit to μ = 0.
        const bool is_wide = !diagonal && force_.rows() < force_.cols();
        double least_dual = infinity, largest_lower = 0.0, previous_bound = 0.0;
        Matrix velocities, previous;
        const auto offer = [&](const Matrix& X) {
            const double lower = lower_bound(X);
            if (lower <= largest_lower) return;
            largest_lower = lower;
            velocities = X;
        };
        int without_progress = 0;
        CentralPath path(K, diagonal);
        path.follow([&](const CentralPath& point) { return local_model(point.root()); },
                    [&](const CentralPath& point, double suboptimality) {
                        Candidate candidate = evaluate(point.root());
                        if (is_wide && std::isfinite(candidate.gap)) {
                            const Matrix& X = candidate.velocities;
                            offer(X);
                            if (previous_bound > suboptimality)
                                offer(X + suboptimality / (previous_bound - suboptimality) * (X - previous));
                            previous = X;
                            previous_bound = suboptimality;
                            least_dual = std::min(least_dual, candidate.dual_squared);
                            candidate.velocities = velocities * (least_dual / force_.cwiseProduct(velocities).sum());
                            candidate.dual_squared = least_dual;
                            candidate.gap = std::abs(least_dual / largest_lower - 1.0);
                        }
                        const bool better = candidate.gap < best.gap;
                        without_progress = better ? 0 : without_progress + 1;
                        if (better) best = candidate;
                        return best.gap <= 4.0 * epsilon || without_progress >= 3 ||
                               suboptimality <= 1e-3 * epsilon * candidate.dual_squared;
                    });
        return best;
    }

private:
    [[nodiscard]] Candidate evaluate(const Matrix& root) const {
        const Matrix whitened = root.transpose().triangularView<Eigen::Lower>().solve(force_.transpose());
        Candidate candidate{root, root.triangularView<Eigen::Upper>().solve(whitened).transpose()};
        candidate.dual_squared = whitened.squaredNorm();
        const Matrix moment = candidate.velocities.transpose() * candidate.velocities;
        if (moment.allFinite() && candidate.dual_squared > 0.0)
            candidate.gap = std::abs(model_.value(moment) / candidate.dual_squared - 1.0);
        return candidate;
    }

    /// <F, X>²/γ(XᵀX) ≤ N*², 0 where it cannot be computed.
    [[nodiscard]] double lower_bound(const Matrix& X) const {
        const double product = force_.cwiseProduct(X).sum();
        const Matrix moment = X.transpose() * X;
        const double lower = moment.allFinite() ? product * product / model_.value(moment) : 0.0;
        return std::isfinite(lower) ? lower : 0.0;
    }

    [[nodiscard]] LocalModel local_model(const Matrix& root) const {
        const Matrix inverse = root.triangularView<Eigen::Upper>().solve(Matrix::Identity(root.rows(), root.cols()));
        const Matrix whitened = inverse.transpose() * force_.transpose();
        // f'[H] = -tr(XHXᵀ), f''[H, H] = 2‖R⁻ᵀHXᵀ‖² with X = whitenedᵀ·R⁻ᵀ.
        return {std::numbers::sqrt2 * inverse.transpose(), (inverse * whitened).transpose(),
                -whitened / std::numbers::sqrt2};
    }

    const GaugeModel& model_;
    Matrix force_;  ///< diag(σ)Wᵀ
};

/// K = conv of the given matrices.
GaugeProgram hull(const std::vector<Matrix>& atoms) {
    const int d = static_cast<int>(atoms.front().rows());
    GaugeProgram program{.dimension = d};
    const int first = open_maximum(program, static_cast<int>(atoms.size()), 1.0, 0);
    for (size_t k = 0; k < atoms.size(); ++k)
        append(program, point_program(atoms[k]), all_coordinates(d), 1.0, first + static_cast<int>(k));
    return program;
}

/// Active matrices whose mean is positive definite.
std::vector<Matrix> first_atoms(const GaugeModel& model, Index d) {
    std::vector<Matrix> atoms{model.active(Matrix::Identity(d, d))};
    Matrix sum = atoms.front();
    for (Index i = 0; i < d; ++i) {
        const Spectrum s = spectrum(sum);
        const Vector weakest = s.vectors.col(d - 1);
        if (i > 0 && s.values[d - 1] > 1e-3 * s.values[0]) break;
        atoms.push_back(model.active(weakest * weakest.transpose()));
        sum += atoms.back();
    }
    return atoms;
}

Candidate grow_hull(const GaugeModel& model, const SelectorSearch& search, Index d) {
    std::vector<Matrix> atoms = first_atoms(model, d);
    Candidate best;
    for (int round = 0; round < 60 + 20 * static_cast<int>(d); ++round) {
        const Candidate candidate = search.run(hull(atoms), false);
        if (candidate.gap < best.gap) best = candidate;
        if (best.gap <= 1e-14 || std::isinf(candidate.gap)) break;
        const Matrix moment = candidate.velocities.transpose() * candidate.velocities;
        const Matrix atom = model.active(moment);
        // The hull already contains a maximiser: only the rounding of the search is left.
        double known = 0.0;
        for (const Matrix& A : atoms) known = std::max(known, A.cwiseProduct(moment).sum());
        if (atom.cwiseProduct(moment).sum() <= known * (1.0 + epsilon)) break;
        atoms.push_back(atom);
    }
    return best;
}

}  // namespace

GaugeModel::SelectorMap search_selector_map(const GaugeModel& model, const Vector& sigma, const Matrix& right) {
    const Index d = right.rows();
    const Index rank = sigma.size();
    const auto K = model.program(static_cast<int>(d));
    const Vector scaled = sigma / sigma[0];
    if (K && is_spectral(*K)) {
        // Everything is diagonal in the eigenbasis of S.
        Matrix force = Matrix::Zero(rank, d);
        force.diagonal() = scaled;
        const Candidate found = SelectorSearch(model, force).run(*K, true);
        const Vector b = found.root.diagonal().head(rank).cwiseAbs2().cwiseInverse();
        return {right * b.asDiagonal() * right.transpose(), sigma[0] * std::sqrt(found.dual_squared)};
    }
    const SelectorSearch search(model, scaled.asDiagonal() * right.transpose());
    const Candidate found = K ? search.run(*K, false) : grow_hull(model, search, d);
    if (std::isinf(found.gap))
        throw_invalid("gauge", "must have active matrices with a positive definite mixture", model.repr());

    const Matrix inverse = found.root.triangularView<Eigen::Upper>().solve(Matrix::Identity(d, d));
    Matrix map = inverse * inverse.transpose();
    if (rank < d) {
        // Off the range of S the inverse is arbitrary and may be huge: the least map that agrees with it on the range.
        const Matrix image = found.velocities.transpose() * scaled.cwiseInverse().asDiagonal();
        map = image * (right.transpose() * image).ldlt().solve(Matrix(image.transpose()));
    }
    return {0.5 * (map + map.transpose()), sigma[0] * std::sqrt(found.dual_squared)};
}

double projection_excess(const GaugeModel& model, const GaugeProgram& K, const Matrix& Q) {
    const Index d = Q.rows();
    const bool spectral = is_spectral(K);
    const Matrix basis = spectral ? spectrum(Q).vectors : Matrix(Matrix::Identity(d, d));
    const Matrix target = basis.transpose() * Q * basis;
    const double lower = model.comparison_constants(static_cast<int>(d)).lower;

    double excess = infinity;
    CentralPath path(K, spectral);
    path.follow(
        [&](const CentralPath& point) {
            return LocalModel{Matrix::Identity(d, d), Matrix::Identity(d, d), point.metric() - target};
        },
        [&](const CentralPath& point, double suboptimality) {
            const Matrix P = point.metric();
            const Matrix outside = target - P;
            if (!outside.allFinite()) return true;
            const Eigen::SelfAdjointEigenSolver<Matrix> solver(outside, Eigen::EigenvaluesOnly);
            excess = std::min(excess, std::max(0.0, solver.eigenvalues().maxCoeff()) / lower);
            return excess <= 4.0 * epsilon || suboptimality <= 1e-3 * epsilon * outside.squaredNorm();
        });
    return excess;
}

double necessary_excess(const GaugeModel& model, const Matrix& Q) {
    const Index d = Q.rows();
    double level = 0.0;
    const auto test = [&](const Matrix& S) {
        const double value = model.value(S);
        if (value > 0.0) level = std::max(level, Q.cwiseProduct(S).sum() / value);
    };
    test(Matrix::Identity(d, d));
    const Matrix vectors = spectrum(Q).vectors;
    Matrix leading = Matrix::Zero(d, d);
    for (Index i = 0; i < d; ++i) {
        const Matrix projector = vectors.col(i) * vectors.col(i).transpose();
        leading += projector;
        test(projector);
        test(leading);
        for (Index j = 0; j <= i; ++j) {
            Vector e = Vector::Unit(d, i) + (i == j ? 0.0 : 1.0) * Vector::Unit(d, j);
            test(e * e.transpose());
            if (i == j) continue;
            e[j] = -1.0;
            test(e * e.transpose());
        }
    }
    return std::max(0.0, level - 1.0);
}

}  // namespace spectralot::detail
