#include "saddle/leaves.hpp"

#include "linalg/decompositions.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::saddle {

template <class Real>
using EigenSolver = Eigen::SelfAdjointEigenSolver<RealMatrix<Real>>;

template <class Real>
void SmoothGauge<Real>::differentiate(const Matrix& S) {
    const Index d = S.rows();
    const EigenSolver<Real> eigen(S);
    const Real largest = eigen.eigenvalues()(d - 1);
    const Real p = Real(spec->p);
    vectors_ = eigen.eigenvectors();
    if (!(largest > 0)) {  // φ(0) = 0: any element of K is a subgradient, take the isotropic one
        gradient = Matrix::Identity(d, d) * std::pow(Real(d), 1 / p - 1);
        lambda_ = Vector::Zero(d);
        return;
    }
    lambda_ = eigen.eigenvalues().cwiseMax(Real(1e-15) * largest);
    const Real phi = largest * std::pow((lambda_ / largest).array().pow(p).sum(), 1 / p);
    q_ = (lambda_ / phi).array().pow(p - 1);
    gradient = vectors_ * q_.asDiagonal() * vectors_.transpose();
}

template <class Real>
auto SmoothGauge<Real>::second() const -> Second {
    const Index d = lambda_.size();
    const Real p = Real(spec->p);
    if (!(lambda_(d - 1) > 0)) return {vectors_, Matrix::Zero(d, d), {}};
    Matrix root(d, d);  // of the divided differences of q(λ)
    for (Index i = 0; i < d; ++i) {
        for (Index j = 0; j < d; ++j) {
            const Real difference = lambda_(i) - lambda_(j);
            const bool close = std::abs(difference) <= Real(1e-6) * lambda_(i);
            root(i, j) = std::sqrt(close ? (p - 1) * q_(i) / lambda_(i) : (q_(i) - q_(j)) / difference);
        }
    }
    // φ is linear along S: the diagonal loses its component along v, v_i² = q_i λ_i / φ, Σ v_i² = 1.
    return {vectors_, std::move(root), q_.cwiseProduct(lambda_).cwiseSqrt().normalized()};
}

template <class Real>
void SpectralGauge<Real>::start(const Matrix& S, Real t) {
    const Index d = S.rows();
    const Matrix identity = Matrix::Identity(d, d);
    const Real top = EigenSolver<Real>(S, Eigen::EigenvaluesOnly).eigenvalues()(d - 1);
    Q = identity * (t * spec->k / Real(d));
    const Real unit = std::max(top, Real(1e-3));
    theta = top + (bounded ? Real(0) : unit / 2);
    V = bounded ? Matrix(identity * unit) : Matrix::Zero(d, d);
    R = t * identity - Q;
    Z = theta * identity + V - S;
}

template <class Real>
bool SpectralGauge<Real>::rescale() {
    const Index d = Q.rows();
    second_order1 = second_order2 = Matrix::Zero(d, d);
    const auto scaling1 = scaling_point(Q, Z);
    if (!scaling1) return false;
    first = *scaling1;
    if (bounded) {
        const auto scaling2 = scaling_point(R, V);
        if (!scaling2) return false;
        second = *scaling2;
        const Eigen::JacobiSVD<Matrix> svd(product<Real>(first.inverse_root, second.root),
                                           Eigen::ComputeFullU | Eigen::ComputeFullV);
        const Vector& root_omega = svd.singularValues();
        O1 = svd.matrixU();
        O2 = svd.matrixV() * root_omega.asDiagonal();
        B = product<Real>(first.root, O1);
        B_inverse = product<Real>(O1.transpose(), first.inverse_root);
        const Vector omega = root_omega.cwiseAbs2();
        const Matrix outer = omega * omega.transpose();
        F = (1 + outer.array()).inverse();
        E = outer.array() * F.array();
        C = product<Real>(B_inverse, B_inverse.transpose());
    } else {
        O1 = Matrix::Identity(d, d);
        B = first.root;
        E = Matrix::Ones(d, d);
        F = C = Matrix::Zero(d, d);
    }
    G = product<Real>(B.transpose(), B);
    return true;
}

