#include "spectralot/gaussian/modal.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/ode/integrate.hpp"

#include <cmath>

namespace spectralot::gaussian {

namespace {

/// The right-hand side in the coordinates w = (a^η, b^η), or logarithms for p = 1. `frozen` marks what no longer
/// moves; an extinct eigenvalue is frozen at w = 0 (p > 1) or -∞.
class Modes {
public:
    Modes(const Vector& beta, double p)
        : beta_(beta),
          q_(std::isinf(p) ? 1.0 : 2.0 * p / (2.0 * p - 1.0)),
          eta_(1.0 - 0.5 * q_),
          logarithmic_(p == 1.0) {}

    [[nodiscard]] Index size() const { return beta_.size(); }
    [[nodiscard]] bool logarithmic() const { return logarithmic_; }
    [[nodiscard]] double coordinate(double a) const { return logarithmic_ ? std::log(a) : std::pow(a, eta_); }
    [[nodiscard]] double eigenvalue(double w) const {
        return logarithmic_ ? std::exp(w) : std::pow(std::max(w, 0.0), 1.0 / eta_);
    }
    [[nodiscard]] double a(const Vector& y, Index j) const { return eigenvalue(y[j]); }
    [[nodiscard]] double b(const Vector& y, Index j) const { return eigenvalue(y[size() + j]); }
    [[nodiscard]] double error(const Vector& y, Index j) const { return 0.5 * (a(y, j) - b(y, j)) - beta_[j]; }
    [[nodiscard]] double invariant(const Vector& y, Index j) const {
        const double sum = y[j] + y[size() + j];
        return logarithmic_ ? std::exp(sum) : sum;
    }

    /// 𝒩; settled modes do not count.
    [[nodiscard]] double norm(const Vector& y, const std::vector<bool>& settled) const {
        double sum = 0.0;
        for (Index j = 0; j < size(); ++j)
            if (!settled[std::size_t(j)])
                sum +=
                    std::pow(std::abs(error(y, j)), q_) * (std::pow(a(y, j), 0.5 * q_) + std::pow(b(y, j), 0.5 * q_));
        return std::pow(sum, 1.0 / q_);
    }

