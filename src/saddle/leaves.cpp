#include "saddle/leaves.hpp"

#include "linalg/decompositions.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::saddle {

template <class Real>
using EigenSolver = Eigen::SelfAdjointEigenSolver<RealMatrix<Real>>;

template <class Atoms>
void SmoothLeaf<Atoms>::update(const Vector& w) {
    if (spec->kind == GaugeLeaf::Kind::Point) {
        gradient = spec->point.template cast<Real>();
    } else {
        const Index d = atoms.dimension();
        const EigenSolver<Real> eigen(atoms.combine(w));
        const Real largest = eigen.eigenvalues()(d - 1);
        const Real p = Real(spec->p);
        if (!(largest > 0)) {  // φ(0) = 0: any element of K is a subgradient, take the isotropic one
            gradient = Matrix::Identity(d, d) * std::pow(Real(d), 1 / p - 1);
            lambda_ = Vector::Zero(d);
        } else {
            lambda_ = eigen.eigenvalues().cwiseMax(Real(1e-15) * largest);
            const Real phi = largest * std::pow((lambda_ / largest).array().pow(p).sum(), 1 / p);
            q_ = (lambda_ / phi).array().pow(p - 1);
            vectors_ = eigen.eigenvectors();
            gradient = vectors_ * q_.asDiagonal() * vectors_.transpose();
        }
    }
    slopes = atoms.slopes(gradient);
    value = slopes.dot(w);  // φ is one-homogeneous
}

template <class Atoms>
std::optional<LeafCurvature<Atoms>> SmoothLeaf<Atoms>::curvature() const {
    if (spec->kind == GaugeLeaf::Kind::Point) return std::nullopt;
    const Index d = atoms.dimension();
    const Real p = Real(spec->p);
    if (!(lambda_(d - 1) > 0)) return LeafCurvature<Atoms>{atoms, Matrix::Zero(d, d)};
    Matrix root(d, d);  // of the divided differences of q(λ)
    for (Index i = 0; i < d; ++i) {
        for (Index j = 0; j < d; ++j) {
            const Real difference = lambda_(i) - lambda_(j);
            const bool close = std::abs(difference) <= Real(1e-6) * lambda_(i);
            root(i, j) = std::sqrt(close ? (p - 1) * q_(i) / lambda_(i) : (q_(i) - q_(j)) / difference);
        }
    }
    // φ is linear along S: the diagonal loses its component along v, v_i² = q_i λ_i / φ, Σ v_i² = 1.
    return LeafCurvature<Atoms>{atoms.turned(vectors_), std::move(root),
                                q_.cwiseProduct(lambda_).cwiseSqrt().normalized()};
}

template <class Atoms>
void SpectralLeaf<Atoms>::start(const Vector& w, Real t) {
    const Index d = atoms.dimension();
    const Matrix identity = Matrix::Identity(d, d);
    const Matrix s = atoms.combine(w);
    const Real top = EigenSolver<Real>(s, Eigen::EigenvaluesOnly).eigenvalues()(d - 1);
    Q = identity * (t * spec->k / Real(d));
    const Real unit = std::max(top, Real(1e-3));
    theta = top + (bounded ? Real(0) : unit / 2);
    V = bounded ? Matrix(identity * unit) : Matrix::Zero(d, d);
    R = t * identity - Q;
    Z = theta * identity + V - s;
}

template <class Atoms>
bool SpectralLeaf<Atoms>::rescale() {
    const Index d = Q.rows();
    second_order1 = second_order2 = Matrix::Zero(d, d);
    const auto scaling1 = scaling_point(Q, Z);
    if (!scaling1) return false;
    first = *scaling1;
    if (bounded) {
        const auto scaling2 = scaling_point(R, V);
        if (!scaling2) return false;
        second = *scaling2;
        const Eigen::JacobiSVD<Matrix> svd(first.inverse_root * second.root, Eigen::ComputeFullU | Eigen::ComputeFullV);
        const Vector& root_omega = svd.singularValues();
        O1 = svd.matrixU();
        O2 = svd.matrixV() * root_omega.asDiagonal();
        B = first.root * O1;
        B_inverse = O1.transpose() * first.inverse_root;
        const Vector omega = root_omega.cwiseAbs2();
        const Matrix outer = omega * omega.transpose();
        F = (1 + outer.array()).inverse();
        E = outer.array() * F.array();
        C = B_inverse * B_inverse.transpose();
    } else {
        O1 = Matrix::Identity(d, d);
        B = first.root;
        E = Matrix::Ones(d, d);
        F = C = Matrix::Zero(d, d);
    }
    G = B.transpose() * B;
    return true;
}

