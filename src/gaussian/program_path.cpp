/// The dual ascent for composed gauges: maximise h(Q) - μ·(barrier of K), h the concave dual function, over the
/// variables of the gauge's program, as central_path.cpp does for one ball.
#include "gaussian/newton.hpp"
#include "gaussian/program_barrier.hpp"
#include "gaussian/search.hpp"
#include "linalg/decompositions.hpp"

#include <cmath>

namespace spectralot::gaussian {

namespace {

constexpr int max_cg = 200;
constexpr Index max_dense = 2600;  // unknowns: two leaves at d = 50
constexpr double boundary_share = 0.9;
constexpr int max_halvings = 8;
constexpr int patience = 40;  // metrics without half the gap, or a smaller μ while that is still worth a tolerance

/// Newton's equation (μ·barrier'' - h'')x = residual along the equations of the program.
class ProgramEquation {
public:
    ProgramEquation(const ProgramBarrier& barrier, double mu, const Curvature& curvature)
        : barrier_(barrier), mu_(mu), curvature_(curvature) {}

    /// By conjugate gradients; where these do not reach the end, with a dense factorisation.
    [[nodiscard]] Descent<Vector> solve(const Vector& residual, double goal) const {
        const auto image_of = [this](const Vector& x) { return image(x); };
        const auto by_barrier = [this](Vector& r) { return Vector(barrier_.solve(r) / mu_); };
        const Index n = barrier_.size();
        Descent<Vector> iterated =
            conjugate_gradients(image_of, by_barrier, residual, goal, int(std::min<Index>(max_cg, n)));
        if (iterated.reached || n > max_dense) return iterated;
        return solve_densely(residual, goal).value_or(iterated);
    }

private:
    [[nodiscard]] Vector image(const Vector& x) const {
        return mu_ * barrier_.times(x) + barrier_.collect(curvature_(barrier_.spread(x)));
    }

    [[nodiscard]] std::optional<Descent<Vector>> solve_densely(const Vector& residual, double goal) const {
        const Index n = barrier_.size();
        Matrix system(n, n);
        for (Index k = 0; k < n; ++k) system.col(k) = image(Vector::Unit(n, k));
        const Vector scale = system.diagonal().cwiseSqrt().cwiseInverse();
        const Eigen::LLT<Matrix> factor(scale.asDiagonal() * system * scale.asDiagonal());
        if (factor.info() != Eigen::Success) return std::nullopt;
        const auto unconstrained = [&](const Matrix& r) -> Matrix {
            return scale.asDiagonal() * factor.solve(scale.asDiagonal() * r);
        };
        Matrix equations = Matrix::Zero(n, barrier_.equations().rows());
        equations.topRows(barrier_.equations().cols()) = Matrix(barrier_.equations()).transpose();
        const Matrix spread = unconstrained(equations);
        const Eigen::LDLT<Matrix> schur(equations.transpose() * spread);
        const auto precondition = [&](Vector& r) -> Vector {
            if (equations.cols() == 0) return unconstrained(r);
            r -= equations * schur.solve(spread.transpose() * r);
            const Vector z = unconstrained(r);
            return z - spread * schur.solve(equations.transpose() * z);
        };
        return conjugate_gradients([this](const Vector& x) { return image(x); }, precondition, residual, goal, max_cg);
    }

    const ProgramBarrier& barrier_;
    double mu_;
    const Curvature& curvature_;
};

}  // namespace

bool follow_program_path(Search& search, const GaugeProgram& program, bool smooth) {
    const Index d = search.pair.dimension();
    const Matrix identity = Matrix::Identity(d, d);
    const double lower = search.gauge.comparison_constants(int(d)).lower;
    ProgramBarrier barrier(program);
    if (barrier.size() == 0) return false;
    const auto try_point = [&](const ProgramBarrier& at, double smoothing) -> const Coupling& {
        return search.accept(couple(search.pair, at.metric(), smoothing), at.excess(lower));
    };
    Coupling at = try_point(barrier, 0.0);
    double mu = std::max(search.gauge.value(at.moment) - at.cost, 1e-3 * search.bracket().upper) / barrier.degree();
    if (smooth) at = try_point(barrier, mu);
    const double centred = smooth ? 0.2 : 1e-2;  // largest decrement², in units of μ, at which μ shrinks
    double best = search.gap();
    for (int since = 0; !search.finished();) {
        const Curvature curvature(search.pair, at, 1.0, identity);
        const ProgramEquation equation(barrier, mu, curvature);
        const Vector residual = barrier.collect(at.moment) - mu * barrier.slope();
        const auto [step, slope, reached] = equation.solve(residual, 1e-2 * mu);
        if (smooth && slope < mu) {
            // Couplings turn fast with Q: what they will be after the step is known better than where they are.
            search.accept(with_contraction(search.pair, at, curvature.moved(at, barrier.spread(step))),
                          barrier.excess(lower));
            if (search.finished()) break;
        }
        double length = std::min(1.0, boundary_share * barrier.longest_step(step));
        const double before = at.smooth_cost - mu * barrier.value();
        for (int halvings = 0;; ++halvings, length *= 0.5) {
            std::optional<ProgramBarrier> next = barrier.moved(step, length);
            if (!next) {
                if (!(length > epsilon)) return false;  // no direction: precision is exhausted
                continue;
            }
            const Coupling& candidate = try_point(*next, smooth ? mu : 0.0);
            ++since;
            const double after = candidate.smooth_cost - mu * next->value();
            const bool better = after >= before + 1e-4 * length * slope - 1e-13 * std::abs(before);
            if (better || halvings >= max_halvings || search.finished()) {
                barrier = *std::move(next);
                at = candidate;
                break;
            }
        }
        bool progress = search.gap() < 0.5 * best;
        if (slope < centred * mu) {
            progress |= smooth && barrier.degree() * mu > 0.01 * search.options.tol * search.bracket().upper;
            mu *= 0.1;
            if (smooth) at = try_point(barrier, mu);
        }
        if (progress) {
            best = std::min(best, search.gap());
            since = 0;
        } else if (since >= patience) {
            return false;
        }
    }
    return true;
}

}  // namespace spectralot::gaussian
