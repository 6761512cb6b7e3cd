#include "gaussian/newton.hpp"

#include "gaussian/packed.hpp"
#include "linalg/decompositions.hpp"
#include "linalg/product.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace spectralot::gaussian {

using linalg::product;

Curvature::Curvature(const Pair& pair, const Coupling& at, double scale, const Matrix& basis)
    : P_(product(basis.transpose(), product(pair.source.root, at.U))),
      R_(product(basis.transpose(), product(pair.target.root, at.V))) {
    if (at.s.size() == 0) return;
    // Singular values below rounding are as good as that.
    const Vector s = (scale * at.s).cwiseMax(std::max(scale * epsilon * at.s.maxCoeff(), 1e-150));
    const double smoothing = scale * at.smoothing;
    const Vector c =
        smoothing > 0.0
            ? Vector(2.0 * s.array() / (smoothing + (smoothing * smoothing + 4.0 * s.array().square()).sqrt()))
            : at.c;
    turning_.resize(s.size(), s.size());
    if (smoothing > 0.0) stretching_.resize(s.size(), s.size());
    for (Index j = 0; j < s.size(); ++j) {
        for (Index i = 0; i < s.size(); ++i) {
            const double sum = c[i] + c[j];
            turning_(i, j) = 0.5 * sum / (s[i] + s[j]);
            // (c_i - c_j)/(s_i - s_j) from s(1-c²) = νc
            if (smoothing > 0.0) stretching_(i, j) = 0.5 * at.split[i] / (smoothing + s[j] * sum);
        }
    }
    // Where one rank is smaller, the part of the larger factor that no singular vector sees.
    const Index n0 = pair.source.root.cols(), n1 = pair.target.root.cols();
    if (n0 == n1) return;
    const Matrix& root = n0 < n1 ? pair.target.root : pair.source.root;
    const Matrix& seen = n0 < n1 ? at.V : at.U;
    unseen_ = basis.transpose() * (root - (root * seen) * seen.transpose());
    gain_ = c.cwiseQuotient(s);
    source_is_thin_ = n0 < n1;
}

Matrix Curvature::turned(const Matrix& H) const {
    const Matrix X = product(P_.transpose(), product(H, R_));
    Matrix K = (X - X.transpose()).cwiseProduct(turning_);
    if (stretching_.size() > 0) K += (X + X.transpose()).cwiseProduct(stretching_);
    return K;
}

Matrix Curvature::operator()(const Matrix& H) const {
    Matrix half = product(P_, product(turned(H), R_.transpose()));
    if (unseen_.size() > 0) {
        const Matrix& thin = source_is_thin_ ? P_ : R_;
        const Matrix gained = product(gain_.asDiagonal() * thin.transpose(), product(H, unseen_));
        half += product(thin, product(gained, unseen_.transpose()));
    }
    return half + half.transpose();
}

Matrix Curvature::moved(const Coupling& at, const Matrix& H) const {
    Matrix inner = turned(H);
    inner.diagonal() += at.c;
    Matrix C = product(at.U, product(inner, at.V.transpose()));
    if (unseen_.size() > 0) {
        const Matrix& thin = source_is_thin_ ? P_ : R_;
        const Matrix gained = product(gain_.asDiagonal() * thin.transpose(), product(H, unseen_));
        C += source_is_thin_ ? product(at.U, gained) : product(at.V, gained).transpose();
    }
    return C;
}

namespace {

/// r'' - h'' as a matrix over the pairs i ≤ j, scaled to a unit diagonal.
class DenseEquation {
public:
    DenseEquation(const Curvature& curvature, const Matrix& weights) : d_(weights.rows()) {
        const Index n = packed_size(d_);
        Matrix system(n, n);
        for (Index k = 0; k < n; ++k) {
            const Matrix H = unpacked(Vector::Unit(n, k), d_);
            system.col(k) = packed(weights.cwiseProduct(H) + curvature(H));
        }
        scale_ = system.diagonal().cwiseSqrt().cwiseInverse();
        solver_.compute(scale_.asDiagonal() * system * scale_.asDiagonal());
    }
    [[nodiscard]] bool regular() const { return solver_.info() == Eigen::Success; }
    [[nodiscard]] Matrix solve(const Matrix& r) const {
        return unpacked(scale_.cwiseProduct(solver_.solve(scale_.cwiseProduct(packed(r)))), d_);
    }

private:
    Index d_;
    Vector scale_;
    Eigen::LLT<Matrix> solver_;
};

/// `solve` is the preconditioner.
template <class Solve>
Descent<Matrix> descend(const Curvature& curvature, const Matrix& weights, const Matrix& residual, bool traceless,
                        double goal, int max_steps, const Solve& solve) {
    const Index d = residual.rows();
    const Matrix multiplier = traceless ? solve(Matrix::Identity(d, d)) : Matrix();
    // The multiplier of the trace leaves the residual itself, not only z: it is of the size of S however small the
    // rest.
    const auto precondition = [&](Matrix& r) {
        Matrix z = solve(r);
        if (!traceless) return z;
        r.diagonal().array() -= z.trace() / multiplier.trace();
        z = solve(r);
        return Matrix(z - z.trace() / multiplier.trace() * multiplier);
    };
    const auto image_of = [&](const Matrix& p) { return Matrix(weights.cwiseProduct(p) + curvature(p)); };
    // Nothing would reduce an antisymmetric part, and stiff equations magnify it.
    return conjugate_gradients(image_of, precondition, Matrix(0.5 * (residual + residual.transpose())), goal,
                               max_steps);
}

}  // namespace

NewtonStep newton_step(const Curvature& curvature, const Matrix& weights, const Matrix& residual, bool traceless,
                       double goal) {
    constexpr int max_cg = 200;
    constexpr Index max_dense = 3300;  // unknowns: d ≤ 80
    const Index n = packed_size(residual.rows());
    const int max_steps = n <= max_dense ? int(std::min<Index>(max_cg, n)) : max_cg;
    const Matrix inverse = weights.cwiseInverse();
    const Descent<Matrix> iterated = descend(curvature, weights, residual, traceless, goal, max_steps,
                                             [&](const Matrix& r) { return Matrix(inverse.cwiseProduct(r)); });
    if (iterated.reached || n > max_dense) return {iterated.step, iterated.slope};
    const DenseEquation dense(curvature, weights);
    if (!dense.regular()) return {iterated.step, iterated.slope};
    const Descent<Matrix> refined = descend(curvature, weights, residual, traceless, goal, max_steps,
                                            [&](const Matrix& r) { return dense.solve(r); });
    return {refined.step, refined.slope};
}

Matrix power_differences(const Vector& q, double a) {
    const Vector powers = q.array().pow(a);
    Matrix result(q.size(), q.size());
    for (Index j = 0; j < q.size(); ++j) {
        for (Index i = 0; i <= j; ++i) {
            const double difference = q[i] - q[j];
            result(i, j) = result(j, i) =
                std::abs(difference) <= 1e-6 * q[i] ? a * powers[i] / q[i] : (powers[i] - powers[j]) / difference;
        }
    }
    return result;
}

double least_relative(const Matrix& H, const Vector& scale) {
    const Vector root = scale.cwiseSqrt().cwiseInverse();
    const Matrix scaled = root.asDiagonal() * H * root.asDiagonal();
    return Eigen::SelfAdjointEigenSolver<Matrix>(scaled, Eigen::EigenvaluesOnly).eigenvalues()[0];
}

}  // namespace spectralot::gaussian
