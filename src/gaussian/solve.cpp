#include "spectralot/gaussian/solve.hpp"

#include "gaussian/search.hpp"
#include "linalg/decompositions.hpp"
#include "saddle/program.hpp"
#include "spectralot/core/errors.hpp"

#include <cmath>

namespace spectralot::gaussian {

namespace {

void check_options(const GaussianOptions& options) {
    if (!(options.tol > 0.0 && options.tol < 1.0)) throw_invalid("tol", "must lie in (0, 1)", to_text(options.tol));
    if (options.max_iter < 1) throw_invalid("max_iter", "must be at least 1", std::to_string(options.max_iter));
}

void run(Search& search) {
    const auto d = int(search.pair.dimension());
    const std::optional<GaugeProgram> program = search.gauge.program(d);
    search.try_active(Matrix::Identity(d, d));
    if (search.finished()) return;
    // Where one metric is best, or the covariances commute, the metric active at that moment closes the bracket.
    search.try_active(search.couplings().back().moment);
    if (search.finished()) return;
    if (const GaugeLeaf* leaf = saddle::single_ball(program)) {
        if (leaf->kind == GaugeLeaf::Kind::KyFan && leaf->k == 1) {
            try_rank_one(search, leaf->weight);
            if (search.finished()) return;
        }
        if (leaf->kind == GaugeLeaf::Kind::Schatten && follow_central_path(search, *leaf, Pace::Fast)) return;
        if (follow_central_path(search, *leaf, Pace::Steady)) return;
        if (follow_central_path(search, *leaf, Pace::Smooth)) return;
    } else if (program) {
        if (follow_program_path(search, *program, false)) return;
        if (follow_program_path(search, *program, true)) return;
    }
    mix_couplings(search);
}

}  // namespace

double GaussianResult::distance() const {
    return std::sqrt(value);
}

void GaussianResult::require_solved() const {
    if (converged) return;
    throw NotSolved("not solved (" + std::string(to_string(status)) + "): the squared cost lies in [" +
                    to_text(certificate.lower) + ", " + to_text(certificate.upper) + "], relative gap " +
                    to_text(certificate.relative_gap()));
}

GaussianResult solve(const Gaussian& mu, const Gaussian& nu, const Gauge& gauge, const GaussianOptions& options,
                     const Observer& observer) {
    const Pair pair(mu, nu);
    check_options(options);
    check_static(gauge, int(pair.dimension()));
    Search search(pair, gauge, options, observer);
    run(search);
    return search.take_result();
}

double distance(const Gaussian& mu, const Gaussian& nu, const Gauge& gauge, const GaussianOptions& options) {
    const GaussianResult result = solve(mu, nu, gauge, options);
    result.require_solved();
    return result.distance();
}

Gaussian geodesic(const Gaussian& mu, const Gaussian& nu, const Gauge& gauge, const Matrix& cross_covariance,
                  double t) {
    const Index d = mu.dimension();
    if (!gauge.is_monotone())
        throw_invalid("gauge", "must be monotone: without it the cost is no metric and has no geodesics", gauge.repr());
    if (!(t >= 0.0 && t <= 1.0)) throw_invalid("t", "must lie in [0, 1]", to_text(t));
    if (nu.dimension() != d)
        throw_invalid("m1", "must have the dimension of m0, " + std::to_string(d), std::to_string(nu.dimension()));
    if (cross_covariance.rows() != d || cross_covariance.cols() != d)
        throw_invalid("cross_covariance", "must be " + std::to_string(d) + "x" + std::to_string(d),
                      std::to_string(cross_covariance.rows()) + "x" + std::to_string(cross_covariance.cols()));
    const double s = 1.0 - t;
    const Matrix S0 = symmetric_part(mu.covariance, d, "S0"), S1 = symmetric_part(nu.covariance, d, "S1");
    return {s * mu.mean + t * nu.mean,
            s * s * S0 + t * t * S1 + s * t * (cross_covariance + cross_covariance.transpose())};
}

Matrix affine_map(const Gaussian& mu, const Gaussian& nu, const Matrix& cross_covariance) {
    const Eigen::LLT<Matrix> root(mu.covariance);
    if (root.info() != Eigen::Success)
        throw_invalid("S0", "must be positive definite for a map to exist", "a singular matrix");
    const Matrix map = root.solve(cross_covariance).transpose();
    const double miss = (map * mu.covariance * map.transpose() - nu.covariance).norm();
    if (!(miss <= 1e-8 * nu.covariance.norm()))
        throw_invalid("cross_covariance", "must be that of a map: the optimal coupling found splits mass",
                      "a relative error of " + to_text(miss / nu.covariance.norm()) + " in the image covariance");
    return map;
}

}  // namespace spectralot::gaussian
