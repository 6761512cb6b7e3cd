#include "arguments.hpp"
#include "json_fields.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "result_json.hpp"
#include "spectralot/io/json.hpp"

#include <memory>

namespace spectralot::cli {
namespace {

struct GaussianPair {
    std::filesystem::path file;
    GaugeArguments gauge;
    gaussian::GaussianOptions options;
    std::vector<double> times;
    bool verbose = false;

    int run() const;
};

gaussian::Gaussian read_gaussian(const JsonField& field) {
    field.allow_only({"mean", "covariance"});
    const Matrix covariance = field["covariance"].matrix();
    return {field.has("mean") ? field["mean"].vector() : Vector(Vector::Zero(covariance.rows())), covariance};
}

int GaussianPair::run() const {
    const DescribedGauge described = gauge.read();
    const nlohmann::json document_read = io::read_json(file);
    const JsonField pair(document_read, file.string());
    pair.allow_only({"source", "target"});
    const gaussian::Gaussian mu = read_gaussian(pair["source"]), nu = read_gaussian(pair["target"]);

    const InterruptGuard guard;
    const gaussian::GaussianResult result = [&] {
        ProgressLine line(ProgressLine::Kind::Bracket, options.max_iter, verbose);
        return gaussian::solve(mu, nu, described.gauge, options, line.observer());
    }();

    nlohmann::ordered_json object = document("spectralot.gaussian", described.description);
    object["dimension"] = mu.dimension();
    object["options"] = to_json(options);
    add_outcome(object, result);
    object["cross_covariance"] = rows_of(result.cross_covariance);
    object["metric"] = rows_of(result.metric);
    object["moment"] = rows_of(result.moment);
    for (const double t : times) {
        const gaussian::Gaussian at = gaussian::geodesic(mu, nu, described.gauge, result.cross_covariance, t);
        object["geodesic"].push_back({{"time", t},
                                      {"mean", std::vector<double>(at.mean.begin(), at.mean.end())},
                                      {"covariance", rows_of(at.covariance)}});
    }
    print(object);
    return result.converged ? Solved : NotSolved;
}

}  // namespace

void add_gaussian(CLI::App& app, Action& action) {
    auto* command = app.add_subcommand("gaussian", "certified spectral Wasserstein distance between two Gaussians");
    auto pair = std::make_shared<GaussianPair>();
    command->add_option("pair", pair->file, "JSON file: {\"source\": {\"mean\", \"covariance\"}, \"target\": {…}}")
        ->required();
    pair->gauge.add_to(*command);
    add_flags(*command, pair->options);
    command->add_option("--times", pair->times, "also the geodesic at these times in [0, 1], separated by commas")
        ->delimiter(',');
    command->add_flag("-v,--verbose", pair->verbose, "one line per iteration on standard error");
    command->footer("Example:\n  spectralot gaussian pair.json --gauge schatten:inf --times 0,0.5,1");
    command->callback([pair, &action] { action = [pair] { return pair->run(); }; });
}

}  // namespace spectralot::cli
