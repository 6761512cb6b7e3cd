#include "spectralot/ode/integrate.hpp"

#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace spectralot::ode {

namespace {

constexpr int n_stages = 7;
constexpr std::array<double, n_stages> node = {0.0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1.0, 1.0};
constexpr double weight[n_stages][n_stages - 1] = {
    {},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0.0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
};
/// Fifth-order minus fourth-order solution.
constexpr std::array<double, n_stages> error_weight = {71.0 / 57600,      0.0,        -71.0 / 16695, 71.0 / 1920,
                                                       -17253.0 / 339200, 22.0 / 525, -1.0 / 40};
constexpr std::array<double, n_stages> dense_weight = {-12715105075.0 / 11282082432,  0.0,
                                                       87487479700.0 / 32700410799,   -10690763975.0 / 1880347072,
                                                       701980252875.0 / 199316789632, -1453857185.0 / 822651844,
                                                       69997945.0 / 29380423};

/// One step from y: the stages and what follows from them.
class Step {
public:
    Step(double t, double h, const Vector& y, const Vector& slope) : t_(t), h_(h), y_(y) { stage_[0] = slope; }

    /// False when a stage leaves the domain.
    bool compute(const RightHandSide& f) {
        for (int i = 1; i < n_stages; ++i) {
            end_ = y_;
            for (int j = 0; j < i; ++j)
                if (weight[i][j] != 0.0) end_ += h_ * weight[i][j] * stage_[std::size_t(j)];
            stage_[std::size_t(i)].resize(y_.size());
            f(t_ + node[std::size_t(i)] * h_, end_, stage_[std::size_t(i)]);
            if (!stage_[std::size_t(i)].allFinite()) return false;
        }
        return end_.allFinite();
    }

    /// Root mean square of the error relative to the tolerances: acceptable up to one.
    [[nodiscard]] double error(const IntegrateOptions& options) const {
        double sum = 0.0;
        for (Index k = 0; k < y_.size(); ++k) {
            double e = 0.0;
            for (std::size_t i = 0; i < n_stages; ++i) e += error_weight[i] * stage_[i][k];
            const double scale = options.atol + options.rtol * std::max(std::abs(y_[k]), std::abs(end_[k]));
            sum += (h_ * e / scale) * (h_ * e / scale);
        }
        return std::sqrt(sum / double(std::max<Index>(y_.size(), 1)));
    }

    /// The state at t + θh by the fourth-order interpolant.
    [[nodiscard]] Vector at(double theta) const {
        const Vector difference = end_ - y_;
        const Vector bend = h_ * stage_[0] - difference;
        Vector high = Vector::Zero(y_.size());
        for (std::size_t i = 0; i < n_stages; ++i) high += h_ * dense_weight[i] * stage_[i];
        const double rest = 1.0 - theta;
        return y_ +
               theta * (difference + rest * (bend + theta * (difference - h_ * stage_.back() - bend + rest * high)));
    }

    [[nodiscard]] double begin() const { return t_; }
    [[nodiscard]] double length() const { return h_; }
    [[nodiscard]] const Vector& end() const { return end_; }
    [[nodiscard]] const Vector& end_slope() const { return stage_.back(); }

private:
    double t_, h_;
    const Vector& y_;
    Vector end_;
    std::array<Vector, n_stages> stage_;
};

/// The largest θ found with a positive event function, by bisection: the event lies just beyond.
double locate(const Step& step, const Event& event) {
    double before = 0.0, after = 1.0;
    while (after - before > 4.0 * epsilon) {
        const double middle = 0.5 * (before + after);
        (event(step.begin() + middle * step.length(), step.at(middle)) > 0.0 ? before : after) = middle;
    }
    return after;
}

/// Hairer's rule: a step over which y and f change by about one per cent of their scale.
double first_step(const RightHandSide& f, double t, const Vector& y, const Vector& slope,
                  const IntegrateOptions& options, double most) {
    const Vector scale = (options.atol + options.rtol * y.array().abs()).matrix();
    const auto size = [&](const Vector& v) {
        return std::sqrt(v.cwiseQuotient(scale).squaredNorm() / double(std::max<Index>(v.size(), 1)));
    };
    const double d0 = size(y), d1 = size(slope);
    const double h = std::min(most, d0 < 1e-5 || d1 < 1e-5 ? 1e-6 * std::max(most, epsilon) : 0.01 * d0 / d1);
    Vector next(y.size());
    f(t + h, y + h * slope, next);
    const double d2 = next.allFinite() ? size(next - slope) / h : infinity;
    const double steepest = std::max(d1, d2);
    const double guess = steepest <= 1e-15 ? std::max(1e-6 * most, 1e-3 * h) : std::pow(0.01 / steepest, 0.2);
    return std::min({100.0 * h, std::isfinite(guess) && guess > 0.0 ? guess : h, most});
}

}  // namespace

