#include "saddle/cone.hpp"

#include "linalg/decompositions.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::saddle {

template <class Real>
RealVector<Real> pack(const RealMatrix<Real>& m, const RealMatrix<Real>& root_scale) {
    const Index d = m.rows();
    RealVector<Real> packed(d * (d + 1) / 2);
    Index t = 0;
    for (Index j = 0; j < d; ++j) {
        for (Index i = 0; i < j; ++i) packed(t++) = std::sqrt(Real(2)) * m(i, j) * root_scale(i, j);
        packed(t++) = m(j, j) * root_scale(j, j);
    }
    return packed;
}

template <class Real>
RealMatrix<Real> unpack(const RealVector<Real>& v, const RealMatrix<Real>& root_scale) {
    const Index d = root_scale.rows();
    RealMatrix<Real> m(d, d);
    Index t = 0;
    for (Index j = 0; j < d; ++j) {
        for (Index i = 0; i < j; ++i) m(i, j) = m(j, i) = v(t++) * root_scale(i, j) / std::sqrt(Real(2));
        m(j, j) = v(t++) * root_scale(j, j);
    }
    return m;
}

/// Has the tridiagonal matrix an eigenvalue below x? (Sturm: the pivots of its LDLᵀ, shifted by x, change sign.)
template <class Real>
bool reaches_below(const RealVector<Real>& diagonal, const RealVector<Real>& squares, Real x) {
    Real pivot = diagonal(0) - x;
    for (Index i = 1; i < diagonal.size() && pivot > 0; ++i) pivot = diagonal(i) - x - squares(i - 1) / pivot;
    return !(pivot > 0);
}

template <class Real>
Real longest_step(const RealMatrix<Real>& m, const RealMatrix<Real>& dm) {
    const Eigen::LLT<RealMatrix<Real>> factor(m);
    RealMatrix<Real> scaled = factor.matrixL().solve(dm);
    scaled = factor.matrixL().solve(scaled.transpose()).eval();

    // The least eigenvalue, to the few digits that a step length needs and from the safe side; above -1/2 it limits no
    // step.
    RealVector<Real> diagonal = scaled.diagonal(), squares = RealVector<Real>::Zero(0);
    if (m.rows() > 1) {
        const Eigen::Tridiagonalization<RealMatrix<Real>> tridiagonal(symmetric<Real>(scaled));
        diagonal = tridiagonal.diagonal();
        squares = tridiagonal.subDiagonal().cwiseAbs2();
    }
    Real high = Real(-0.5);
    if (!reaches_below(diagonal, squares, high)) return Real(infinity);
    Real low = 2 * high;
    for (; reaches_below(diagonal, squares, low); low *= 2) {
        if (!std::isfinite(low)) return 0;
        high = low;
    }
    while (high - low > Real(1e-3) * -high) {
        const Real middle = (low + high) / 2;
        (reaches_below(diagonal, squares, middle) ? high : low) = middle;
    }
    return -1 / low;
}

template <class Real>
Real longest_step(const RealVector<Real>& v, const RealVector<Real>& dv) {
    Real step = Real(infinity);
    for (Index i = 0; i < v.size(); ++i) {
        if (dv(i) < 0) step = std::min(step, -v(i) / dv(i));
    }
    return step;
}

template <class Real>
std::optional<ScalingPoint<Real>> scaling_point(const RealMatrix<Real>& q, const RealMatrix<Real>& z) {
    const Eigen::LLT<RealMatrix<Real>> lq(q);
    if (lq.info() != Eigen::Success) return std::nullopt;
    // Near the central path qz is nearly a multiple of the identity: its eigenvalues lose nothing by being squares.
    const RealMatrix<Real> lower_q = lq.matrixL();
    const Eigen::SelfAdjointEigenSolver<RealMatrix<Real>> eigen(symmetric<Real>(congruent<Real>(z, lower_q)));
    if (!(eigen.eigenvalues()(0) > 0)) return std::nullopt;
    const RealVector<Real> values = eigen.eigenvalues().cwiseSqrt();
    const RealVector<Real> scale = values.cwiseSqrt();
    // NOLINTNEXTLINE(misc-const-correctness): solved in place
    RealMatrix<Real> inverse_root = eigen.eigenvectors().transpose();
    lq.matrixL().template solveInPlace<Eigen::OnTheRight>(inverse_root);
    return ScalingPoint<Real>{.root = product<Real>(lower_q, eigen.eigenvectors()) * scale.cwiseInverse().asDiagonal(),
                              .inverse_root = scale.asDiagonal() * inverse_root,
                              .values = values};
}

template RealVector<double> pack(const RealMatrix<double>&, const RealMatrix<double>&);
template RealMatrix<double> unpack(const RealVector<double>&, const RealMatrix<double>&);
template double longest_step(const RealMatrix<double>&, const RealMatrix<double>&);
template double longest_step(const RealVector<double>&, const RealVector<double>&);
template std::optional<ScalingPoint<double>> scaling_point(const RealMatrix<double>&, const RealMatrix<double>&);
template RealVector<long double> pack(const RealMatrix<long double>&, const RealMatrix<long double>&);
template RealMatrix<long double> unpack(const RealVector<long double>&, const RealMatrix<long double>&);
template long double longest_step(const RealMatrix<long double>&, const RealMatrix<long double>&);
template long double longest_step(const RealVector<long double>&, const RealVector<long double>&);
template std::optional<ScalingPoint<long double>> scaling_point(const RealMatrix<long double>&,
                                                                const RealMatrix<long double>&);

}  // namespace spectralot::saddle
