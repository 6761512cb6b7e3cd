/// p = ∞ where one direction decides: Q = uuᵀ is the metric of the optimal transport between the projections on u.
///
/// First u: the largest (δ·u)² + (σ0-σ1)², σ(u) = √(uᵀΣu), is the largest eigenvalue of N(ρ) = δδᵀ + (1-ρ)Σ0 +
/// (1-1/ρ)Σ1, maximised over ρ > 0, because σ0σ1 = min ½(ρσ0² + σ1²/ρ): a search over one number finds the global
/// maximum λ.
///
/// Then the rest of the coupling, free but for γ(S) ≤ λ. In a basis that begins with u, and with the roots turned so
/// that their first rows are (σ, 0, …), what is left is a pair of one dimension less, whose displacement δ is joined by
/// the difference c1 - c0 of the first columns. Its coupling is taken at the analytic centre: the Q that maximises
/// h(Q) + log det Q - λ tr Q, where S = λ - Q⁻¹.
#include "gaussian/newton.hpp"
#include "gaussian/search.hpp"
#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"

#include <cmath>
#include <optional>

namespace spectralot::gaussian {

namespace {

using linalg::product;

class Projections {
public:
    explicit Projections(const Pair& pair)
        : S0_(product(pair.source.root, pair.source.root.transpose())),
          S1_(product(pair.target.root, pair.target.root.transpose())),
          jump_(pair.shift * pair.shift.transpose()) {}

