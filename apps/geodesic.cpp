#include "arguments.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "result_json.hpp"
#include "spectralot/io/json.hpp"
#include "spectralot/io/npy.hpp"

#include <memory>
#include <vector>

namespace spectralot::cli {
namespace {

struct Geodesic {
    SolveArguments problem;
    std::vector<double> times = {0.0, 0.25, 0.5, 0.75, 1.0};
    std::filesystem::path out;

    int run() const;
};

/// What `geodesic` would refuse after the solve is refused before it.
void check(const Gauge& gauge, const std::vector<double>& times) {
    if (!gauge.is_monotone()) throw_invalid("gauge", "must be monotone: otherwise there is no geodesic", gauge.repr());
    for (const double t : times) {
        if (!(t >= 0.0 && t <= 1.0)) throw_invalid("--times", "must lie in [0, 1]", to_text(t));
    }
}

int Geodesic::run() const {
    const DescribedGauge described = problem.gauge.read();
    check(described.gauge, times);
    const auto [mu, nu] = problem.pair.read();
    std::error_code error;
    std::filesystem::create_directories(out, error);
    if (error) throw FileError(out.string() + ": cannot create the folder: " + error.message());

    const InterruptGuard guard;
    const TransportResult result = problem.solve(mu, nu, described.gauge);

    nlohmann::ordered_json index = document("spectralot.geodesic", described.description);
    index["weights"] = "weights.npy";
    index["frames"] = nlohmann::ordered_json::array();
    for (const double t : times) {
        const DiscreteMeasure frame = geodesic(mu, nu, described.gauge, result.plan, t);
        const std::string file = "geodesic_" + to_text(t) + ".npy";
        io::write_npy(out / file, frame.points);
        io::write_npy(out / "weights.npy", frame.weights);  // one atom per plan entry: the same at every time
        index["frames"].push_back({{"time", t}, {"points", file}});
    }
    index["transport"] = summary_of(result, described, mu, nu, to_json(problem.options));
    io::write_json(out / "index.json", index);
    print(index);
    return result.converged ? solved : not_solved;
}

}  // namespace

void add_geodesic(CLI::App& app, Action& action) {
    auto* command = app.add_subcommand("geodesic", "displacement interpolation between two clouds, one file per time");
    auto arguments = std::make_shared<Geodesic>();
    arguments->problem.add_to(*command);
    command->add_option("--times", arguments->times, "times in [0, 1], separated by commas")
        ->delimiter(',')
        ->capture_default_str();
    command->add_option("--out", arguments->out, "folder for geodesic_<time>.npy, weights.npy and index.json")
        ->required();
    command->footer("Example:\n  spectralot geodesic X.npy Y.npy --gauge operator --times 0,0.5,1 --out frames/");
    command->callback([arguments, &action] { action = [arguments] { return arguments->run(); }; });
}

}  // namespace spectralot::cli
