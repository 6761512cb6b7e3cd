#include "spectralot/flow/jko.hpp"

#include "core/weights.hpp"
#include "flow/proximal.hpp"
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
        return std::isfinite(at.value()) && is_finite(at.force);
    }

private:
    const Objective& objective_;
    const Points& x_;
    const Vector& weights_;
    const Gauge& gauge_;
    double tau_;
    Points y_;
};

/// Towards the minimiser of the linearised problem, by a part s that is halved until F falls by half of s·gap.
bool conditional_step(Functional& functional, const Points& direction, double gap, const Trial& here, Trial& next,
                      double& s) {
    for (s = std::min(1.0, 2.0 * s); s > epsilon; s *= 0.5) {
        next.v = here.v + s * direction;
        if (functional.evaluate(next) && next.value() <= here.value() - 0.5 * s * gap) return true;
    }
    return false;
}

/// Proximal gradient: an explicit step of length h on f, an implicit one on the penalty, halved until f lies below
/// its quadratic model of curvature 1/h. Where that curvature is lost in the rounding of f, until the forces say so.
bool proximal_step(Functional& functional, const ProximalMap& proximal, const Vector& weights, double tau,
                   const Trial& here, Trial& next, double& h) {
    constexpr double resolved = 1e-8;  // of |f|: half of its digits
    Points forward;
    for (h *= 1.5; h > epsilon * tau; h *= 0.5) {
        forward = here.v - h * here.force;
        proximal.apply(forward, h / tau, next.v);
        if (!functional.evaluate(next)) continue;
        const Points change = next.v - here.v;
        const double curvature = 0.5 / h * inner(change, change, weights);
        const bool below = curvature > resolved * std::abs(here.energy)
                               ? next.energy <= here.energy + inner(here.force, change, weights) + curvature
                               : inner(next.force - here.force, change, weights) <= 2.0 * curvature;
        if (below) return true;
    }
    return false;
}

void check_arguments(const Points& x, const Vector& weights, const Gauge& gauge, double tau, const JkoOptions& o) {
    check_measure({x, weights}, "x", "weights");
    if (!(tau > 0.0) || std::isinf(tau)) throw_invalid("tau", "must be positive and finite", to_text(tau));
    if (!(o.tol > 0.0)) throw_invalid("tol", "must be positive", to_text(o.tol));
    if (o.max_iter < 1) throw_invalid("max_iter", "must be at least 1", std::to_string(o.max_iter));
    if (!gauge.is_monotone())
        throw_invalid("gauge", "must be monotone: a flow needs a norm on velocities", gauge.repr());
    if (o.certify) check_static(gauge, static_cast<int>(x.cols()));
    gauge.model().check_columns(static_cast<int>(x.cols()));
}

}  // namespace

JkoResult jko_step(const Objective& objective, const Points& x, const Vector& weights, const Gauge& gauge, double tau,
                   const JkoOptions& options, const Observer& observer) {
    check_arguments(x, weights, gauge, tau, options);
    const Vector w = normalised_weights(weights, x.rows(), "weights", "particle");
    const FlowOptions exact;
    const VelocityRule rule(gauge, exact, w, x.cols());
    Functional functional(objective, x, w, gauge, tau);

    JkoResult result;
    Trial here, next;
    here.v = Points::Zero(x.rows(), x.cols());
    const bool finite = functional.evaluate(here);
    result.energy_before = here.energy;
    const ProximalMap proximal(gauge, static_cast<int>(x.cols()), w);
    Points direction;
    double s = 1.0, h = tau;
    bool stiff = false;  // full steps of the conditional gradient overshoot
    result.status = finite ? Status::IterationLimit : Status::Stalled;
    for (; finite && result.n_iter < options.max_iter; ++result.n_iter) {
        if (observer.cancel.requested()) {
            result.status = Status::Interrupted;
            break;
        }
        direction = -here.v;  // to the minimiser of the linearised problem, τJ(g)
        const double squared_dual = rule.move(direction, tau, here.force, rule.map(here.force), here.force, direction);
        result.gap = inner(here.force, here.v, w) + here.penalty + 0.5 * tau * squared_dual;
        const double rounding = 16.0 * epsilon * (std::abs(here.energy) + here.penalty + tau * squared_dual);
        if (result.gap <= std::max(options.tol * (result.energy_before - here.energy), rounding)) {
            result.status = Status::Solved;
            break;
        }
        const bool moved = stiff && proximal.exists()
                               ? proximal_step(functional, proximal, w, tau, here, next, h)
                               : conditional_step(functional, direction, result.gap, here, next, s);
        stiff = stiff || s < 1.0;
        if (!moved) {
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