    void slope(const Vector& y, const std::vector<bool>& frozen, const std::vector<bool>& settled, Vector& out) const {
        const double n = norm(y, settled);
        const double speed = n > 0.0 ? 2.0 * std::pow(n, 2.0 - q_) * (logarithmic_ ? 1.0 : eta_) : 0.0;
        for (Index j = 0; j < size(); ++j) {
            const double e = error(y, j);
            const double pull =
                settled[std::size_t(j)] ? 0.0 : speed * std::copysign(std::pow(std::abs(e), q_ - 1.0), e);
            out[j] = frozen[std::size_t(j)] ? 0.0 : -pull;
            out[size() + j] = frozen[std::size_t(size() + j)] ? 0.0 : pull;
        }
        out[2 * size()] = n * n;
    }

private:
    Vector beta_;
    double q_, eta_;
    bool logarithmic_;
};

void check(const Vector& r0, const Vector& s0, const Vector& beta, double p, double t_max,
           const ModalOptions& options) {
    if (!(p >= 1.0)) throw_invalid("p", "must be at least 1", to_text(p));
    if (r0.size() == 0) throw_invalid("r0", "must not be empty", "no modes");
    if (s0.size() != r0.size())
        throw_invalid("s0", "must have one entry per mode, " + std::to_string(r0.size()), std::to_string(s0.size()));
    if (beta.size() != r0.size())
        throw_invalid("beta", "must have one entry per mode, " + std::to_string(r0.size()),
                      std::to_string(beta.size()));
    for (Index j = 0; j < r0.size(); ++j) {
        if (!std::isfinite(beta[j])) throw_invalid("beta", "must be finite", to_text(beta[j]));
        if (!std::isfinite(s0[j])) throw_invalid("s0", "must be finite", to_text(s0[j]));
        if (!(std::abs(r0[j]) <= s0[j]))
            throw_invalid("r0", "must satisfy |r| <= s in every mode", to_text(r0[j]) + " with s = " + to_text(s0[j]));
    }
    if (!(t_max >= 0.0) || std::isinf(t_max)) throw_invalid("t_max", "must be finite and at least 0", to_text(t_max));
    if (options.max_steps < 1) throw_invalid("max_steps", "must be at least 1", std::to_string(options.max_steps));
}

}  // namespace

ModalTrajectory modal_flow(const Vector& r0, const Vector& s0, const Vector& beta, double p, double t_max,
                           const ModalOptions& options, const CancelToken& cancel) {
    check(r0, s0, beta, p, t_max, options);
    const Modes modes(beta, p);
    const Index m = r0.size();
    Vector y(2 * m + 1);
    std::vector<bool> frozen(std::size_t(2 * m)), settled(static_cast<std::size_t>(m));
    for (Index j = 0; j < m; ++j) {
        const double start[2] = {s0[j] + r0[j], s0[j] - r0[j]};
        for (Index side = 0; side < 2; ++side) {
            frozen[std::size_t(side * m + j)] = !(start[side] > 0.0);
            y[side * m + j] = modes.coordinate(start[side]);
        }
    }
    y[2 * m] = 0.0;
    // A frozen logarithm is -∞: the integrator sees a finite stand-in whose eigenvalue underflows to zero.
    for (Index i = 0; i < 2 * m; ++i)
        if (std::isinf(y[i])) y[i] = -1e4;

    std::vector<double> times, energy, dissipation, residual;
    std::vector<Vector> states;
    const auto record = [&](double t, const Vector& at) {
        times.push_back(t);
        states.push_back(at);
        double f = 0.0;
        for (Index j = 0; j < m; ++j) f += 0.5 * modes.error(at, j) * modes.error(at, j);
        const double norm = modes.norm(at, settled);
        energy.push_back(f);
        dissipation.push_back(norm * norm);
        residual.push_back(std::abs(energy.front() - f - at[2 * m]));
    };
    record(0.0, y);

    ModalTrajectory result;
    ode::IntegrateOptions integrate_options{
        .rtol = options.rtol, .atol = options.rtol * 1e-2, .max_steps = options.max_steps};
    // Below this the error of the steps drives ψ, which is steep at zero, and not the flow.
    const auto settle_level = [&](Index j) { return 100.0 * options.rtol * std::max(std::abs(beta[j]), s0[j]); };
    for (double t = 0.0; t < t_max;) {
        std::vector<ode::Event> events;
        std::vector<ModalEvent> meaning;
        if (!modes.logarithmic()) {
            for (Index j = 0; j < m; ++j) {
                if (settled[std::size_t(j)]) continue;
                for (Index side = 0; side < 2; ++side) {
                    const Index i = side * m + j;
                    if (frozen[std::size_t(i)]) continue;
                    events.emplace_back([i](double, const Vector& at) { return at[i]; });
                    meaning.emplace_back(0.0, int(j), side == 0 ? ModalEvent::Kind::LostA : ModalEvent::Kind::LostB);
                }
                // Signed by the side it comes from: a step may not jump over the target unnoticed.
                const double sign = modes.error(y, j) >= 0.0 ? 1.0 : -1.0;
                events.emplace_back(
                    [&, j, sign](double, const Vector& at) { return sign * modes.error(at, j) - settle_level(j); });
                meaning.emplace_back(0.0, int(j), ModalEvent::Kind::Settled);
            }
        }
        const ode::Outcome outcome =
            ode::integrate([&](double, const Vector& at, Vector& slope) { modes.slope(at, frozen, settled, slope); }, t,
                           y, t_max, integrate_options, events, record, cancel);
        integrate_options.max_steps -= outcome.n_steps + outcome.n_rejected;
        t = outcome.t;
        y = outcome.y;
        if (outcome.event >= 0) {
            ModalEvent event = meaning[std::size_t(outcome.event)];
            event.time = t;
            if (event.kind == ModalEvent::Kind::Settled) {
                settled[std::size_t(event.mode)] = true;
            } else {
                const Index i = event.mode + (event.kind == ModalEvent::Kind::LostB ? m : 0);
                frozen[std::size_t(i)] = true;
                y[i] = 0.0;
                states.back()[i] = 0.0;
            }
            result.events.emplace_back(event);
        }
        if (outcome.status != Status::Solved || integrate_options.max_steps < 1) {
            result.status = outcome.status == Status::Solved ? Status::IterationLimit : outcome.status;
            break;
        }
    }

    const auto k = Index(times.size());
    const auto to_vector = [](const std::vector<double>& v) {
        return Vector(Eigen::Map<const Vector>(v.data(), Index(v.size())));
    };
    result.times = to_vector(times);
    result.energy = to_vector(energy);
    result.dissipation = to_vector(dissipation);
    result.balance_residual = to_vector(residual);
    result.r.resize(k, m);
    result.s.resize(k, m);
    result.invariant.resize(k, m);
    for (Index i = 0; i < k; ++i) {
        for (Index j = 0; j < m; ++j) {
            const Vector& at = states[std::size_t(i)];
            result.r(i, j) = 0.5 * (modes.a(at, j) - modes.b(at, j));
            result.s(i, j) = 0.5 * (modes.a(at, j) + modes.b(at, j));
            result.invariant(i, j) = modes.invariant(at, j);
        }
    }
    return result;
}

}  // namespace spectralot::gaussian
