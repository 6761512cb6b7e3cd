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

/// A result that calls itself converged must claim a bracket that closes to its tolerance.
bool keeps_its_tolerance(const Claim& claim, double rounding) {
    const auto& [lower, upper] = claim.bracket;
    return !claim.converged || !claim.tol || upper - lower <= *claim.tol * upper + rounding;
}

Verification verification_of(const StoredTransport& stored, const DiscreteMeasure& mu, const DiscreteMeasure& nu) {
    return verify(mu, nu, stored.claim.gauge.gauge, stored.plan, stored.claim.metric, stored.potentials);
}
Verification verification_of(const StoredSphere& stored, const DiscreteMeasure& mu, const DiscreteMeasure& nu) {
    return sphere::verify(reduced(mu), reduced(nu), stored.claim.gauge.gauge, stored.coupling, stored.claim.metric,
                          stored.potentials);
}

int Verify::run() const {
    const auto stored = result_from_json(io::read_json(result), result.string());
    const auto measures = pair.read();
    const auto verification =
        std::visit([&](const auto& of) { return verification_of(of, measures.first, measures.second); }, stored);
    const Claim& claim = std::visit([](const auto& of) -> const Claim& { return of.claim; }, stored);
    const Certificate& bracket = verification.certificate;
    const bool agrees = verification.confirms(claim.bracket) && keeps_its_tolerance(claim, verification.rounding);

    nlohmann::ordered_json object = document("spectralot.verification", claim.gauge.description);
    object["lower"] = bracket.lower;
    object["upper"] = bracket.upper;
    object["gap"] = bracket.relative_gap();
    object["claimed"] = {{"lower", claim.bracket.lower},
                         {"upper", claim.bracket.upper},
                         {"gap", claim.bracket.relative_gap()},
                         {"converged", claim.converged}};
    object["marginal_error"] = verification.marginal_error;
    object["metric_excess"] = verification.metric_excess;
    object["worst_slack"] = verification.worst_slack;
    object["agrees"] = agrees;
    print(object);
    return agrees ? Solved : NotSolved;
}

}  // namespace

void add_verify(CLI::App& app, Action& action) {
    auto* command =
        app.add_subcommand("verify", "recompute the bracket of a stored result from its plan, metric and potentials");
    auto arguments = std::make_shared<Verify>();
    arguments->pair.add_to(*command);
    command->add_option("result", arguments->result, "what `distance`, `emd` or `sphere` wrote with --json")
        ->required();
    command->footer(
        "Exit code 0 when the stored claims hold, 1 when they do not.\n"
        "Example:\n  spectralot verify X.npy Y.npy result.json");
    command->callback([arguments, &action] { action = [arguments] { return arguments->run(); }; });
}

}  // namespace spectralot::cli
