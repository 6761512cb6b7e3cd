/// The dual ascent for Schatten and Ky Fan gauges: maximise h(Q) - r(Q), h the concave dual function and r a sum over
/// the eigenvalues q of Q, by Newton's method with truncated conjugate gradients.
///
/// Schatten p: r = q^{p'}/p' - μ log q, no constraint (h has degree one: its maximiser is a multiple of the optimal Q).
/// Ky Fan k:   r = -μ(log q + log(1-q)) with tr Q = k (k = 1: without the second term).
/// In the eigenbasis of Q the second derivative of r multiplies entry by entry by divided differences of r': this
/// is the preconditioner.
#include "gaussian/newton.hpp"
#include "gaussian/search.hpp"
#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"

#include <cmath>

namespace spectralot::gaussian {

namespace {

using linalg::product;

constexpr double least_ratio = 1e-15;  // eigenvalues of Q kept above this part of the largest
constexpr double boundary_share = 0.9;
constexpr int max_halvings = 8;

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
        const Vector inverse = q.cwiseInverse();
        Matrix curvature = mu * inverse * inverse.transpose();
        if (has_room()) {
            const Vector room = (1.0 - q.array()).inverse();
            curvature += mu * room * room.transpose();
        }
        if (!has_trace()) curvature += power_differences(q, power_ - 1.0);
        return curvature;
    }

private:
    int k_;
    double power_;
};

Matrix with_spectrum(const Matrix& basis, const Vector& values) {
    return product(basis * values.asDiagonal(), basis.transpose());
}

}  // namespace

bool follow_central_path(Search& search, const GaugeLeaf& leaf, Pace pace) {
    const bool smooth = pace == Pace::Smooth;
    const Index d = search.pair.dimension();
    const Regulariser r(leaf);
    const double weight = leaf.weight;  // the search speaks of weight·Q
    const double degree = r.degree() * double(d);

    // Where to start: the metric active at the moment of the first coupling for p ≤ 2, else the centre.
    Matrix Q = Matrix::Identity(d, d) * (r.has_trace() ? r.trace() / double(d) : 1.0);
    if (!r.has_trace()) {
        Vector w = Vector::Constant(d, search.bracket().upper / weight * std::pow(double(d), -1.0 / leaf.p));
        Matrix basis = Matrix::Identity(d, d);
        if (leaf.p <= 2.0 && !smooth) {
            const Eigen::SelfAdjointEigenSolver<Matrix> eigen(search.couplings().front().moment);
            w = eigen.eigenvalues().cwiseMax(1e-3 * eigen.eigenvalues()[d - 1]);
            basis = eigen.eigenvectors();
        }
        Q = with_spectrum(basis, w.array().pow(leaf.p - 1.0));
    }

    const auto level = [&](const Vector& q) {
        return r.has_trace() ? 1.0 : std::pow(q.array().pow(leaf.p / (leaf.p - 1.0)).sum(), 1.0 - 1.0 / leaf.p);
    };
    const auto merit = [&](const Coupling& at, const Vector& q, double norm, double mu) {
        return at.smooth_cost * norm / weight - r.value(q, mu);
    };
    Eigen::SelfAdjointEigenSolver<Matrix> eigen(Q);
    Vector q = eigen.eigenvalues();
    double norm = level(q);
    Matrix metric = weight / norm * Q;
    Coupling at = search.try_metric(metric);
    // With a fixed trace the barrier is all there is: stay near the path. A power of q keeps the problem curved, and μ
    // may run ahead.
    const double start_gap = search.gauge.value(at.moment) - at.cost;  // of this metric, not the best so far
    const double least_gap = r.has_trace() ? 1e-3 * search.bracket().upper : 0.0;
    double mu = (r.has_trace() || smooth ? 1.0 : 0.1) * std::max(start_gap, least_gap) / weight * norm / degree;
    const auto smoothing = [&](double at_norm) { return smooth ? mu * weight / at_norm : 0.0; };
    if (smooth) at = search.try_metric(metric, smoothing(norm));
    // Largest decrement², in units of μ, at which μ shrinks. In stiff directions the coupling is off by the root of it.
    const bool careful = smooth || r.has_trace();
    const bool fast = pace == Pace::Fast;
    const double centred = smooth ? 0.2 : r.has_trace() ? 1e-2 : fast ? 1e3 : 10.0;
    const double shrink = fast ? 0.02 : 0.1;
    // Metrics without half the gap, or a smaller μ while that is still worth a tolerance.
    const int patience = fast ? 6 : 40;
    double best = search.gap();
    for (int since = 0; !search.finished();) {
        const Matrix& basis = eigen.eigenvectors();
        Matrix residual = product(basis.transpose(), product(at.moment, basis));
        residual.diagonal() -= r.slope(q, mu);
        const Curvature curvature(search.pair, at, norm / weight, basis);
        const auto [step, slope] =
            newton_step(curvature, r.curvature(q, mu), residual, r.has_trace(), careful ? 1e-2 * mu : infinity);
        if (smooth && slope < mu) {
            // Couplings turn fast with Q: what they will be after the step is known better than where they are.
            search.accept(with_contraction(search.pair, at, curvature.moved(at, step)));
            if (search.finished()) break;
        }
        double least = least_relative(step, q);
        if (r.has_room()) least = std::min(least, least_relative(-step, (1.0 - q.array()).matrix()));
        double length = least > -boundary_share ? 1.0 : -boundary_share / least;

        const double before = merit(at, q, norm, mu);
        for (int halvings = 0;; ++halvings, length *= 0.5) {
            Matrix inner = length * step;
            inner.diagonal() += q;
            const Eigen::SelfAdjointEigenSolver<Matrix> next(product(basis, product(inner, basis.transpose())));
            Vector next_q = next.eigenvalues();
            next_q = next_q.cwiseMax(least_ratio * next_q[d - 1]);
            if (r.has_trace()) next_q *= r.trace() / next_q.sum();
            if (r.has_room()) next_q = next_q.cwiseMin(1.0 - least_ratio);
            const double next_norm = level(next_q);
            metric = with_spectrum(next.eigenvectors(), weight / next_norm * next_q);
            const Coupling candidate = search.try_metric(metric, smoothing(next_norm));
            ++since;
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
        bool progress = search.gap() < 0.5 * best;
        if (slope < centred * mu) {
            progress |= smooth && degree * mu * weight / norm > 0.01 * search.options.tol * search.bracket().upper;
            mu *= shrink;
            if (smooth) at = search.try_metric(metric, smoothing(norm));
        }
        if (progress) {
            best = std::min(best, search.gap());
            since = 0;
        } else if (since >= patience) {
            return false;
        }
    }
    return true;
}

}  // namespace spectralot::gaussian
