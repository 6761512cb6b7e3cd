/// Potential and interaction energies of user functions (paper §6, math.md §6).
#pragma once

#include "spectralot/flow/objective.hpp"

#include <algorithm>

namespace spectralot::flow {

/// A scalar function of points and its gradient, a whole block of points (k×d) at a time.
struct ScalarField {
    std::function<Vector(const Points& x)> value;     ///< (k)
    std::function<Points(const Points& x)> gradient;  ///< k×d
};

/// f(X) = Σ w_i h(x_i), force ∇h(x_i). `smoothness`: a bound of the largest eigenvalue of ∇²h, where known.
/// Throws InvalidArgument for missing functions or answers of the wrong shape.
///
///     const Potential f({[](const Points& x) -> Vector { return 0.5 * x.rowwise().squaredNorm(); },
///                        [](const Points& x) { return x; }}, 1.0);
class Potential final : public Objective {
public:
    explicit Potential(ScalarField h, std::optional<double> smoothness = {});
    [[nodiscard]] double energy(const Points& x, const Vector& weights) const override;
    void force(const Points& x, const Vector& weights, Points& out) const override;
    [[nodiscard]] std::optional<double> smoothness() const override { return smoothness_; }

private:
    ScalarField h_;
    std::optional<double> smoothness_;
};

/// f(X) = ½κ Σ w_i |x_i-c|², force κ(x_i-c): the spring to one point, κ-convex and κ-smooth for κ ≥ 0.
/// Throws InvalidArgument for an empty or infinite centre or a stiffness that is not finite.
class Quadratic final : public Objective {
public:
    explicit Quadratic(Vector centre, double stiffness = 1.0);
    [[nodiscard]] double energy(const Points& x, const Vector& weights) const override;
    void force(const Points& x, const Vector& weights, Points& out) const override;
    [[nodiscard]] std::optional<double> smoothness() const override { return std::max(stiffness_, 0.0); }

private:
    Vector centre_;
    double stiffness_;
};

/// f(X) = ½ΣΣ w_i w_k W(x_i-x_k), force Σ_k w_k ∇W(x_i-x_k); W must be even (checked on the pairs of the first
/// particle: InvalidArgument). O(n²) evaluations of W in blocks of bounded size: O(nd) memory.
class Interaction final : public Objective {
public:
    explicit Interaction(ScalarField W, std::optional<double> smoothness = {});
    [[nodiscard]] double energy(const Points& x, const Vector& weights) const override;
    void force(const Points& x, const Vector& weights, Points& out) const override;
    [[nodiscard]] std::optional<double> smoothness() const override { return smoothness_; }

private:
    ScalarField W_;
    std::optional<double> smoothness_;
};

}  // namespace spectralot::flow
