/// Couplings of two Gaussians proposed by metrics, and what both prove.
#pragma once

#include "gaussian/factor.hpp"
#include "spectralot/core/status.hpp"
#include "spectralot/gauge/gauge.hpp"
#include "spectralot/gaussian/gaussian.hpp"

#include <string>
#include <vector>

namespace spectralot::gaussian {

/// Two Gaussians in the unit (a power of two) in which they have size one.
struct Pair {
    Pair() = default;
    Pair(const Gaussian& mu, const Gaussian& nu);
    /// In a unit of 2^exponent.
    Pair(const Gaussian& mu, const Gaussian& nu, int exponent);

    [[nodiscard]] Index dimension() const { return shift.rows(); }

    double unit = 1.0;  ///< squared unit of the caller
    Matrix shift;       ///< m1 - m0 as a column; more columns stand for more of a common displacement
    Factor source, target;
};

/// Checks Gaussians that belong together: there are some, of dimension d. Messages say means<side>[i] and
/// covariances<side>[i].
void check_components(const std::vector<Gaussian>& components, Index d, const std::string& side = "");

/// Checks both Gaussians (m0, S0, m1, S1 in messages) and returns the exponent of the power of two that is their size.
int common_exponent(const Gaussian& mu, const Gaussian& nu);

/// The best coupling for a metric Q: C is the polar factor UVᵀ of F0ᵀQF1, compact SVD U diag(s) Vᵀ.
///
/// With a `smoothing` ν > 0 the one that minimises tr(QS) - ν log det(1 - CᵀC) instead: C = U diag(c) Vᵀ, s(1-c²) = νc.
/// Where the best coupling splits mass the polar factor jumps as Q varies, and this does not.
struct Coupling {
    Matrix metric;
    Matrix U, V;
    Vector s;
    Vector c, split;            ///< singular values of C, and 1-c²
    double smoothing = 0.0;     ///< ν
    Matrix moment;              ///< second moment of Y-X, a sum of squares: relative accuracy
    double moment_error = 0.0;  ///< trace norm of its error, for the exact input
    double cost = 0.0;          ///< the dual function at Q, ‖·‖_* taken from s; without smoothing tr(QS)
    double cost_error = 0.0;    ///< how far the dual function may lie below `cost`
    double smooth_cost = 0.0;   ///< tr(QS) - ν log det(1 - CᵀC), concave in Q with derivative S
};
Coupling couple(const Pair& pair, const Matrix& metric, double smoothing = 0.0);

/// The same metric with another coupling: the contraction nearest to `C`.
Coupling with_contraction(const Pair& pair, Coupling coupling, const Matrix& C);

/// Fills in the moment and its error from U, V and c.
void set_moment(const Pair& pair, Coupling& coupling);

/// A = F0 C F1ᵀ.
Matrix cross_covariance(const Pair& pair, const Coupling& coupling);

/// γ(S) for any S within `moment_error` of `moment` in trace norm.
double upper_bound(const Gauge& gauge, const Matrix& moment, double moment_error);

/// What (1/level)·Q, an element of K, proves: level ≥ 1 + the excess of Q.
double lower_bound(const Coupling& coupling, double level);

}  // namespace spectralot::gaussian
