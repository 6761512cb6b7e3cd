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

struct SpherePair {
    PairArguments pair;
    GaugeArguments gauge;
    sphere::SphereOptions options;
    std::vector<double> times;
    std::filesystem::path out, json;
    bool verbose = false;

    int run() const;
};

int SpherePair::run() const {
    check_output(json);
    const DescribedGauge described = gauge.read();
    for (const double t : times)
        if (!(t >= 0.0 && t <= 1.0)) throw_invalid("--times", "must lie in [0, 1]", to_text(t));
    if (!times.empty() && out.empty()) throw_invalid("--out", "must name a folder when there are --times", "nothing");
    const sphere::SphericalMeasure nu0 = reduced(pair.a.read()), nu1 = reduced(pair.b.read());
    if (!out.empty()) {
        std::error_code error;
        std::filesystem::create_directories(out, error);
        if (error) throw FileError(out.string() + ": cannot create the folder: " + error.message());
    }

    const InterruptGuard guard;
    const sphere::SphereResult result = [&] {
        ProgressLine line(ProgressLine::Kind::Bracket, options.max_iter, verbose);
        return sphere::solve(nu0, nu1, described.gauge, options, line.observer());
    }();

    nlohmann::ordered_json object = summary_of(result, described, nu0, nu1, to_json(options));
    for (const double t : times) {
        const sphere::SphericalMeasure frame = sphere::geodesic(nu0, nu1, result.coupling, t);
        const std::string directions = "directions_" + to_text(t) + ".npy", masses = "masses_" + to_text(t) + ".npy";
        io::write_npy(out / directions, frame.directions);
        io::write_npy(out / masses, frame.masses);
        object["geodesic"].push_back({{"time", t}, {"directions", directions}, {"masses", masses}});
    }
    print(object);
    if (!json.empty()) {
        add_arrays(object, result);
        io::write_json(json, object);
    }
    return result.converged ? Solved : NotSolved;
}

}  // namespace

void add_sphere(CLI::App& app, Action& action) {
    auto* command = app.add_subcommand(
        "sphere", "certified unbalanced distance between two clouds reduced to the sphere (mass w|x|² along x/|x|)");
    auto arguments = std::make_shared<SpherePair>();
    arguments->pair.add_to(*command);
    arguments->gauge.add_to(*command);
    add_flags(*command, arguments->options);
    command->add_option("--times", arguments->times, "geodesic at these times in [0, 1], separated by commas")
        ->delimiter(',');
    command->add_option("--out", arguments->out, "folder for directions_<time>.npy and masses_<time>.npy");
    command->add_option("--json", arguments->json, "write the whole result, which `verify` reads");
    command->add_flag("-v,--verbose", arguments->verbose, "one line per iteration on standard error");
    command->footer(
        "Weights are taken as they are, 1/n without a file: masses need not agree.\n"
        "Example:\n  spectralot sphere X.npy Y.npy --gauge operator --times 0,0.5,1 --out frames/");
    command->callback([arguments, &action] { action = [arguments] { return arguments->run(); }; });
}

}  // namespace spectralot::cli
