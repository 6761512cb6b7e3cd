/// Barycenters under Schatten and Ky Fan gauges: a primal-dual interior point for the saddle
///
///     min over m, S and max over Q_i of Σ λ_i [δ_iᵀQ_iδ_i + tr Q_i(S + Σ_i) - 2φ_i + μ b(Q_i)] - μ log det S,
///
/// δ_i = m - m_i, Σ_i = F_iF_iᵀ, φ_i = ‖S^{1/2}Q_iF_i‖_*. Schatten p: b(Q) = log det Q + log(1 - tr Q^{p'}). Ky Fan k:
/// tr Q = k and b(Q) = log det Q + log det(I - Q), for k = 1 without the second term. Newton's method for it, in the
/// coordinates Q = PPᵀ, S = GGᵀ, dQ = P h Pᵀ, dS = G s Gᵀ in which the second derivative of log det is the identity.
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

/// b at Q = P Pᵀ with eigenvalues q: its derivatives in the coordinates h.
class Barrier {
public:
    explicit Barrier(const GaugeLeaf& leaf)
        : k_(leaf.kind == GaugeLeaf::Kind::KyFan ? leaf.k : 0), power_(k_ ? 0.0 : leaf.p / (leaf.p - 1.0)) {}

    [[nodiscard]] bool has_trace() const { return k_ > 0; }
    [[nodiscard]] bool has_room() const { return k_ > 1; }
    /// What the gap is on the path, in units of μ.
    [[nodiscard]] double degree(Index d) const {
        return has_room() ? 2.0 * double(d) : has_trace() ? double(d) : double(d + 1);
    }
    /// The multiple of the identity on the boundary of K.
    [[nodiscard]] double isotropic(Index d) const {
        return has_trace() ? double(k_) / double(d) : std::pow(double(d), -1.0 / power_);
    }
    [[nodiscard]] double trace() const { return k_; }
    /// 1 - tr Q^{p'}
    [[nodiscard]] double slack(const Vector& q) const { return 1.0 - q.array().pow(power_).sum(); }
    /// q/(1-q): where Q ⪯ I is a constraint, the change of I - Q relative to that of Q.
    [[nodiscard]] Vector room(const Vector& q) const {
        if (!has_room()) return Vector::Zero(q.size());
        return q.array() / (1.0 - q.array()).max(least_ratio);
    }
    [[nodiscard]] Vector slope(const Vector& q) const { return Vector(1.0 - (room(q) + normal(q)).array()); }
    /// -b'' is 1 + curvature, entry by entry, + normal normalᵀ on the diagonal.
    [[nodiscard]] Matrix curvature(const Vector& q) const {
        if (has_trace()) return room(q) * room(q).transpose();
        return (power_ / slack(q)) * power_differences(q, power_ - 1.0).cwiseProduct(q * q.transpose());
    }
    [[nodiscard]] Vector normal(const Vector& q) const {
        if (has_trace()) return Vector::Zero(q.size());
        return (power_ / slack(q)) * q.array().pow(power_);
    }

private:
    int k_;
    double power_;  ///< p'
};

/// μ where an equation is linearised, and where it leads: the same for Newton's method, a smaller one along the tangent
/// of the path.
struct BarrierWeight {
    double now = 0.0, next = 0.0;
};

/// One metric at the current point.
class Part {
public:
    Part(const Components& components, std::size_t i, const Point& at, const Barrier& barrier);

    [[nodiscard]] const Coupling& coupling() const { return coupling_; }
    /// The equation for h given (s, dm), and what is left of it in the equation system·(s, dm) = -slope.
    void eliminate(const BarrierWeight& mu, double weight, Matrix& system, Vector& slope);
    /// h for (s, dm).
    [[nodiscard]] Matrix step(const Vector& x) const { return unpacked(own_ + response_ * x, dimension()); }
    /// The part of h up to `length` that leaves `share` of the way to the boundary.
    [[nodiscard]] double longest(const Matrix& h, double length, double share) const;
    /// Squared length of h in the metric of the barrier.
    [[nodiscard]] double squared_length(const Matrix& h) const;
    [[nodiscard]] Matrix moved(const Matrix& h) const;

private:
    [[nodiscard]] Index dimension() const { return q_.size(); }

    const Barrier& barrier_;
    Coupling coupling_;
    Vector q_;  ///< eigenvalues of Q
    Matrix P_, A_, Z_, C_;
    Vector rho_, shift_;
    Matrix response_;  ///< dh/d(s, dm)
    Vector own_;       ///< h for (s, dm) = 0
};

double smallest_eigenvalue(const Matrix& H) {
    return Eigen::SelfAdjointEigenSolver<Matrix>(H, Eigen::EigenvaluesOnly).eigenvalues()[0];
}

