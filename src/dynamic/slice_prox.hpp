/// The one new piece against classical Benamou–Brenier splitting: the projection of a slice (w_0, w_1) onto
///
///   B = {some Q in K has w_0 + ¼w_1ᵀQ⁻¹w_1 ≤ 0 in every cell},
///
/// by Moreau's identity the prox of the action of a slice (math.md §5). It is max over Q in K of
///
///   g(Q) = Σ_c min over ρ ≥ 0 of ½(ρ - w_0)² + w_1ᵀQ(ρ + 2Q)⁻¹w_1 - ½w_0²,
///
/// for fixed Q one increasing concave equation per cell, ρ = w_0 + yᵀQy with y = (ρ + 2Q)⁻¹w_1.
#pragma once

#include "spectralot/gauge/gauge.hpp"

#include <array>
#include <span>
#include <vector>

namespace spectralot::dynamic {

/// Keeps, from one call to the next, the atoms of K whose mixture the last Q was. One object per slice.
class SliceProx {
public:
    SliceProx(const Gauge& gauge, int dimension);

    /// out += share·(projection of w - out), for w[0] and the d components w[1…d] of n cells each. `rho` (n) is a first
    /// guess at ρ, and scratch; so is `spare`, of the size of w.
    ///
    /// Q by Newton's method, until γ(S) - tr(QS), the error of Fenchel's equality, is 1e-12 of γ(S) or stops falling:
    /// every quadratic model is maximised over mixtures of atoms of K, the ones active at its own gradient joining.
    void project(std::span<const double* const> w, std::span<double> rho, std::span<double* const> spare, double share,
                 std::span<double* const> out);

    [[nodiscard]] const Matrix& metric() const { return metric_; }
    void set_metric(const Matrix& Q);

private:
    static constexpr int max_atoms = 12;
    using Small = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, max_atoms, max_atoms>;
    using SmallVector = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, max_atoms, 1>;
    struct Pass {
        double value = 0.0;
        Matrix moment;   // ∇g
        Matrix hessian;  // of g in the entries (i ≤ j) of Q, off-diagonal ones once
    };

    void solve(std::span<const double* const> w, std::span<double> rho, std::span<double* const> out);
    Pass pass(std::span<const double* const> w, std::span<double> rho, std::span<double* const> out, bool derivatives);
    void add_atom(const Matrix& A);
    void drop_idle();
    void improve(const Pass& at, double tol);
    void improve_weights(const Small& H, const SmallVector& slopes);
    void mix();

    Gauge gauge_;
    int d_;
    bool linear_ = false;     // K is one point
    bool isotropic_ = false;  // and that a multiple of I
    std::vector<Matrix> atoms_;
    std::vector<double> weights_;
    Matrix metric_;
    Matrix basis_;  // eigenvectors of metric_ at the last pass
};

}  // namespace spectralot::dynamic
