/// Small-matrix tools of the interior point: inner products, step lengths in cones, Nesterov–Todd scaling.
///
/// Everything here and in leaves.hpp is written for a `Real` that is double or long double: the last digits of a
/// nearly rank-one metric need the wider one.
#pragma once

#include "linalg/product.hpp"
#include "spectralot/core/types.hpp"

#include <optional>
#include <type_traits>

namespace spectralot::saddle {

template <class Real>
using RealMatrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;
template <class Real>
using RowMatrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class Real>
using RealVector = Eigen::Matrix<Real, Eigen::Dynamic, 1>;

template <class Real>
RealMatrix<Real> symmetric(const RealMatrix<Real>& m) {
    return Real(0.5) * (m + m.transpose());
}

/// a·b, by the wide kernels where there are some.
template <class Real>
RealMatrix<Real> product(const RealMatrix<Real>& a, const RealMatrix<Real>& b) {
    if constexpr (std::is_same_v<Real, double>) {
        return linalg::product(a, b);
    } else {
        return a * b;
    }
}
/// basisᵀ·m·basis.
template <class Real>
RealMatrix<Real> congruent(const RealMatrix<Real>& m, const RealMatrix<Real>& basis) {
    return product<Real>(basis.transpose(), product<Real>(m, basis));
}

/// tr(ab) for symmetric a, b.
template <class A, class B>
typename A::Scalar inner(const Eigen::MatrixBase<A>& a, const Eigen::MatrixBase<B>& b) {
    return a.cwiseProduct(b).sum();
}

/// Upper triangle as a vector with <pack(a), pack(b)> = tr(ab), after entrywise scaling by `root_scale`.
template <class Real>
RealVector<Real> pack(const RealMatrix<Real>& m, const RealMatrix<Real>& root_scale);

/// The adjoint: tr(m · unpack(v, root_scale)) = <pack(m, root_scale), v> for every symmetric m.
template <class Real>
RealMatrix<Real> unpack(const RealVector<Real>& v, const RealMatrix<Real>& root_scale);

/// Largest α with m + α·dm ⪰ 0, m ≻ 0, or up to a thousandth less; infinity for any above 2.
template <class Real>
Real longest_step(const RealMatrix<Real>& m, const RealMatrix<Real>& dm);
/// Largest α with v + α·dv ≥ 0, v > 0.
template <class Real>
Real longest_step(const RealVector<Real>& v, const RealVector<Real>& dv);

/// The Nesterov–Todd scaling of a pair (q, z) ≻ 0: W z W = q for W = root·rootᵀ, and in these coordinates both are
/// diagonal, root⁻¹ q root⁻ᵀ = rootᵀ z root = diag(values).
template <class Real>
struct ScalingPoint {
    RealMatrix<Real> root, inverse_root;
    RealVector<Real> values;
};
/// Empty when q or z is numerically singular.
template <class Real>
std::optional<ScalingPoint<Real>> scaling_point(const RealMatrix<Real>& q, const RealMatrix<Real>& z);

}  // namespace spectralot::saddle