template <class Real>
RealMatrix<Real> SpectralGauge<Real>::turned_back(const Matrix& M) const {
    return congruent<Real>(M, B.transpose());
}

template <class Real>
void SpectralGauge<Real>::correct(Real share) {
    // v∘(dq + dz) = μ - v² - dq∘dz for the scaled pair v and its change, ∘ the symmetric product, v diagonal.
    const auto term = [share](const ScalingPoint<Real>& scaling, const Matrix& dq, const Matrix& dz) -> Matrix {
        const Matrix both =
            product<Real>(congruent<Real>(dq, scaling.inverse_root.transpose()), congruent<Real>(dz, scaling.root));
        const Index d = both.rows();
        const Matrix sums = scaling.values.replicate(1, d) + scaling.values.transpose().replicate(d, 1);
        return share * (both + both.transpose()).cwiseQuotient(sums);
    };
    second_order1 = term(first, dQ, dZ);
    if (bounded) second_order2 = term(second, dR, dV);
}

template <class Real>
void SpectralGauge<Real>::aim(Real mu, Real t, const Matrix& S) {
    const Index d = Q.rows();
    const Matrix identity = Matrix::Identity(d, d);
    const auto to_target = [mu](const Matrix& basis, const Vector& values, const Matrix& second_order) -> Matrix {
        return congruent<Real>(Matrix((mu * values.cwiseInverse() - values).asDiagonal()) - second_order, basis);
    };
    primal_defect = theta * identity + V - S - Z;
    turned_defect = congruent<Real>(primal_defect, B);
    centring = to_target(O1, first.values, second_order1);
    lag = Matrix::Zero(d, d);
    if (bounded) {
        dual_defect = t * identity - Q - R;
        lag = F.cwiseProduct(centring + to_target(O2, second.values, second_order2) -
                             congruent<Real>(dual_defect, B_inverse.transpose()));
    }
}

template <class Real>
void SpectralGauge<Real>::direction(const Matrix& dS, const Vector& u, Real dt, Real dth) {
    const Index d = Q.rows();
    const Matrix identity = Matrix::Identity(d, d);
    const Matrix X = congruent<Real>(dS, B) - dth * G;
    const Matrix dt_lag = dt * F.cwiseProduct(C);
    d_theta = dth;
    dQ = symmetric<Real>(turned_back(pull() + dt_lag + unpack<Real>(u, E.cwiseSqrt())));
    dZ = dth * identity - dS + primal_defect;
    if (bounded) {
        dV = symmetric<Real>(congruent<Real>(F.cwiseProduct(X - turned_defect) + lag - dt_lag, B_inverse));
        dR = dt * identity + dual_defect - dQ;
        dZ += dV;
    }
}

template <class Real>
RealMatrix<Real> SpectralGauge<Real>::feasible_metric(Real t) const {
    const EigenSolver<Real> eigen(Matrix(Q / t));
    const Vector& lambda = eigen.eigenvalues();
    if (!bounded) {
        const Vector positive = lambda.cwiseMax(Real(0));
        return eigen.eigenvectors() * (t / positive.sum() * positive).asDiagonal() * eigen.eigenvectors().transpose();
    }
    Real low = -1.0, high = 1.0;
    for (int i = 0; i < 100; ++i) {
        const Real shift = (low + high) / 2;
        ((lambda.array() + shift).cwiseMax(Real(0)).cwiseMin(Real(1)).sum() < spec->k ? low : high) = shift;
    }
    const Vector q = (lambda.array() + low).cwiseMax(Real(0)).cwiseMin(Real(1));
    return eigen.eigenvectors() * (t * q).asDiagonal() * eigen.eigenvectors().transpose();
}

template struct SmoothGauge<double>;
template struct SmoothGauge<long double>;
template struct SpectralGauge<double>;
template struct SpectralGauge<long double>;

}  // namespace spectralot::saddle
