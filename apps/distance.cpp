#include "arguments.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "result_json.hpp"
#include "spectralot/io/file.hpp"
#include "spectralot/io/json.hpp"

#include <memory>
#include <ostream>

namespace spectralot::cli {
namespace {

struct Distance {
    SolveArguments problem;
    std::filesystem::path plan;
    std::filesystem::path json;

    int run() const;
};

void write_plan(const std::filesystem::path& path, const SparsePlan& plan) {
    io::write_atomically(path, [&](std::ostream& out) {
        out << "row,col,mass\n";
        for (std::size_t t = 0; t < plan.size(); ++t) {
            out << plan.row[t] << ',' << plan.col[t] << ',' << to_text(plan.mass[t]) << '\n';
        }
    });
}

int Distance::run() const {
    check_output(plan);
    check_output(json);
    const DescribedGauge described = problem.gauge.read();
    const auto [mu, nu] = problem.pair.read();

    const InterruptGuard guard;
    const TransportResult result = problem.solve(mu, nu, described.gauge);

    nlohmann::ordered_json object = summary_of(result, described, mu, nu, to_json(problem.options));
    print(object);
    if (!plan.empty()) write_plan(plan, result.plan);
    if (!json.empty()) {
        add_arrays(object, result);
        io::write_json(json, object);
    }
    return result.converged ? Solved : NotSolved;
}

}  // namespace

void add_distance(CLI::App& app, Action& action) {
    auto* command = app.add_subcommand("distance", "certified spectral Wasserstein distance between two clouds");
    auto distance = std::make_shared<Distance>();
    distance->problem.add_to(*command);
    command->add_option("--plan", distance->plan, "write the plan as CSV: row,col,mass");
    command->add_option("--json", distance->json, "write the whole result, which `verify` reads");
    command->footer("Example:\n  spectralot distance X.npy Y.npy --gauge schatten:2 --json result.json");
    command->callback([distance, &action] { action = [distance] { return distance->run(); }; });
}

}  // namespace spectralot::cli
