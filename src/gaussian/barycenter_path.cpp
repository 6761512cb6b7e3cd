/// Barycenters under Ky Fan gauges, the operator norm among them: a primal-dual interior point for the saddle
///
///     min over m, S and max over Q_i of Σ λ_i [δ_iᵀQ_iδ_i + tr Q_i(S + Σ_i) - 2‖S^{1/2}Q_iF_i‖_* + μ b(Q_i)] - μ log
///     det S,
///
/// δ_i = m - m_i, Σ_i = F_iF_iᵀ, b(Q) = log det Q (+ log det(I - Q) for k > 1), tr Q_i = k. Newton's method for it, in
/// the coordinates Q = PPᵀ, S = GGᵀ, dQ = P h Pᵀ, dS = G s Gᵀ in which the barriers' second derivatives are identities.
/// Every h_i is eliminated, which leaves one equation for (s, dm).
///
/// With the compact SVD GᵀQF = U diag(ρ) Vᵀ, φ = Σρ, and Z = PᵀFVρ^{-1/2}, C = Uρ^{1/2}, A = PᵀG, X = AC:
///     d²φ = tr ZZᵀhAAᵀh + 2 tr ZZᵀhAsAᵀ - ½ Σ N_ij²/(ρ_i + ρ_j),   N = ZᵀhX + XᵀhZ + CᵀsC.
#include "gaussian/barycenter_search.hpp"
#include "gaussian/couple.hpp"
#include "gaussian/newton.hpp"
#include "gaussian/packed.hpp"
#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"

#include <cmath>

namespace spectralot::gaussian {

namespace {

using linalg::product;

constexpr double least_ratio = 1e-15;  // eigenvalues of Q, and of I - Q, are kept above it

struct Point {
    Vector mean;
    Matrix root;                  ///< G
    std::vector<Matrix> metrics;  ///< Q_i
};

/// One metric at the current point.
class Part {
public:
    Part(const Components& components, std::size_t i, const Point& at, int k);

    [[nodiscard]] const Coupling& coupling() const { return coupling_; }
    /// Newton's equation for h given (s, dm), and what is left of it in the equation system·(s, dm) = -slope.
    void eliminate(double mu, double weight, Matrix& system, Vector& slope);
    /// h for (s, dm).
    [[nodiscard]] Matrix step(const Vector& x) const { return unpacked(own_ + response_ * x, dimension()); }
    /// Smallest relative change that h makes to an eigenvalue of Q or of I - Q.
    [[nodiscard]] double least(const Matrix& h) const;
    /// Squared length of h in the metric of the barrier.
    [[nodiscard]] double squared_length(const Matrix& h) const { return h.squaredNorm() + in_room(h).squaredNorm(); }
    [[nodiscard]] Matrix moved(const Matrix& h) const;

private:
    [[nodiscard]] Index dimension() const { return q_.size(); }
    [[nodiscard]] Matrix in_room(const Matrix& h) const { return -(room_.asDiagonal() * h * room_.asDiagonal()); }

