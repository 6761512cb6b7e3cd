/// The dual ascent for Schatten and Ky Fan gauges: maximise h(Q) - r(Q), h the concave dual function and r a sum over
/// the eigenvalues q of Q, by Newton's method with truncated conjugate gradients.
///
/// Schatten p: r = q^{p'}/p' - μ log q, no constraint (h has degree one: its maximiser is a multiple of the optimal Q).
/// Ky Fan k:   r = -μ(log q + log(1-q)) with tr Q = k (k = 1: without the second term).
/// In the eigenbasis of Q the second derivative of r multiplies entry by entry by divided differences of r': this
/// is the preconditioner. That of h sees antisymmetric matrices only: with the polar factor UVᵀ of F0ᵀQF1,
/// -h''[H] = P K Rᵀ + R Kᵀ Pᵀ + …, P = F0 U, R = F1 V, X = PᵀHR, K_ij = (X_ij - X_ji)/(s_i + s_j).
#include "gaussian/search.hpp"
#include "linalg/decompositions.hpp"

#include <cmath>
#include <limits>

namespace spectralot::gaussian {

namespace {

constexpr double least_ratio = 1e-15;  // eigenvalues of Q kept above this part of the largest
constexpr double boundary_share = 0.9;
constexpr int max_cg = 60, max_halvings = 8;

class Regulariser {
public:
    Regulariser(const GaugeLeaf& leaf)
        : k_(leaf.kind == GaugeLeaf::Kind::KyFan ? leaf.k : 0), power_(k_ ? 0.0 : leaf.p / (leaf.p - 1.0)) {}

    [[nodiscard]] bool has_trace() const { return k_ > 0; }
    [[nodiscard]] bool has_room() const { return k_ > 1; }
    [[nodiscard]] double trace() const { return k_; }
    /// Number of barrier terms per eigenvalue.
    [[nodiscard]] double degree() const { return has_room() ? 2.0 : 1.0; }

    [[nodiscard]] double value(const Vector& q, double mu) const {
        double sum = -mu * q.array().log().sum();
        if (has_room()) sum -= mu * (1.0 - q.array()).log().sum();
        if (!has_trace()) sum += q.array().pow(power_).sum() / power_;
        return sum;
    }
    [[nodiscard]] Vector slope(const Vector& q, double mu) const {
        Vector slope = -mu * q.cwiseInverse();
        if (has_room()) slope.array() += mu / (1.0 - q.array());
        if (!has_trace()) slope.array() += q.array().pow(power_ - 1.0);
        return slope;
    }
    [[nodiscard]] Matrix curvature(const Vector& q, double mu) const {
        const Index d = q.size();
        Matrix curvature(d, d);
        const Vector powers = has_trace() ? Vector() : Vector(q.array().pow(power_ - 1.0));
        for (Index j = 0; j < d; ++j) {
            for (Index i = 0; i < d; ++i) {
                double c = mu / (q[i] * q[j]);
                if (has_room()) c += mu / ((1.0 - q[i]) * (1.0 - q[j]));
                if (!has_trace()) {
                    const double difference = q[i] - q[j];
                    c += std::abs(difference) <= 1e-6 * q[i] ? (power_ - 1.0) * powers[i] / q[i]
                                                             : (powers[i] - powers[j]) / difference;
                }
                curvature(i, j) = c;
            }
        }
        return curvature;
    }

private:
    int k_;
    double power_;
};

/// -h'' at `scale` times the metric of a coupling, in the eigenbasis of that metric.
class Curvature {
public:
    Curvature(const Pair& pair, const Coupling& at, double scale, const Matrix& basis)
        : P_(basis.transpose() * (pair.source.root * at.U)), R_(basis.transpose() * (pair.target.root * at.V)) {
        const Vector s = (scale * at.s).cwiseMax(std::numeric_limits<double>::min());
        sums_ = s.replicate(1, s.size()) + s.transpose().replicate(s.size(), 1);
        // Where one rank is smaller, the part of the larger factor that no singular vector sees.
        const Index n0 = pair.source.root.cols(), n1 = pair.target.root.cols();
        if (n0 == n1 || at.s.size() == 0) return;
        const Matrix& root = n0 < n1 ? pair.target.root : pair.source.root;
        const Matrix& seen = n0 < n1 ? at.V : at.U;
        const Matrix unseen = basis.transpose() * (root - (root * seen) * seen.transpose());
        rest_ = unseen * unseen.transpose();
        const Matrix& thin = n0 < n1 ? P_ : R_;
        spread_ = thin * s.cwiseInverse().asDiagonal() * thin.transpose();
    }

