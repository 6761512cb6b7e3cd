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
bool keeps_its_tolerance(const StoredResult& stored, double rounding) {
    const auto& [lower, upper] = stored.claimed;
    return !stored.converged || !stored.tol || upper - lower <= *stored.tol * upper + rounding;
}

int Verify::run() const {
    const StoredResult stored = result_from_json(io::read_json(result), result.string());
    const auto [mu, nu] = pair.read();
    const Verification verification = verify(mu, nu, stored.gauge.gauge, stored.plan, stored.metric, stored.potentials);
    const Certificate& bracket = verification.certificate;
    const bool agrees = verification.confirms(stored.claimed) && keeps_its_tolerance(stored, verification.rounding);

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
    return agrees ? Solved : NotSolved;
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
