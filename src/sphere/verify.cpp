#include "spectralot/sphere/verify.hpp"

#include "spectralot/core/errors.hpp"
#include "sphere/coupling.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::sphere {

namespace {

void check_potential(const Vector& potential, Index size, const std::string& name) {
    if (potential.size() != size)
        throw_invalid("potentials", name + " must have length " + std::to_string(size),
                      std::to_string(potential.size()));
    for (const double value : potential)
        if (!(value >= 0.0 && std::isfinite(value)))
            throw_invalid("potentials", "must be finite and at least 0", to_text(value));
}

double total_excess(const Coupling& coupling, const CompletedCoupling& whole) {
    double excess = 0.0;
    for (std::size_t t = 0; t < coupling.size(); ++t)
        excess += coupling.a[t] - whole.pairs.a[t] + coupling.b[t] - whole.pairs.b[t];
    return excess;
}

}  // namespace

Verification verify(const SphericalMeasure& nu0, const SphericalMeasure& nu1, const Gauge& gauge,
                    const Coupling& coupling, const Matrix& metric, const GrowthPotentials& potentials,
                    const CancelToken& cancel) {
    check_pair(nu0, nu1);
    check_coupling(nu0, nu1, coupling);
    check_gauge(gauge, int(nu0.dimension()));
    if (metric.rows() != nu0.dimension())
        throw_invalid("metric", "must have " + std::to_string(nu0.dimension()) + " rows",
                      std::to_string(metric.rows()));
    check_potential(potentials.u, nu0.size(), "u");
    check_potential(potentials.v, nu1.size(), "v");

    const double masses = nu0.masses.sum() + nu1.masses.sum();
    Verification result;
    const CompletedCoupling whole = complete(nu0, nu1, coupling);
    result.marginal_error = total_excess(coupling, whole);
    result.certificate.upper = safe_upper(gauge, moment(nu0, nu1, whole), masses);
    result.metric_excess = gauge.membership_excess(metric);  // checks shape and symmetry
    result.rounding =
        256.0 * double(metric.rows() + 8) * epsilon * gauge.comparison_constants(int(metric.rows())).upper * masses;

    // One row at a time: v_j must be at least (K_ij - ε)²/u_i; where u_i is zero, u_i is raised instead.
    const double error = product_error(metric);
    GrowthPotentials raised = potentials;
    result.worst_slack = infinity;
    for (Index i = 0; i < nu0.size(); ++i) {
        if (!(nu0.masses[i] > 0.0)) continue;
        if (cancel.requested()) return result;
        const Eigen::RowVectorXd image = nu0.directions.row(i) * metric;
        for (Index j = 0; j < nu1.size(); ++j) {
            if (!(nu1.masses[j] > 0.0)) continue;
            const double K = std::max(0.0, image.dot(nu1.directions.row(j)));
            const double root = std::sqrt(raised.u[i]) * std::sqrt(raised.v[j]);
            result.worst_slack =
                std::min(result.worst_slack, std::sqrt(potentials.u[i]) * std::sqrt(potentials.v[j]) - K);
            if (root >= K - error) continue;
            if (raised.u[i] > 0.0 && std::isfinite(K / raised.u[i] * K))
                raised.v[j] = K / raised.u[i] * K;
            else if (raised.v[j] > 0.0)
                raised.u[i] = K / raised.v[j] * K;
            else
                raised.u[i] = raised.v[j] = K;
        }
    }
    const bool finite = raised.u.allFinite() && raised.v.allFinite();
    result.certificate.lower = finite ? safe_lower(nu0, nu1, metric, raised, result.metric_excess) : 0.0;
    return result;
}

}  // namespace spectralot::sphere
