#include "saddle/leaves.hpp"

#include "linalg/decompositions.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::saddle {

template <class Real>
using EigenSolver = Eigen::SelfAdjointEigenSolver<RealMatrix<Real>>;

template <class Real>
void SmoothLeaf<Real>::update(const Vector& w) {
    const Index d = atoms[0].rows();
    radial = 0.0;
    if (spec->kind == GaugeLeaf::Kind::Point) {
        gradient = spec->point.template cast<Real>();
    } else {
        Matrix moment = Matrix::Zero(d, d);
        for (std::size_t k = 0; k < atoms.size(); ++k) moment += w(Index(k)) * atoms[k];
        const EigenSolver<Real> eigen(moment);
        const Real largest = eigen.eigenvalues()(d - 1);
        if (!(largest > 0)) {  // φ(0) = 0: any element of K is a subgradient, take the isotropic one
            gradient = Matrix::Identity(d, d) * std::pow(Real(d), 1.0 / spec->p - 1.0);
            curvature = Matrix::Zero(Index(atoms.size()), 1);
        } else {
            const Real p = Real(spec->p);
            const Vector lambda = eigen.eigenvalues().cwiseMax(Real(1e-15) * largest);
            const Real phi = largest * std::pow((lambda / largest).array().pow(p).sum(), 1.0 / p);
            const Vector q = (lambda / phi).array().pow(p - 1.0);
            gradient = eigen.eigenvectors() * q.asDiagonal() * eigen.eigenvectors().transpose();
            radial = (p - 1.0) / phi;
            Matrix root(d, d);
            for (Index i = 0; i < d; ++i) {
                for (Index j = 0; j < d; ++j) {
                    const Real difference = lambda(i) - lambda(j);
                    const bool close = std::abs(difference) <= Real(1e-6) * lambda(i);
                    root(i, j) = std::sqrt(close ? (p - 1.0) * q(i) / lambda(i) : (q(i) - q(j)) / difference);
                }
            }
            curvature.resize(Index(atoms.size()), d * (d + 1) / 2);
            for (std::size_t k = 0; k < atoms.size(); ++k) {
                const Matrix turned = eigen.eigenvectors().transpose() * atoms[k] * eigen.eigenvectors();
                curvature.row(Index(k)) = pack(turned, root);
            }
        }
    }
    slopes.resize(Index(atoms.size()));
    for (std::size_t k = 0; k < atoms.size(); ++k) slopes(Index(k)) = inner(gradient, atoms[k]);
    value = slopes.dot(w);  // φ is one-homogeneous
}

template <class Real>
RealMatrix<Real> SpectralLeaf<Real>::combine(const Vector& w) const {
    Matrix sum = Matrix::Zero(atoms[0].rows(), atoms[0].cols());
    for (std::size_t k = 0; k < atoms.size(); ++k) sum += w(Index(k)) * atoms[k];
    return sum;
}

template <class Real>
void SpectralLeaf<Real>::start(const Vector& w, Real t) {
    const Index d = atoms[0].rows();
    const Matrix identity = Matrix::Identity(d, d);
    const Matrix s = combine(w);
    const Real top = EigenSolver<Real>(s, Eigen::EigenvaluesOnly).eigenvalues()(d - 1);
    Q = identity * (t * spec->k / Real(d));
    const Real unit = std::max(top, Real(1e-3));
    theta = top + (bounded ? Real(0) : unit / 2);
    V = bounded ? Matrix(identity * unit) : Matrix::Zero(d, d);
    R = t * identity - Q;
    Z = theta * identity + V - s;
}

template <class Real>
bool SpectralLeaf<Real>::rescale() {
    const auto g1 = scaling_root(Q, Z);
    if (!g1) return false;
    const Index d = Q.rows();
    if (bounded) {
        const auto g2 = scaling_root(R, V);
        if (!g2) return false;
        const Eigen::JacobiSVD<Matrix> svd(g1->partialPivLu().solve(*g2), Eigen::ComputeFullU);
        const Vector omega = svd.singularValues().cwiseAbs2();
        B = *g1 * svd.matrixU();
        const Matrix outer = omega * omega.transpose();
        F = (1.0 + outer.array()).inverse();
        E = outer.array() * F.array();
        B_inverse = B.inverse();
        C = B_inverse * B_inverse.transpose();
    } else {
        B = *g1;
        E = Matrix::Ones(d, d);
        F = C = Matrix::Zero(d, d);
    }
    G = B.transpose() * B;
    const Matrix root = E.cwiseSqrt();
    rows.resize(Index(atoms.size()), d * (d + 1) / 2);
    turned.resize(atoms.size());
    for (std::size_t k = 0; k < atoms.size(); ++k) {
        turned[k] = B.transpose() * atoms[k] * B;
        rows.row(Index(k)) = pack(turned[k], root);
    }
    return true;
}

template <class Real>
void SpectralLeaf<Real>::aim(Real mu, Real t, const Vector& w) {
    const Index d = Q.rows();
    const Matrix identity = Matrix::Identity(d, d);
    primal_defect = theta * identity + V - combine(w) - Z;
    turned_defect = B.transpose() * primal_defect * B;
    r1 = mu * Z.llt().solve(identity) - Q;
    rho = Matrix::Zero(d, d);
    if (bounded) {
        dual_defect = t * identity - Q - R;
        r2 = mu * V.llt().solve(identity) - R;
        rho = B_inverse * (r1 + r2 - dual_defect) * B_inverse.transpose();
    }
}

template <class Real>
void SpectralLeaf<Real>::direction(const Vector& dw, Real dt, Real dth) {
    const Index d = Q.rows();
    const Matrix identity = Matrix::Identity(d, d);
    Matrix X = -dth * G - turned_defect;
    for (std::size_t k = 0; k < atoms.size(); ++k) X += dw(Index(k)) * turned[k];
    const Matrix lag = F.cwiseProduct(rho - dt * C);
    d_theta = dth;
    dQ = symmetric<Real>(r1 - B * (lag - E.cwiseProduct(X)) * B.transpose());
    dZ = dth * identity - combine(dw) + primal_defect;
    if (bounded) {
        dV = symmetric<Real>(B_inverse.transpose() * (F.cwiseProduct(X) + lag) * B_inverse);
        dR = dt * identity + dual_defect - dQ;
        dZ += dV;
    }
}

template <class Real>
RealMatrix<Real> SpectralLeaf<Real>::feasible_metric(Real t) const {
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

template struct SmoothLeaf<double>;
template struct SpectralLeaf<double>;
template struct SmoothLeaf<long double>;
template struct SpectralLeaf<long double>;

}  // namespace spectralot::saddle