Outcome integrate(const RightHandSide& f, double t0, const Vector& y0, double t1, const IntegrateOptions& options,
                  const std::vector<Event>& events, const std::function<void(double, const Vector&)>& on_step,
                  const CancelToken& cancel) {
    if (!(options.rtol > 0.0)) throw_invalid("rtol", "must be positive", to_text(options.rtol));
    if (!(options.atol > 0.0)) throw_invalid("atol", "must be positive", to_text(options.atol));
    if (!(t1 >= t0) || std::isinf(t1)) throw_invalid("t1", "must be finite and at least t0", to_text(t1));
    Outcome outcome;
    outcome.t = t0;
    outcome.y = y0;
    const auto stop = [&](Status status) {
        outcome.status = status;
        return outcome;
    };
    if (t1 == t0) return outcome;

    Vector slope(y0.size());
    f(t0, y0, slope);
    if (!slope.allFinite()) return stop(Status::Stalled);
    std::vector<double> level(events.size());
    for (std::size_t e = 0; e < events.size(); ++e) level[e] = events[e](t0, y0);
    double h = options.first_step > 0.0 ? std::min(options.first_step, t1 - t0)
                                        : first_step(f, t0, y0, slope, options, t1 - t0);
    bool rejected = false;
    while (outcome.t < t1) {
        if (cancel.requested()) return stop(Status::Interrupted);
        if (outcome.n_steps + outcome.n_rejected >= options.max_steps) return stop(Status::IterationLimit);
        const bool last = outcome.t + h >= t1 * (1.0 - epsilon) || t1 - outcome.t <= h;
        if (last) h = t1 - outcome.t;
        if (h <= 16.0 * epsilon * std::max(std::abs(outcome.t), t1 - t0) * 1e-3 && !last) return stop(Status::Stalled);

        Step step(outcome.t, h, outcome.y, slope);
        const double error = step.compute(f) ? step.error(options) : infinity;
        if (!(error <= 1.0)) {
            h *= std::isfinite(error) ? std::clamp(0.9 * std::pow(error, -0.2), 0.1, 0.9) : 0.25;
            rejected = true;
            ++outcome.n_rejected;
            continue;
        }
        // The earliest event inside the step.
        double theta = 1.0;
        for (std::size_t e = 0; e < events.size(); ++e) {
            const double after = events[e](outcome.t + h, step.end());
            if (level[e] > 0.0 && !(after > 0.0)) {
                const double found = locate(step, events[e]);
                if (outcome.event < 0 || found < theta) {
                    outcome.event = int(e);
                    theta = found;
                }
            }
            level[e] = after;
        }
        ++outcome.n_steps;
        const Vector end = outcome.event < 0 ? step.end() : step.at(theta);
        slope = step.end_slope();
        outcome.t = outcome.event < 0 && last ? t1 : outcome.t + theta * h;
        outcome.y = end;
        if (on_step) on_step(outcome.t, outcome.y);
        if (outcome.event >= 0) return outcome;
        const double growth = std::clamp(0.9 * std::pow(std::max(error, 1e-10), -0.2), 0.2, rejected ? 1.0 : 5.0);
        h *= growth;
        rejected = false;
    }
    return outcome;
}

}  // namespace spectralot::ode
