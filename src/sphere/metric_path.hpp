/// The metric's half of the central path (central_path.hpp): a point inside the set K of a gauge's program
/// (gauge/program.hpp) with its multipliers, and what Newton's equations say about both.
///
/// Q is the sum of weight·A over the points, and of weight·Q_l over the balls: 0 ≺ Q_l of norm ‖Q_l‖_{p'} = τ
/// (Schatten p) or 0 ≺ Q_l ≺ τI with tr Q_l = kτ (Ky Fan k), τ = 1 at the root, each on its own block of coordinates. A
/// maximum shares its weight among the τ > 0 of its branches. Stationarity, with S_l for weight·S on the block of l:
///     S_l = Y_l + V_l - Z_l,    Y = θ(Q_l/τ)^{p'-1} (Ky Fan: θI),    V and Z multipliers of Q_l ⪯ τI and Q_l ⪰ 0;
///     Σ weight·tr(AS) + Σ (kθ_l + tr V_l) + Σ weight·λ = λ_v - η_v,    η_v multiplier of τ_v ≥ 0,
/// the sums over what a branch v holds: points, balls (k = 1 for Schatten) and maxima. λ is the multiplier of a
/// maximum, λ_v that of v's own. Y is a variable of its own, tied to θ, Q and τ by its logarithm: for large p the power
/// is close to zero, and eigenvalues of Q that end tiny would make steps of Newton in Q alone short.
///
/// All are in the unit in which no Q in K has a norm above one.
#pragma once

#include "spectralot/gauge/program.hpp"

#include <Eigen/LU>

namespace spectralot::sphere {

/// Symmetric matrices as vectors with the same inner product.
Vector pack(const Matrix& S);
Matrix unpack(const Vector& packed, Index d);
Matrix symmetric(const Matrix& M);

class MetricPath {
public:
    /// At the isotropic point of K. `norm`: of no Q in K is the norm larger; `size`: of the moments to come, about.
    MetricPath(const GaugeProgram& program, double norm, const Matrix& size);

    /// Of Newton's equations.
    [[nodiscard]] static Index n_unknowns(const GaugeProgram& program);

    [[nodiscard]] const Matrix& metric() const { return Q_; }  ///< in the unit `norm`
    [[nodiscard]] Matrix metric_in_set() const;                ///< in the gauge's own unit, and in K to rounding

    [[nodiscard]] double degree() const;           ///< number of complementary pairs
    [[nodiscard]] double complementarity() const;  ///< sum of their products
    void centre(double mu);                        ///< every product becomes mu

    struct BallStep {
        Matrix Q, R, Z, V, Y;
        double theta;
    };
    struct Step {
        std::vector<BallStep> balls;
        Vector tau, eta, lambda;
        Matrix Q;  ///< of the whole metric
    };
    class Newton;

    /// How far Q's and the multipliers' variables may go along a step, at most 1, if each may lose this share.
    [[nodiscard]] double longest_dual(const Step& step, double share) const;
    [[nodiscard]] double longest_primal(const Step& step, double share) const;
    /// The sum of the products after steps of these lengths.
    [[nodiscard]] double complementarity_after(const Step& step, double dual, double primal) const;
    void move(const Step& step, double dual, double primal);

private:
    struct Ball {
        const GaugeLeaf* form;
        double weight;             // in the unit of the class
        double power;              // p' of a Schatten gauge, else 1
        double trace;              // k of a Ky Fan gauge, else 1
        bool has_room;             // Q ⪯ τI is no consequence of the trace
        std::vector<int> entries;  // of pack(whole) that make up pack(block)
        Index first;               // of its unknowns
        Matrix Q, R, Z, V, Y;      // R = τI - Q
        double theta = 0.0;
        [[nodiscard]] bool is_curved() const { return power > 1.0; }
        [[nodiscard]] Index size() const { return Q.rows(); }
        [[nodiscard]] int branch() const { return form->branch; }
    };

    void update();
    [[nodiscard]] Index n_open() const { return tau_.size() - 1; }  // branches but the root

    const GaugeProgram& program_;
    double unit_;  // the gauge's metric is unit·Q
    std::vector<Ball> balls_;
    std::vector<Matrix> points_;   // of every branch: Σ weight·A
    std::vector<double> weights_;  // of the maxima
    Vector tau_, eta_;             // of every branch; at the root 1 and unused
    Vector lambda_;                // of every maximum
    Index n_metric_ = 0;           // unknowns of the balls
    Matrix Q_;
};

/// Newton's equations at one point, when the moment answers a change H of the metric by -unpack(curvature·pack(H)).
/// O(N³) for N unknowns: those of the balls, τ, θ and λ.
class MetricPath::Newton {
public:
    Newton(const MetricPath& at, const Matrix& curvature);

    /// Towards products of `target`, with this share of the second-order terms of the predictor if there is one;
    /// `moment` is S after the step while Q stays.
    [[nodiscard]] Step step(const Matrix& moment, double target, const Step* predictor, double share) const;

private:
    struct Slopes {  // of one ball
        Matrix Q_inverse, R_inverse;
        Matrix axes;             // of Q
        Vector q, powers, y;     // Q/τ, its power p'-1 and Y along them
        Matrix curvature;        // in the axes: of_metric(H) is what a change H of Q does to Y
        Matrix of_theta;         // what a change of θ by one does to Y
        Matrix normal;           // of the norm of Q, or its trace …
        double shortfall = 0.0;  // … which is this below τ, or kτ
        [[nodiscard]] Matrix along_axes(const Vector& values) const {
            return axes * values.asDiagonal() * axes.transpose();
        }
        [[nodiscard]] Matrix of_metric(const Matrix& H) const {
            return axes * (axes.transpose() * H * axes).cwiseProduct(curvature) * axes.transpose();
        }
        [[nodiscard]] Vector coordinates(const Matrix& M) const { return (axes.transpose() * M * axes).diagonal(); }
    };
    [[nodiscard]] static Slopes slopes_of(const Ball& ball, double tau);
    [[nodiscard]] Matrix slope(const Ball& ball, const Slopes& at, const Matrix& H) const;
    [[nodiscard]] Matrix pull_of_logarithms(std::size_t l, const Step* predictor, double share) const;
    [[nodiscard]] Index unknown_of_branch(int v) const { return at_.n_metric_ + v - 1; }
    [[nodiscard]] Index unknown_of_theta(std::size_t l) const { return at_.n_metric_ + at_.n_open() + Index(l); }
    [[nodiscard]] Index unknown_of_maximum(std::size_t k) const {
        return unknown_of_theta(at_.balls_.size()) + Index(k);
    }

    const MetricPath& at_;
    std::vector<Slopes> slopes_;
    Eigen::PartialPivLU<Matrix> equations_;
};

}  // namespace spectralot::sphere
