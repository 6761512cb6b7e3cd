/// The logarithmic barrier of the set K of a composed gauge, in the variables of its program, for Newton's method with
/// conjugate gradients: everything here costs a few products of d×d matrices.
///
/// Unknowns: first the diagonal ones (the branches; per leaf the diagonal of Q in its eigenbasis, then that of its room
/// τI - Q or its slack), which the equations of the program couple; then what is off the diagonal of every leaf, times
/// √2, where the second derivative multiplies entry by entry. Room and slack are unknowns of their own, though
/// equations determine them: so every sum below is one of positive terms. `gauge/barrier.hpp` follows the same barrier
/// for the selector, by least squares: more digits of a nearly singular Q, at a cost that ends at some hundred
/// unknowns.
#pragma once

#include "gauge/program_point.hpp"

#include <Eigen/SparseCholesky>
#include <Eigen/SparseCore>

#include <memory>
#include <optional>

namespace spectralot::gaussian {

class ProgramBarrier {
public:
    /// At the isotropic point.
    explicit ProgramBarrier(const GaugeProgram& program);

    [[nodiscard]] Index size() const { return n_unknowns_; }
    [[nodiscard]] double degree() const { return point_.degree; }
    [[nodiscard]] Matrix metric() const { return point_.metric(); }
    /// By how much rounding may have taken the metric out of K: it lies in (1 + excess)·K. `lower`·tr ≤ γ.
    [[nodiscard]] double excess(double lower) const;

    [[nodiscard]] double value() const;
    [[nodiscard]] Vector slope() const;
    /// The change of the metric, and its adjoint.
    [[nodiscard]] Matrix spread(const Vector& x) const;
    [[nodiscard]] Vector collect(const Matrix& S) const;

    /// The second derivative at the present point, with what the equations add to it.
    [[nodiscard]] Vector times(const Vector& x) const;
    /// Its inverse along the equations. Takes their multipliers out of `r`.
    [[nodiscard]] Vector solve(Vector& r) const;
    /// The equations E: E x = 0 for every step.
    [[nodiscard]] const Eigen::SparseMatrix<double>& equations() const { return equations_; }

    /// Length at which the first quantity with a barrier vanishes; infinity where none does.
    [[nodiscard]] double longest_step(const Vector& x) const;
    /// Empty where a slack is no longer positive.
    [[nodiscard]] std::optional<ProgramBarrier> moved(const Vector& x, double length) const;

private:
    using Sparse = Eigen::SparseMatrix<double>;
    [[nodiscard]] Matrix step_of(const detail::LeafPoint& leaf, const Vector& x) const;
    void differentiate();
    void write_equations();

    detail::ProgramPoint point_;
    Index n_diagonal_ = 0, n_unknowns_ = 0;
    std::vector<Index> off_diagonal_;                            ///< first unknown off the diagonal, by leaf
    Sparse core_, core_inverse_;                                 ///< second derivative in the diagonal unknowns
    Vector off_weights_;                                         ///< and off the diagonal
    Sparse equations_;                                           ///< E, one row each
    std::shared_ptr<const Eigen::SimplicialLLT<Sparse>> schur_;  ///< of E·core⁻¹·Eᵀ
};

}  // namespace spectralot::gaussian