Part::Part(const Components& components, std::size_t i, const Point& at, const Barrier& barrier) : barrier_(barrier) {
    const Index d = at.mean.size();
    shift_ = at.mean - components.means[i];
    Pair pair;
    pair.shift = shift_;
    pair.source = {at.root, double(d) * epsilon * at.root.norm()};  // that of the covariance GGᵀ
    pair.target = components.factors[i];
    coupling_ = couple(pair, at.metrics[i]);

    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(at.metrics[i]);
    q_ = eigen.eigenvalues().cwiseMax(least_ratio);
    P_ = eigen.eigenvectors() * q_.cwiseSqrt().asDiagonal();
    rho_ = coupling_.s.cwiseMax(1e-150);
    const Vector root = rho_.cwiseSqrt();
    A_ = product(P_.transpose(), at.root);
    Z_ = product(P_.transpose(), product(pair.target.root, coupling_.V * root.cwiseInverse().asDiagonal()));
    C_ = coupling_.U * root.asDiagonal();
}

void Part::eliminate(const BarrierWeight& mu, double weight, Matrix& system, Vector& slope) {
    const Index d = dimension(), n = packed_size(d), r = rho_.size();
    const Matrix X = product(A_, C_), ZZ = product(Z_, Z_.transpose()), AA = product(A_, A_.transpose());
    const Matrix CZ = product(C_, Z_.transpose());
    const Matrix turning = (rho_.replicate(1, r) + rho_.transpose().replicate(r, 1)).cwiseInverse();
    const auto twice = [](const Matrix& M) { return Matrix(M + M.transpose()); };
    const Matrix weights = mu.now * (barrier_.curvature(q_).array() + 1.0);
    Matrix own(n, n), cross(n, n + d), shared(n, n);
    for (Index e = 0; e < n; ++e) {
        const Matrix E = unpacked(Vector::Unit(n, e), d);
        const Matrix N = twice(product(Z_.transpose(), product(E, X))).cwiseProduct(turning);
        own.col(e) = packed(twice(product(ZZ, product(E, AA)) - product(Z_, product(N, X.transpose()))) +
                            weights.cwiseProduct(E));
        const Matrix M = product(C_.transpose(), product(E, C_)).cwiseProduct(turning), AE = product(A_, E);
        cross.col(e) =
            packed(product(AE, A_.transpose()) + twice(product(Z_, product(M, X.transpose())) - product(AE, CZ)));
        shared.col(e) = packed(product(C_, product(M, C_.transpose())));
    }
    const Vector inner_shift = P_.transpose() * shift_;
    for (Index c = 0; c < d; ++c) cross.col(n + c) = packed(twice(inner_shift * P_.row(c)));

    const Vector normal = packed(barrier_.normal(q_).asDiagonal());
    own += mu.now * normal * normal.transpose();

    Matrix gradient = product(P_.transpose(), product(coupling_.moment, P_));
    gradient.diagonal() += mu.next * barrier_.slope(q_);
    const Vector scale = own.diagonal().cwiseSqrt().cwiseInverse();
    const Eigen::LLT<Matrix> solver(scale.asDiagonal() * own * scale.asDiagonal());
    const auto solve = [&](const Matrix& right) {
        return Matrix(scale.asDiagonal() * solver.solve(scale.asDiagonal() * right));
    };
    const Vector trace = packed(q_.asDiagonal()), multiplier = solve(trace);
    const auto traceless = [&](const Matrix& x) {  // tr dQ = trace·h = 0
        if (!barrier_.has_trace()) return x;
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

double Part::longest(const Matrix& h, double length, double share) const {
    const auto shorten = [&](double least) {
        if (least * length < -share) length = -share / least;
    };
    shorten(smallest_eigenvalue(h));
    if (barrier_.has_room()) {
        const Vector scale = barrier_.room(q_).cwiseSqrt();
        shorten(smallest_eigenvalue(-(scale.asDiagonal() * h * scale.asDiagonal())));
    }
    if (barrier_.has_trace()) return length;
    const auto slack = [&](double at) {
        const Vector root = q_.cwiseSqrt();
        Matrix Q = root.asDiagonal() * (at * h) * root.asDiagonal();
        Q.diagonal() += q_;
        return barrier_.slack(Eigen::SelfAdjointEigenSolver<Matrix>(Q, Eigen::EigenvaluesOnly).eigenvalues());
    };
    while (!(slack(length) >= (1.0 - share) * barrier_.slack(q_)) && length > 1e-10) length *= 0.8;
    return length;
}

double Part::squared_length(const Matrix& h) const {
    const double along = barrier_.normal(q_).dot(h.diagonal());
    return h.squaredNorm() + barrier_.curvature(q_).cwiseProduct(h.cwiseAbs2()).sum() + along * along;
}

Matrix Part::moved(const Matrix& h) const {
    const Matrix Q = product(P_, product(Matrix::Identity(dimension(), dimension()) + h, P_.transpose()));
    const Matrix symmetric = 0.5 * (Q + Q.transpose());
    return barrier_.has_trace() ? Matrix(barrier_.trace() / symmetric.trace() * symmetric) : symmetric;
}

/// The best measure for the isotropic metric.
Point isotropic(const BarycenterSearch& search, const Barrier& barrier) {
    const Components& components = search.components;
    const Index d = components.dimension();
    std::vector<Matrix> metrics(components.size(), barrier.isotropic(d) * Matrix::Identity(d, d));
    Inner best = minimise(components, metrics, mean_root(components), search.options.tol);
    return {std::move(best.mean), std::move(best.root), std::move(metrics)};
}

/// The same away from the boundaries.
void enter_the_interior(const Components& components, const Barrier& barrier, Point& at) {
    const auto d = double(at.mean.size());
    double size = at.root.squaredNorm();
    for (std::size_t i = 0; i < components.size(); ++i)
        size += components.weights[Index(i)] * components.means[i].squaredNorm();
    Matrix S = product(at.root, at.root.transpose());
    S.diagonal().array() += 1e-2 * size / d;
    at.root = Eigen::LLT<Matrix>(S).matrixL();
    if (barrier.has_trace()) return;
    for (Matrix& Q : at.metrics) Q *= 0.5;
}

/// The couplings at a point, and both bounds that they prove.
std::vector<Part> parts_at(BarycenterSearch& search, const Point& at, const Barrier& barrier, double scale) {
    const Components& components = search.components;
    std::vector<Part> parts;
    std::vector<Matrix> proved;
    double upper = 0.0;
    for (std::size_t i = 0; i < components.size(); ++i) {
        const Coupling& coupling = parts.emplace_back(components, i, at, barrier).coupling();
        upper += components.weights[Index(i)] * upper_bound(search.gauge, coupling.moment, coupling.moment_error);
        const Matrix Q = scale * at.metrics[i];
        proved.emplace_back(Q / (1.0 + search.gauge.membership_excess(Q)));
    }
    search.offer(at.mean, at.root, upper);
    search.offer(proved, descend(components, proved, at.root).lower);
    return parts;
}

/// (s, dm) by the equation that is left when every h is eliminated.
Vector shared_step(const Components& components, std::vector<Part>& parts, const BarrierWeight& mu) {
    const Index d = components.dimension(), n = packed_size(d);
    Matrix system = Matrix::Zero(n + d, n + d);
    Vector slope = Vector::Zero(n + d);
    system.diagonal().head(n).setConstant(mu.now);
    slope.head(n) = packed(Matrix::Identity(d, d) * -mu.next);
    for (std::size_t i = 0; i < parts.size(); ++i)
        if (components.weights[Index(i)] > 0.0) parts[i].eliminate(mu, components.weights[Index(i)], system, slope);
    const Vector scale = system.diagonal().cwiseSqrt().cwiseInverse();
    const Eigen::LLT<Matrix> solver(scale.asDiagonal() * system * scale.asDiagonal());
    return -scale.cwiseProduct(solver.solve(scale.cwiseProduct(slope)));
}

}  // namespace

void follow_saddle_path(BarycenterSearch& search, const GaugeLeaf& leaf) {
    constexpr double boundary_share = 0.9, centred = 0.5, shrink = 0.1;
    constexpr int patience = 25;  // steps at one μ
    const Components& components = search.components;
    const Index d = components.dimension(), n = packed_size(d);
    const Barrier barrier(leaf);
    const double degree = barrier.degree(d) + double(d);

    Point at = isotropic(search, barrier);
    parts_at(search, at, barrier, leaf.weight);
    if (search.finished()) return;
    enter_the_interior(components, barrier, at);
    const double gap = search.bracket().upper - search.bracket().lower;
    BarrierWeight mu{gap / (leaf.weight * degree), gap / (leaf.weight * degree)};
    for (int since = 0; since <= patience; ++since) {
        std::vector<Part> parts = parts_at(search, at, barrier, leaf.weight);
        if (search.finished()) return;
        const Vector x = shared_step(components, parts, mu);
        if (!x.allFinite()) break;

        const Matrix s = unpacked(x.head(n), d);
        const double least = smallest_eigenvalue(s);
        double length = least > -boundary_share ? 1.0 : -boundary_share / least;
        double squared_length = s.squaredNorm();
        std::vector<Matrix> h(parts.size());
        for (std::size_t i = 0; i < parts.size(); ++i) {
            if (components.weights[Index(i)] == 0.0) continue;
            h[i] = parts[i].step(x);
            length = parts[i].longest(h[i], length, boundary_share);
            squared_length += components.weights[Index(i)] * parts[i].squared_length(h[i]);
        }
        at.root = product(at.root, Eigen::LLT<Matrix>(Matrix::Identity(d, d) + length * s).matrixL());
        at.mean += length * x.tail(d);
        for (std::size_t i = 0; i < parts.size(); ++i)
            if (h[i].size() > 0) at.metrics[i] = parts[i].moved(length * h[i]);

        const bool is_centred = mu.next == mu.now && length == 1.0 && squared_length < centred * centred;
        mu.now += length * (mu.next - mu.now);
        mu.next = mu.now;
        if (!is_centred) continue;
        if (degree * mu.now * leaf.weight < 1e-2 * search.options.tol * search.bracket().upper) break;
        mu.next = shrink * mu.now;
        since = 0;
    }
    search.stall();
}

}  // namespace spectralot::gaussian
