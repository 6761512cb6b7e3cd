/// The linear system of one interior-point iteration, for either kind of atoms. T carries the curvature of the leaves;
/// u = Tᵀw + P z is an unknown of its own, because T is so large at the end that it could not be recomputed from w:
///
///   diag(stiffness) w + T u - Nᵀφ + C z = r_w,    -N w = r_φ,    Cᵀw + Pᵀu + A z = r_z.
#pragma once

#include "saddle/curvature.hpp"

#include "linalg/cholesky.hpp"
#include "linalg/decompositions.hpp"

#include <type_traits>

namespace spectralot::saddle {

template <class Real>
struct NewtonVector {
    RealVector<Real> w;    ///< atoms
    RealVector<Real> phi;  ///< equations
    RealVector<Real> z;    ///< branches, maxima and the θ of spectral leaves
    RealVector<Real> u;
};

template <class Atoms>
struct NewtonMatrix {
    using Real = typename Atoms::Real;
    RealVector<Real> stiffness;     ///< s/w > 0
    Curvature<Atoms> T;             ///< atoms × u
    RealMatrix<Real> coupling;      ///< C, atoms × z
    RealMatrix<Real> row_coupling;  ///< P, u × z
    RealMatrix<Real> corner;        ///< A, symmetric

    /// T u - Nᵀφ + C z: the first equations without their stiffness, which would blow up the rounding of w.
    [[nodiscard]] RealVector<Real> slope_change(const Atoms& atoms, const NewtonVector<Real>& x) const {
        return T.times(x.u) - atoms.pull_back(x.phi) + coupling * x.z;
    }
};

/// Few atoms: one dense factorisation.
template <class Real>
class PlanNewton {
public:
    using System = NewtonMatrix<PlanAtoms<Real>>;
    void factor(const PlanAtoms<Real>& atoms, System matrix);
    [[nodiscard]] const System& matrix() const { return matrix_; }
    /// Solution for a right-hand side whose u is zero, refined against the system; false when it is numerically
    /// singular.
    bool solve(const NewtonVector<Real>& rhs, NewtonVector<Real>& solution) const;

private:
    Index n_atoms_ = 0, n_corner_ = 0;
    System matrix_;
    RealMatrix<Real> system_;
    Eigen::PartialPivLU<RealMatrix<Real>> factor_;
};

/// Many arcs: they are eliminated by their stiffness, then the row potentials by their diagonal. What is left has the
/// size of the columns plus that of T. Cost K D² + (m+D)³/3 for K arcs and D columns of T.
template <class Real>
class ArcNewton {
public:
    using System = NewtonMatrix<ArcAtoms<Real>>;
    void factor(const ArcAtoms<Real>& atoms, System matrix);
    [[nodiscard]] const System& matrix() const { return matrix_; }
    bool solve(const NewtonVector<Real>& rhs, NewtonVector<Real>& solution) const;

private:
    /// A vector of the reduced system: potentials of the rows; potentials of the columns but the last, then u.
    struct Reduced {
        RealVector<Real> row;
        RealVector<Real> rest;
    };
    /// [N; -Tᵀ] y and its transpose.
    [[nodiscard]] Reduced collect(const RealVector<Real>& y) const;
    [[nodiscard]] RealVector<Real> spread(const Reduced& v) const;
    [[nodiscard]] Reduced solve_reduced(const Reduced& rhs) const;
    [[nodiscard]] NewtonVector<Real> solve_once(const NewtonVector<Real>& rhs) const;
    [[nodiscard]] NewtonVector<Real> residual(const NewtonVector<Real>& rhs, const NewtonVector<Real>& x) const;
    [[nodiscard]] Index n_free_cols() const { return atoms_->n_cols() - 1; }

    const ArcAtoms<Real>* atoms_ = nullptr;
    System matrix_;
    RealVector<Real> theta_;    // 1/stiffness
    RealVector<Real> row_sum_;  // Σ θ over the arcs of a row
    RowMatrix<Real> row_mean_;  // θ-weighted means of the rows of T over the arcs of a row
    // Of the reduced matrix without the rows.
    std::conditional_t<std::is_same_v<Real, double>, linalg::Cholesky, Eigen::LLT<RealMatrix<Real>>> factor_;
    std::vector<Reduced> corner_columns_;
    RowMatrix<Real> scratch_;  // T, centred row by row: too large to allocate anew every time
    Eigen::PartialPivLU<RealMatrix<Real>> corner_;
};

}  // namespace spectralot::saddle