    int k_;
    Coupling coupling_;
    Vector q_, room_;  ///< eigenvalues of Q, and √(q/(1-q)) where Q ⪯ I matters
    Matrix P_, A_, Z_, C_;
    Vector rho_, shift_;
    Matrix response_;  ///< dh/d(s, dm)
    Vector own_;       ///< h for (s, dm) = 0
};

Part::Part(const Components& components, std::size_t i, const Point& at, int k) : k_(k) {
    const Index d = at.mean.size();
    shift_ = at.mean - components.means[i];
    Pair pair;
    pair.shift = shift_;
    pair.source = {at.root, double(d) * epsilon * at.root.norm()};  // that of the covariance GGᵀ
    pair.target = components.factors[i];
    coupling_ = couple(pair, at.metrics[i]);

    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(at.metrics[i]);
    q_ = eigen.eigenvalues().cwiseMax(least_ratio);
    room_ = Vector::Zero(d);
    if (k > 1) room_ = (q_.array() / (1.0 - q_.array()).max(least_ratio)).sqrt();
    P_ = eigen.eigenvectors() * q_.cwiseSqrt().asDiagonal();
    rho_ = coupling_.s.cwiseMax(1e-150);
    const Vector root = rho_.cwiseSqrt();
    A_ = product(P_.transpose(), at.root);
    Z_ = product(P_.transpose(), product(pair.target.root, coupling_.V * root.cwiseInverse().asDiagonal()));
    C_ = coupling_.U * root.asDiagonal();
}

void Part::eliminate(double mu, double weight, Matrix& system, Vector& slope) {
    const Index d = dimension(), n = packed_size(d), r = rho_.size();
    const Matrix X = product(A_, C_), ZZ = product(Z_, Z_.transpose()), AA = product(A_, A_.transpose());
    const Matrix CZ = product(C_, Z_.transpose());
    const Matrix turning = (rho_.replicate(1, r) + rho_.transpose().replicate(r, 1)).cwiseInverse();
    const auto twice = [](const Matrix& M) { return Matrix(M + M.transpose()); };
    Matrix own(n, n), cross(n, n + d), shared(n, n);
    for (Index e = 0; e < n; ++e) {
        const Matrix E = unpacked(Vector::Unit(n, e), d);
        const Matrix N = twice(product(Z_.transpose(), product(E, X))).cwiseProduct(turning);
        own.col(e) = packed(twice(product(ZZ, product(E, AA)) - product(Z_, product(N, X.transpose()))) +
                            mu * (E + room_.cwiseAbs2().asDiagonal() * E * room_.cwiseAbs2().asDiagonal()));
        const Matrix M = product(C_.transpose(), product(E, C_)).cwiseProduct(turning), AE = product(A_, E);
        cross.col(e) =
            packed(product(AE, A_.transpose()) + twice(product(Z_, product(M, X.transpose())) - product(AE, CZ)));
        shared.col(e) = packed(product(C_, product(M, C_.transpose())));
    }
    const Vector inner_shift = P_.transpose() * shift_;
    for (Index c = 0; c < d; ++c) cross.col(n + c) = packed(twice(inner_shift * P_.row(c)));

    Matrix gradient = product(P_.transpose(), product(coupling_.moment, P_));
    gradient.diagonal().array() += mu * (1.0 - room_.array().square());
    const Vector trace = packed(q_.asDiagonal());  // tr dQ = trace·h = 0
    const Vector scale = own.diagonal().cwiseSqrt().cwiseInverse();
    const Eigen::LLT<Matrix> solver(scale.asDiagonal() * own * scale.asDiagonal());
    const auto solve = [&](const Matrix& right) {
        return Matrix(scale.asDiagonal() * solver.solve(scale.asDiagonal() * right));
    };
    const Vector multiplier = solve(trace);
    const auto traceless = [&](const Matrix& x) {
        return Matrix(x - multiplier * (trace.transpose() * x) / trace.dot(multiplier));
    };
    response_ = traceless(solve(cross));
    own_ = traceless(solve(packed(gradient)));

    system.topLeftCorner(n, n) += weight * shared;
    system.bottomRightCorner(d, d) += 2.0 * weight * coupling_.metric;
    system += weight * product(cross.transpose(), response_);
    slope.head(n) += weight * packed(product(A_.transpose(), A_) - product(C_, C_.transpose()));
    slope.tail(d) += 2.0 * weight * (coupling_.metric * shift_);
    slope += weight * (cross.transpose() * own_);
}

double Part::least(const Matrix& h) const {
    const double down = Eigen::SelfAdjointEigenSolver<Matrix>(h, Eigen::EigenvaluesOnly).eigenvalues()[0];
    if (k_ == 1) return down;
    const Matrix room = in_room(h);
    return std::min(down, Eigen::SelfAdjointEigenSolver<Matrix>(room, Eigen::EigenvaluesOnly).eigenvalues()[0]);
}

Matrix Part::moved(const Matrix& h) const {
    Matrix Q = product(P_, product(Matrix::Identity(dimension(), dimension()) + h, P_.transpose()));
    Q = 0.5 * (Q + Q.transpose()).eval();
    return double(k_) / Q.trace() * Q;
}

/// The best measure for the isotropic metric.
Point isotropic(const BarycenterSearch& search, int k) {
    const Components& components = search.components;
    const Index d = components.dimension();
    std::vector<Matrix> metrics(components.size(), Matrix::Identity(d, d) * (double(k) / double(d)));
    Inner best = minimise(components, metrics, mean_root(components), search.options.tol);
    return {std::move(best.mean), std::move(best.root), std::move(metrics)};
}

/// The same measure moved away from the boundary.
void enter_the_interior(const Components& components, Point& at) {
    const auto d = double(at.mean.size());
    double size = at.root.squaredNorm();
    for (std::size_t i = 0; i < components.size(); ++i)
        size += components.weights[Index(i)] * components.means[i].squaredNorm();
    Matrix S = product(at.root, at.root.transpose());
    S.diagonal().array() += 1e-2 * size / d;
    at.root = Eigen::LLT<Matrix>(S).matrixL();
}

/// The couplings at a point, and both bounds that they prove.
std::vector<Part> parts_at(BarycenterSearch& search, const Point& at, const GaugeLeaf& leaf) {
    const Components& components = search.components;
    std::vector<Part> parts;
    std::vector<Matrix> proved;
    double upper = 0.0;
    for (std::size_t i = 0; i < components.size(); ++i) {
        const Coupling& coupling = parts.emplace_back(components, i, at, leaf.k).coupling();
        upper += components.weights[Index(i)] * upper_bound(search.gauge, coupling.moment, coupling.moment_error);
        const Matrix Q = leaf.weight * at.metrics[i];
        proved.emplace_back(Q / (1.0 + search.gauge.membership_excess(Q)));
    }
    search.offer(at.mean, at.root, upper);
    search.offer(proved, descend(components, proved, at.root).lower);
    return parts;
}

}  // namespace

void follow_saddle_path(BarycenterSearch& search, const GaugeLeaf& leaf) {
    constexpr double boundary_share = 0.9, centred = 0.5, shrink = 0.1;
    constexpr int patience = 25;  // steps at one μ
    const Components& components = search.components;
    const Index d = components.dimension(), n = packed_size(d);
    const double degree = double(d) * (leaf.k > 1 ? 3.0 : 2.0);

    Point at = isotropic(search, leaf.k);
    parts_at(search, at, leaf);
    if (search.finished()) return;
    enter_the_interior(components, at);
    double mu = (search.bracket().upper - search.bracket().lower) / (leaf.weight * degree);
    for (int since = 0; since <= patience; ++since) {
        std::vector<Part> parts = parts_at(search, at, leaf);
        if (search.finished()) return;

        Matrix system = Matrix::Zero(n + d, n + d);
        system.diagonal().head(n).setConstant(mu);
        Vector slope = Vector::Zero(n + d);
        slope.head(n) = packed(Matrix::Identity(d, d) * -mu);
        for (std::size_t i = 0; i < parts.size(); ++i)
            parts[i].eliminate(mu, components.weights[Index(i)], system, slope);
        const Vector scale = system.diagonal().cwiseSqrt().cwiseInverse();
        const Eigen::LLT<Matrix> solver(scale.asDiagonal() * system * scale.asDiagonal());
        const Vector x = -scale.cwiseProduct(solver.solve(scale.cwiseProduct(slope)));
        if (!x.allFinite()) break;

        const Matrix s = unpacked(x.head(n), d);
        double least = Eigen::SelfAdjointEigenSolver<Matrix>(s, Eigen::EigenvaluesOnly).eigenvalues()[0];
        double squared_length = s.squaredNorm();
        std::vector<Matrix> h;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            h.push_back(parts[i].step(x));
            least = std::min(least, parts[i].least(h.back()));
            squared_length += components.weights[Index(i)] * parts[i].squared_length(h.back());
        }
        const double length = least > -boundary_share ? 1.0 : -boundary_share / least;
        at.root = product(at.root, Eigen::LLT<Matrix>(Matrix::Identity(d, d) + length * s).matrixL());
        at.mean += length * x.tail(d);
        for (std::size_t i = 0; i < parts.size(); ++i) at.metrics[i] = parts[i].moved(length * h[i]);
        if (length == 1.0 && squared_length < centred * centred) {
            mu *= shrink;
            since = 0;
            if (degree * mu * leaf.weight < 1e-3 * search.options.tol * search.bracket().upper) break;
        }
    }
    search.stall();
}

}  // namespace spectralot::gaussian