    [[nodiscard]] Matrix operator()(const Matrix& H) const {
        const Matrix X = P_.transpose() * (H * R_);
        const Matrix K = (X - X.transpose()).cwiseQuotient(sums_);
        Matrix half = P_ * (K * R_.transpose());
        if (rest_.size() > 0) half.noalias() += spread_ * (H * rest_);
        return half + half.transpose();
    }

private:
    Matrix P_, R_, sums_, rest_, spread_;
};

/// Truncated preconditioned conjugate gradients for (r'' - h'')[H] = residual, tr H = 0 where the trace is fixed.
Matrix newton_step(const Curvature& curvature, const Matrix& weights, const Matrix& residual, bool traceless) {
    constexpr double relative = 0.1;
    const Matrix inverse = weights.cwiseInverse();
    const double trace = inverse.trace();
    const auto precondition = [&](const Matrix& r) {
        Matrix z = inverse.cwiseProduct(r);
        if (traceless) z.diagonal() -= z.trace() / trace * inverse.diagonal();
        return z;
    };
    Matrix step = Matrix::Zero(residual.rows(), residual.cols());
    Matrix r = residual, z = precondition(r), p = z;
    double rz = r.cwiseProduct(z).sum();
    const double goal = relative * relative * rz;
    for (int i = 0; i < max_cg && rz > goal; ++i) {
        const Matrix image = weights.cwiseProduct(p) + curvature(p);
        const double length = rz / p.cwiseProduct(image).sum();
        if (!(length > 0.0)) break;
        step += length * p;
        r -= length * image;
        z = precondition(r);
        const double next = r.cwiseProduct(z).sum();
        p = z + next / rz * p;
        rz = next;
    }
    return step;
}

/// Smallest eigenvalue of H relative to scale: H_ij/√(scale_i scale_j).
double least_relative(const Matrix& H, const Vector& scale) {
    const Vector root = scale.cwiseSqrt().cwiseInverse();
    const Matrix relative = root.asDiagonal() * H * root.asDiagonal();
    return Eigen::SelfAdjointEigenSolver<Matrix>(relative, Eigen::EigenvaluesOnly).eigenvalues()[0];
}

}  // namespace

bool follow_central_path(Search& search, const GaugeLeaf& leaf) {
    const Index d = search.pair.dimension();
    const Regulariser r(leaf);
    const double weight = leaf.weight;  // the search speaks of weight·Q
    const double degree = r.degree() * double(d);

    // Where to start: the metric active at the moment of the first coupling for p ≤ 2, else the centre.
    Matrix Q = Matrix::Identity(d, d) * (r.has_trace() ? r.trace() / double(d) : 1.0);
    if (!r.has_trace()) {
        Vector w = Vector::Constant(d, search.bracket().upper / weight * std::pow(double(d), -1.0 / leaf.p));
        Matrix basis = Matrix::Identity(d, d);
        if (leaf.p <= 2.0) {
            const Eigen::SelfAdjointEigenSolver<Matrix> eigen(search.couplings().front().moment);
            w = eigen.eigenvalues().cwiseMax(1e-3 * eigen.eigenvalues()[d - 1]);
            basis = eigen.eigenvectors();
        }
        Q = basis * w.array().pow(leaf.p - 1.0).matrix().asDiagonal() * basis.transpose();
    }

    const auto level = [&](const Vector& q) {
        return r.has_trace() ? 1.0 : std::pow(q.array().pow(leaf.p / (leaf.p - 1.0)).sum(), 1.0 - 1.0 / leaf.p);
    };
    const auto merit = [&](const Coupling& at, const Vector& q, double norm, double mu) {
        return at.cost * norm / weight - r.value(q, mu);
    };
    Eigen::SelfAdjointEigenSolver<Matrix> eigen(Q);
    Vector q = eigen.eigenvalues();
    double norm = level(q);
    Coupling at = search.try_metric(weight / norm * Q);
    // With a fixed trace the barrier is all there is: stay near the path. A power of q keeps the problem curved, and μ
    // may run ahead.
    const double least_gap = r.has_trace() ? 1e-3 * search.bracket().upper : 0.0;
    double mu = (r.has_trace() ? 1.0 : 0.1) * std::max(search.gap(), least_gap) / weight * norm / degree;
    const double centred = r.has_trace() ? 1.0 : 10.0;  // largest decrement², in units of μ, at which μ shrinks
    double best = search.gap();
    for (int since = 0; !search.finished(); ++since) {
        const Matrix& basis = eigen.eigenvectors();
        Matrix residual = basis.transpose() * at.moment * basis;
        residual.diagonal() -= r.slope(q, mu);
        const Curvature curvature(search.pair, at, norm / weight, basis);
        const Matrix step = newton_step(curvature, r.curvature(q, mu), residual, r.has_trace());
        const double slope = residual.cwiseProduct(step).sum();
        double least = least_relative(step, q);
        if (r.has_room()) least = std::min(least, least_relative(-step, (1.0 - q.array()).matrix()));
        double length = least > -boundary_share ? 1.0 : -boundary_share / least;

        const double before = merit(at, q, norm, mu);
        for (int halvings = 0;; ++halvings, length *= 0.5) {
            Matrix inner = length * step;
            inner.diagonal() += q;
            const Eigen::SelfAdjointEigenSolver<Matrix> next(basis * inner * basis.transpose());
            Vector next_q = next.eigenvalues();
            next_q = next_q.cwiseMax(least_ratio * next_q[d - 1]);
            if (r.has_trace()) next_q *= r.trace() / next_q.sum();
            if (r.has_room()) next_q = next_q.cwiseMin(1.0 - least_ratio);
            const double next_norm = level(next_q);
            const Matrix metric =
                next.eigenvectors() * (weight / next_norm * next_q).asDiagonal() * next.eigenvectors().transpose();
            const Coupling candidate = search.try_metric(metric);
            const double after = merit(candidate, next_q, next_norm, mu);
            const bool better = after >= before + 1e-4 * length * slope - 1e-13 * std::abs(before);
            if (better || halvings == max_halvings || search.finished()) {
                eigen = next;
                q = next_q;
                norm = next_norm;
                at = candidate;
                break;
            }
        }
        if (slope < centred * mu) mu *= 0.1;
        if (search.gap() < 0.5 * best) {
            best = search.gap();
            since = 0;
        } else if (since >= 20) {
            return false;
        }
    }
    return true;
}

void try_rank_one(Search& search, double weight) {
    const Pair& pair = search.pair;
    const Index d = pair.dimension();
    const Matrix S0 = pair.source.root * pair.source.root.transpose();
    const Matrix S1 = pair.target.root * pair.target.root.transpose();
    const Matrix total = pair.shift * pair.shift.transpose() + S0 + S1;
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(search.couplings().front().moment);
    Vector u = eigen.eigenvectors().col(d - 1);

    // Newton's method on the sphere for f(u) = ½[(δ·u)² + (σ0 - σ1)²], σ(u) = √(uᵀΣu): optimal transport of the
    // projections on u.
    constexpr int max_newton = 30;
    for (int i = 0; i < max_newton; ++i) {
        const double s0 = std::sqrt(u.dot(S0 * u)), s1 = std::sqrt(u.dot(S1 * u));
        if (!(s0 > 0.0 && s1 > 0.0)) break;
        const Vector a = S0 * u / s0, b = S1 * u / s1;
        const Vector gradient = total * u - s1 * a - s0 * b;
        const double theta = gradient.dot(u);
        Matrix system = Matrix::Zero(d + 1, d + 1);
        system.topLeftCorner(d, d) = total - a * b.transpose() - b * a.transpose() -
                                     s1 / s0 * (S0 - a * a.transpose()) - s0 / s1 * (S1 - b * b.transpose());
        system.topLeftCorner(d, d).diagonal().array() -= theta;
        system.col(d).head(d) = u;
        system.row(d).head(d) = u.transpose();
        Vector rhs = Vector::Zero(d + 1);
        rhs.head(d) = theta * u - gradient;
        if (rhs.norm() <= 8.0 * double(d) * epsilon * theta) break;
        const Vector step = Eigen::PartialPivLU<Matrix>(system).solve(rhs).head(d);
        // Far from the maximum the power method climbs where Newton's may not.
        const bool near = step.allFinite() && step.norm() < 0.3;
        u = (near ? Vector(u + step) : gradient).normalized();
    }
    // A little of the identity picks the coupling of the other directions.
    const double share = 1e-2 * search.options.tol;
    const Matrix metric = (1.0 - share) * u * u.transpose() + share / double(d) * Matrix::Identity(d, d);
    search.try_metric(weight * metric);
}

}  // namespace spectralot::gaussian