template <class Atoms>
void SpectralLeaf<Atoms>::correct(Real share) {
    // v∘(dq + dz) = μ - v² - dq∘dz for the scaled pair v and its change, ∘ the symmetric product, v diagonal.
    const auto term = [share](const ScalingPoint<Real>& scaling, const Matrix& dq, const Matrix& dz) -> Matrix {
        const Matrix product =
            scaling.inverse_root * dq * scaling.inverse_root.transpose() * scaling.root.transpose() * dz * scaling.root;
        const Index d = product.rows();
        const Matrix sums = scaling.values.replicate(1, d) + scaling.values.transpose().replicate(d, 1);
        return share * (product + product.transpose()).cwiseQuotient(sums);
    };
    second_order1 = term(first, dQ, dZ);
    if (bounded) second_order2 = term(second, dR, dV);
}

template <class Atoms>
void SpectralLeaf<Atoms>::aim(Real mu, Real t, const Vector& w) {
    const Index d = Q.rows();
    const Matrix identity = Matrix::Identity(d, d);
    const auto to_target = [mu](const Matrix& basis, const Vector& values, const Matrix& second_order) -> Matrix {
        return basis.transpose() * (Matrix((mu * values.cwiseInverse() - values).asDiagonal()) - second_order) * basis;
    };
    primal_defect = theta * identity + V - atoms.combine(w) - Z;
    turned_defect = B.transpose() * primal_defect * B;
    centring = to_target(O1, first.values, second_order1);
    lag = Matrix::Zero(d, d);
    if (bounded) {
        dual_defect = t * identity - Q - R;
        lag = F.cwiseProduct(centring + to_target(O2, second.values, second_order2) -
                             B_inverse * dual_defect * B_inverse.transpose());
    }
}

template <class Atoms>
void SpectralLeaf<Atoms>::direction(const Vector& dw, const Vector& u, Real dt, Real dth) {
    const Index d = Q.rows();
    const Matrix identity = Matrix::Identity(d, d);
    const Matrix d_moment = atoms.combine(dw);
    const Matrix X = B.transpose() * d_moment * B - dth * G;
    const Matrix dt_lag = dt * F.cwiseProduct(C);
    d_theta = dth;
    dQ = symmetric<Real>(B * (pull() + dt_lag + unpack<Real>(u, E.cwiseSqrt())) * B.transpose());
    dZ = dth * identity - d_moment + primal_defect;
    if (bounded) {
        dV = symmetric<Real>(B_inverse.transpose() * (F.cwiseProduct(X - turned_defect) + lag - dt_lag) * B_inverse);
        dR = dt * identity + dual_defect - dQ;
        dZ += dV;
    }
}

template <class Atoms>
RealMatrix<typename Atoms::Real> SpectralLeaf<Atoms>::feasible_metric(Real t) const {
    const EigenSolver<Real> eigen(Q / t);
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

template struct SmoothLeaf<PlanAtoms<double>>;
template struct SpectralLeaf<PlanAtoms<double>>;
template struct SmoothLeaf<PlanAtoms<long double>>;
template struct SpectralLeaf<PlanAtoms<long double>>;
template struct SmoothLeaf<ArcAtoms<double>>;
template struct SmoothLeaf<ArcAtoms<long double>>;
template struct SpectralLeaf<ArcAtoms<double>>;
template struct SpectralLeaf<ArcAtoms<long double>>;

}  // namespace spectralot::saddle
