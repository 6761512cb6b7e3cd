#include "arguments.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "result_files.hpp"

#include <memory>

namespace spectralot::cli {
namespace {

struct Distance {
    SolveArguments problem;
    ResultFiles files;

    int run() const;
};

int Distance::run() const {
    files.check();
    const DescribedGauge described = problem.gauge.read();
    const auto [mu, nu] = problem.pair.read();

    const InterruptGuard guard;
    const TransportResult result = problem.solve(mu, nu, described.gauge);
    files.write(result, described, mu, nu, to_json(problem.options));
    return result.converged ? solved : not_solved;
}

}  // namespace

void add_distance(CLI::App& app, Action& action) {
    auto* command = app.add_subcommand("distance", "certified spectral Wasserstein distance between two clouds");
    auto distance = std::make_shared<Distance>();
    distance->problem.add_to(*command);
    distance->files.add_to(*command);
    command->footer("Example:\n  spectralot distance X.npy Y.npy --gauge schatten:2 --json result.json");
    command->callback([distance, &action] { action = [distance] { return distance->run(); }; });
}

}  // namespace spectralot::cli
