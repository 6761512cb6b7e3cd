#include "arguments.hpp"
#include "gaussian_json.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "result_json.hpp"
#include "spectralot/gaussian/barycenter.hpp"
#include "spectralot/io/json.hpp"

#include <memory>

namespace spectralot::cli {
namespace {

struct GaussianCommand {
    std::filesystem::path file;
    GaugeArguments gauge;
    gaussian::GaussianOptions options;
    std::vector<double> times;
    bool verbose = false;

    int run() const;
};

int GaussianCommand::run() const {
    const DescribedGauge described = gauge.read();
    const auto [mu, nu] = gaussian_pair_from_json(io::read_json(file), file.string());

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

struct MixtureCommand {
    std::filesystem::path file;
    GaugeArguments gauge;
    MixtureOptions options;
    bool verbose = false;

    int run() const;
};

int MixtureCommand::run() const {
    const DescribedGauge described = gauge.read();
    const auto [mu, nu] = mixture_pair_from_json(io::read_json(file), file.string());

    const InterruptGuard guard;
    const MixtureResult result = [&] {
        ProgressLine line(ProgressLine::Kind::Bracket, options.max_iter, verbose);
        return solve_mixture(mu, nu, described.gauge, options, line.observer());
    }();

    nlohmann::ordered_json object = document("spectralot.mixture", described.description);
    object["dimension"] = result.metric.rows();
    object["options"] = to_json(options);
    add_outcome(object, result);
    object["plan"] = rows_of(result.plan);
    object["metric"] = rows_of(result.metric);
    object["moment"] = rows_of(result.moment);
    print(object);
    return result.converged ? Solved : NotSolved;
}

struct BarycenterCommand {
    std::filesystem::path file;
    GaugeArguments gauge;
    gaussian::BarycenterOptions options;
    bool verbose = false;

    int run() const;
};

int BarycenterCommand::run() const {
    const DescribedGauge described = gauge.read();
    const auto [weights, components] = gaussian_components_from_json(io::read_json(file), file.string());

    const InterruptGuard guard;
    const gaussian::BarycenterResult result = [&] {
        ProgressLine line(ProgressLine::Kind::Bracket, options.max_iter, verbose);
        return gaussian::barycenter(components, weights, described.gauge, options, line.observer());
    }();

    nlohmann::ordered_json object = document("spectralot.barycenter", described.description);
    object["dimension"] = result.gaussian.dimension();
    object["options"] = to_json(options);
    add_outcome(object, result);
    object["mean"] = std::vector<double>(result.gaussian.mean.begin(), result.gaussian.mean.end());
    object["covariance"] = rows_of(result.gaussian.covariance);
    for (const Matrix& metric : result.metrics) object["metrics"].push_back(rows_of(metric));
    print(object);
    return result.converged ? Solved : NotSolved;
}

}  // namespace

void add_barycenter(CLI::App& app, Action& action) {
    auto* command = app.add_subcommand("barycenter", "the Gaussian nearest to several, in squared distance");
    auto barycenter = std::make_shared<BarycenterCommand>();
    command
        ->add_option("components", barycenter->file,
                     "JSON file: {\"components\": [{\"weight\", \"mean\", \"covariance\"}, …]}")
        ->required();
    barycenter->gauge.add_to(*command);
    add_flags(*command, barycenter->options);
    command->add_flag("-v,--verbose", barycenter->verbose, "one line per iteration on standard error");
    command->footer("Example:\n  spectralot barycenter components.json --gauge schatten:2");
    command->callback([barycenter, &action] { action = [barycenter] { return barycenter->run(); }; });
}

void add_mixture(CLI::App& app, Action& action) {
    auto* command = app.add_subcommand("mixture", "certified distance between two Gaussian mixtures, by components");
    auto mixture = std::make_shared<MixtureCommand>();
    command
        ->add_option("pair", mixture->file,
                     "JSON file: {\"source\": {\"components\": [{\"weight\", \"mean\", \"covariance\"}, …]}, "
                     "\"target\": {…}}")
        ->required();
    mixture->gauge.add_to(*command);
    add_flags(*command, mixture->options);
    command->add_flag("-v,--verbose", mixture->verbose, "one line per iteration on standard error");
    command->footer("Example:\n  spectralot mixture mixtures.json --gauge schatten:2");
    command->callback([mixture, &action] { action = [mixture] { return mixture->run(); }; });
}

void add_gaussian(CLI::App& app, Action& action) {
    auto* command = app.add_subcommand("gaussian", "certified spectral Wasserstein distance between two Gaussians");
    auto gaussian = std::make_shared<GaussianCommand>();
    command->add_option("pair", gaussian->file, "JSON file: {\"source\": {\"mean\", \"covariance\"}, \"target\": {…}}")
        ->required();
    gaussian->gauge.add_to(*command);
    add_flags(*command, gaussian->options);
    command->add_option("--times", gaussian->times, "also the geodesic at these times in [0, 1], separated by commas")
        ->delimiter(',');
    command->add_flag("-v,--verbose", gaussian->verbose, "one line per iteration on standard error");
    command->footer("Example:\n  spectralot gaussian pair.json --gauge schatten:inf --times 0,0.5,1");
    command->callback([gaussian, &action] { action = [gaussian] { return gaussian->run(); }; });
}

}  // namespace spectralot::cli
