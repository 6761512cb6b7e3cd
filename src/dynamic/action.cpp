#include "spectralot/dynamic/action.hpp"

#include "spectralot/core/errors.hpp"

namespace spectralot::dynamic {

double action(const Vector& mass, const Eigen::Ref<const Points>& momentum, const Gauge& gauge) {
    const auto d = static_cast<int>(momentum.cols());
    if (momentum.rows() != mass.size())
        throw_invalid("momentum", "must have one row per mass, " + std::to_string(mass.size()),
                      std::to_string(momentum.rows()));
    if (!mass.allFinite() || !momentum.allFinite())
        throw_invalid("mass, momentum", "must be finite", "NaN or infinity");
    check_static(gauge, d);
    if (!gauge.is_monotone())
        throw_invalid("gauge", "must be monotone: others have no dynamic formulation", gauge.repr());

    Matrix moment = Matrix::Zero(d, d);
    for (Index c = 0; c < mass.size(); ++c) {
        const Vector m = momentum.row(c);
        if (mass[c] > 0.0) {
            moment += m * (m / mass[c]).transpose();
        } else if (mass[c] < 0.0) {
            return infinity;
        } else if (const double scale = m.cwiseAbs().maxCoeff(); scale > 0.0) {
            // γ vanishes at vvᵀ exactly when no Q in K sees v.
            const Vector v = m / scale;
            if (gauge.value(v * v.transpose()) > 0.0) return infinity;
        }
    }
    if (!moment.allFinite()) return infinity;
    return gauge.value(moment);
}

}  // namespace spectralot::dynamic