    [[nodiscard]] double value(const Vector& u) const {
        const double difference = spread(S0_, u) - spread(S1_, u);
        return u.dot(jump_ * u) + difference * difference;
    }
    /// Top eigenvector of N(ρ).
    [[nodiscard]] Vector best_for(double ratio) const {
        const Eigen::SelfAdjointEigenSolver<Matrix> eigen(
            Matrix(jump_ + (1.0 - ratio) * S0_ + (1.0 - 1.0 / ratio) * S1_));
        return eigen.eigenvectors().rightCols(1);
    }
    /// The local maximum above u: Newton's method on the sphere, or where that does not climb the best u for ρ = σ1/σ0.
    [[nodiscard]] Vector climb(Vector u) const {
        constexpr int max_steps = 30;
        for (int i = 0; i < max_steps; ++i) {
            const double s0 = spread(S0_, u), s1 = spread(S1_, u);
            if (!(s0 > 0.0 && s1 > 0.0)) break;
            const Index d = u.size();
            const Vector a = S0_ * u / s0, b = S1_ * u / s1;
            const Vector gradient = jump_ * u + (s0 - s1) * (a - b);
            const double theta = gradient.dot(u);
            const Vector miss = theta * u - gradient;
            if (miss.norm() <= 4.0 * double(d) * epsilon * theta) break;
            Matrix system = Matrix::Zero(d + 1, d + 1);
            system.topLeftCorner(d, d) = jump_ + (1.0 - s1 / s0) * S0_ + (1.0 - s0 / s1) * S1_ +
                                         (s1 / s0) * a * a.transpose() + (s0 / s1) * b * b.transpose() -
                                         a * b.transpose() - b * a.transpose();
            system.topLeftCorner(d, d).diagonal().array() -= theta;
            system.col(d).head(d) = u;
            system.row(d).head(d) = u.transpose();
            Vector rhs = Vector::Zero(d + 1);
            rhs.head(d) = miss;
            const Vector step = Eigen::PartialPivLU<Matrix>(system).solve(rhs).head(d);
            const Vector next = (u + step).normalized();
            const bool climbs = step.allFinite() && value(next) >= value(u) * (1.0 - 1e-14);
            u = climbs ? next : best_for(s1 / s0);
        }
        return u;
    }

private:
    static double spread(const Matrix& S, const Vector& u) { return std::sqrt(std::max(0.0, u.dot(S * u))); }
    Matrix S0_, S1_, jump_;
};

Vector best_direction(const Projections& projections) {
    Vector best;
    for (const double ratio : {0.1, 0.3, 0.7, 1.4, 3.0, 10.0}) {
        Vector u = projections.best_for(ratio);
        if (best.size() == 0 || projections.value(u) > projections.value(best)) best = std::move(u);
    }
    return projections.climb(best);
}

/// H - I times -2/|v|² v vᵀ with He1 = ±u, as the orthogonal matrix whose first column is u.
Matrix basis_from(const Vector& u) {
    Vector v = u;
    const double sign = u[0] >= 0.0 ? 1.0 : -1.0;
    v[0] += sign;
    Matrix basis = Matrix::Identity(u.size(), u.size()) - (2.0 / v.squaredNorm()) * v * v.transpose();
    basis.col(0) *= -sign;
    return basis;
}

/// The coupling of a pair with largest eigenvalue of the moment at most `level`, at the analytic centre or before.
std::optional<Coupling> below_level(const Pair& pair, double level) {
    constexpr int max_steps = 15;
    constexpr double boundary_share = 0.9;
    const Index d = pair.dimension();
    Matrix Q = Matrix::Identity(d, d);
    Coupling at = couple(pair, Q);
    for (int i = 0;; ++i) {
        const Eigen::SelfAdjointEigenSolver<Matrix> moment(at.moment, Eigen::EigenvaluesOnly);
        if (moment.eigenvalues()[d - 1] <= level) return at;
        // The best multiple of Q; there is none when tr QS proves that every coupling exceeds the level.
        const double slack = level * Q.trace() - at.cost;
        if (i == max_steps || !(slack > 0.0)) return std::nullopt;
        const double scale = double(d) / slack;
        const Eigen::SelfAdjointEigenSolver<Matrix> eigen(Matrix(scale * Q));
        const Vector& q = eigen.eigenvalues();
        const Matrix& basis = eigen.eigenvectors();
        Matrix residual = product(basis.transpose(), product(at.moment, basis));
        residual.diagonal().array() += q.array().inverse() - level;
        const Curvature curvature(pair, at, scale, basis);
        const Matrix weights = q.cwiseInverse() * q.cwiseInverse().transpose();
        const Matrix step = newton_step(curvature, weights, residual, false).step;
        const double least = least_relative(step, q);
        Matrix inner = (least > -boundary_share ? 1.0 : -boundary_share / least) * step;
        inner.diagonal() += q;
        Q = product(basis, product(inner, basis.transpose()));
        Q = 0.5 * (Q + Q.transpose()).eval();
        at = couple(pair, Q);
    }
}

}  // namespace

void try_rank_one(Search& search, double weight) {
    const Pair& pair = search.pair;
    const Index d = pair.dimension();
    const Vector u = best_direction(Projections(pair));
    Vector a = pair.source.root.transpose() * u, b = pair.target.root.transpose() * u;
    const double s0 = a.norm(), s1 = b.norm();
    if (!(s0 > 0.0 && s1 > 0.0)) return;
    a /= s0;
    b /= s1;
    const double jump = (u.transpose() * pair.shift).squaredNorm();
    const double value = jump + (s0 - s1) * (s0 - s1);

    // The pair that is left.
    const Matrix basis = basis_from(u), turn0 = basis_from(a), turn1 = basis_from(b);
    const Matrix root0 = product(basis.transpose(), product(pair.source.root, turn0));
    const Matrix root1 = product(basis.transpose(), product(pair.target.root, turn1));
    Pair rest;
    rest.shift.resize(d - 1, pair.shift.cols() + 1);
    rest.shift << (basis.transpose() * pair.shift).bottomRows(d - 1), (root1.col(0) - root0.col(0)).tail(d - 1);
    rest.source.root = root0.bottomRightCorner(d - 1, root0.cols() - 1);
    rest.target.root = root1.bottomRightCorner(d - 1, root1.cols() - 1);
    const std::optional<Coupling> others = below_level(rest, value * (1.0 + 0.1 * search.options.tol));
    if (!others) return;

    Coupling coupling;
    coupling.metric = weight * u * u.transpose();
    const auto joined = [](const Matrix& turn, const Matrix& factor) {
        Matrix all = Matrix::Zero(turn.rows(), factor.cols() + 1);
        all(0, 0) = 1.0;
        all.bottomRightCorner(factor.rows(), factor.cols()) = factor;
        return product(turn, all);
    };
    coupling.U = joined(turn0, others->U);
    coupling.V = joined(turn1, others->V);
    coupling.s = Vector::Zero(coupling.U.cols());
    coupling.s[0] = weight * s0 * s1;
    coupling.c = Vector::Ones(coupling.U.cols());
    coupling.split = Vector::Zero(coupling.U.cols());
    set_moment(pair, coupling);
    coupling.cost = weight * value;
    const double spread_error = 8.0 * double(d) * epsilon * (s0 + s1) + pair.source.error + pair.target.error;
    coupling.cost_error = weight * (2.0 * std::abs(s0 - s1) * spread_error + spread_error * spread_error +
                                    8.0 * double(d) * epsilon * value);
    search.accept(std::move(coupling));
}

}  // namespace spectralot::gaussian
