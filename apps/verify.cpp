#include "arguments.hpp"
#include "result_json.hpp"
#include "spectralot/io/json.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

namespace spectralot::cli {
namespace {

struct Verify {
    PairArguments pair;
    std::filesystem::path result;

    int run() const;
};

/// How far two evaluations of one bracket may differ: a few hundred roundings of the largest cost between the clouds.
/// It depends on the clouds and the gauge alone, never on the file that is being checked.
double rounding_of(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge) {
    const Vector low = mu.points.colwise().minCoeff().cwiseMin(nu.points.colwise().minCoeff());
    const Vector high = mu.points.colwise().maxCoeff().cwiseMax(nu.points.colwise().maxCoeff());
    const auto d = static_cast<int>(mu.dimension());
    const ComparisonConstants constants = gauge.comparison_constants(d);
    const double largest = std::max(std::abs(constants.lower), std::abs(constants.upper));
    return 64.0 * (d + 4) * epsilon * largest * (high - low).squaredNorm();
}

/// The recomputed bracket proves the claimed one.
bool proves(const Certificate& recomputed, const StoredResult& stored, double rounding) {
    const Certificate& claimed = stored.claimed;
    const bool bracket = recomputed.lower >= claimed.lower - rounding && recomputed.upper <= claimed.upper + rounding;
    if (!stored.converged || !stored.tol) return bracket;
    return bracket && recomputed.upper - recomputed.lower <= *stored.tol * recomputed.upper + rounding;
}

int Verify::run() const {
    const StoredResult stored = result_from_json(io::read_json(result), result.string());
    const auto [mu, nu] = pair.read();
    const Verification verification = verify(mu, nu, stored.gauge.gauge, stored.plan, stored.metric, stored.potentials);
    const Certificate& bracket = verification.certificate;
    const bool agrees = proves(bracket, stored, rounding_of(mu, nu, stored.gauge.gauge));

    nlohmann::ordered_json object = document("spectralot.verification", stored.gauge.description);
    object["lower"] = bracket.lower;
    object["upper"] = bracket.upper;
    object["gap"] = bracket.relative_gap();
    object["claimed"] = {{"lower", stored.claimed.lower},
                         {"upper", stored.claimed.upper},
                         {"gap", stored.claimed.relative_gap()},
                         {"converged", stored.converged}};
    object["marginal_error"] = verification.marginal_error;
    object["metric_excess"] = verification.metric_excess;
    object["worst_slack"] = verification.worst_slack;
    object["agrees"] = agrees;
    print(object);
    return agrees ? solved : not_solved;
}

}  // namespace

void add_verify(CLI::App& app, Action& action) {
    auto* command =
        app.add_subcommand("verify", "recompute the bracket of a stored result from its plan, metric and potentials");
    auto arguments = std::make_shared<Verify>();
    arguments->pair.add_to(*command);
    command->add_option("result", arguments->result, "what `distance --json` or `emd --json` wrote")->required();
    command->footer(
        "Exit code 0 when the stored claims hold, 1 when they do not.\n"
        "Example:\n  spectralot verify X.npy Y.npy result.json");
    command->callback([arguments, &action] { action = [arguments] { return arguments->run(); }; });
}

}  // namespace spectralot::cli
