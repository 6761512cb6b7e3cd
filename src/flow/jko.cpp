#include "spectralot/flow/jko.hpp"

#include "flow/velocity.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/discrete/measure.hpp"
#include "spectralot/gauge/selector.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::flow {
namespace {

/// The functional at Y = X + V: everything that one iteration compares.
struct Trial {
    Points v, force;
    double energy = 0.0;   ///< f(X+V)
    double penalty = 0.0;  ///< N(V)²/(2τ)

    double value() const { return energy + penalty; }
};

class Functional {
public:
    Functional(const Objective& objective, const Points& x, const Vector& weights, const Gauge& gauge, double tau)
        : objective_(objective), x_(x), weights_(weights), gauge_(gauge), tau_(tau) {}

    bool evaluate(Trial& at) {
        y_ = x_ + at.v;
        at.energy = objective_.energy_and_force(y_, weights_, at.force);
        at.penalty = std::pow(norm(gauge_, at.v, weights_), 2) / (2.0 * tau_);
        return std::isfinite(at.value()) && at.force.allFinite();
    }

private:
    const Objective& objective_;
    const Points& x_;
    const Vector& weights_;
    const Gauge& gauge_;
    double tau_;
    Points y_;
};

void check_arguments(const Points& x, const Vector& weights, const Gauge& gauge, double tau, const JkoOptions& o) {
    check_measure({x, weights}, "x", "weights");
    if (!(tau > 0.0) || std::isinf(tau)) throw_invalid("tau", "positive and finite", to_text(tau));
    if (!(o.tol > 0.0)) throw_invalid("tol", "positive", to_text(o.tol));
    if (o.max_iter < 1) throw_invalid("max_iter", "at least 1", std::to_string(o.max_iter));
    if (!gauge.is_monotone()) throw_invalid("gauge", "monotone: a flow needs a norm on velocities", gauge.repr());
    if (o.certify) check_static(gauge, static_cast<int>(x.cols()));
    gauge.model().check_columns(static_cast<int>(x.cols()));
}

}  // namespace

JkoResult jko_step(const Objective& objective, const Points& x, const Vector& weights, const Gauge& gauge, double tau,
                   const JkoOptions& options, const Observer& observer) {
    check_arguments(x, weights, gauge, tau, options);
    const Vector w = normalised(weights, x.rows());
    const FlowOptions exact;
    const VelocityRule rule(gauge, exact, w);
    Functional functional(objective, x, w, gauge, tau);

    JkoResult result;
    Trial here, next;
    here.v = Points::Zero(x.rows(), x.cols());
    bool finite = functional.evaluate(here);
    result.energy_before = here.energy;
    Points direction;
    double s = 1.0;
    result.status = finite ? Status::IterationLimit : Status::Stalled;
    for (; finite && result.n_iter < options.max_iter; ++result.n_iter) {
        if (observer.cancel.requested()) {
            result.status = Status::Interrupted;
            break;
        }
        rule.apply(here.force, direction);
        const double squared_dual = -inner(here.force, direction, w);
        result.gap = inner(here.force, here.v, w) + here.penalty + 0.5 * tau * squared_dual;
        const double rounding = 16.0 * epsilon * (std::abs(here.energy) + here.penalty + tau * squared_dual);
        if (result.gap <= std::max(options.tol * (result.energy_before - here.energy), rounding)) {
            result.status = Status::Solved;
            break;
        }
        direction = tau * direction - here.v;
        bool descended = false;
        for (s = std::min(1.0, 2.0 * s); s > epsilon; s *= 0.5) {
            next.v = here.v + s * direction;
            if (functional.evaluate(next) && next.value() <= here.value() - 0.5 * s * result.gap) {
                descended = true;
                break;
            }
        }
        if (!descended) {
            result.status = Status::Stalled;
            break;
        }
        std::swap(here, next);
        observer.report({result.n_iter, here.value(), here.value(), 0.0});
    }

    result.converged = result.status == Status::Solved;
    result.points = x + here.v;
    result.energy_after = here.energy;
    result.pairing_cost = 2.0 * tau * here.penalty;
    result.transport = {0.0, result.pairing_cost};
    if (options.certify && result.points.allFinite() && !observer.cancel.requested()) {
        const TransportResult transport =
            solve({x, weights}, {result.points, weights}, gauge, {.tol = options.transport_tol}, {{}, observer.cancel});
        result.transport = transport.certificate;
        result.certified = transport.converged;
    }
    return result;
}

}  // namespace spectralot::flow
