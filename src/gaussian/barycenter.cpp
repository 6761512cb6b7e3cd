#include "spectralot/gaussian/barycenter.hpp"

#include "gaussian/barycenter_search.hpp"
#include "saddle/program.hpp"
#include "spectralot/core/errors.hpp"

#include <cmath>

namespace spectralot::gaussian {

double BarycenterResult::distance() const {
    return std::sqrt(value);
}

BarycenterResult barycenter(const std::vector<Gaussian>& given, const Vector& weights, const Gauge& gauge,
                            const BarycenterOptions& options, const Observer& observer) {
    const Components components(given, weights);
    const auto d = int(components.dimension());
    if (!(options.tol > 0.0 && options.tol < 1.0)) throw_invalid("tol", "must lie in (0, 1)", to_text(options.tol));
    if (options.max_iter < 1) throw_invalid("max_iter", "must be at least 1", std::to_string(options.max_iter));
    check_static(gauge, d);
    if (!gauge.is_monotone()) throw_invalid("gauge", "must be monotone: others have no barycenter", gauge.repr());

    BarycenterSearch search(components, gauge, options, observer);
    constexpr int largest = 50;  // the path's equations are dense, with d² unknowns
    const std::optional<GaugeProgram> program = gauge.program(d);
    const GaugeLeaf* ball = saddle::single_ball(program);
    const bool smooth = ball && ball->kind == GaugeLeaf::Kind::Schatten && ball->p <= 2.0;  // few fixed points do
    if (ball && !smooth && d <= largest)
        follow_saddle_path(search, *ball);
    else
        ascend_metrics(search);
    return search.take_result();
}

}  // namespace spectralot::gaussian
