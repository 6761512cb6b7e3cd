#include "arguments.hpp"

#include "options.hpp"
#include "progress.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/io/json.hpp"
#include "spectralot/io/table.hpp"

#include <iostream>

namespace spectralot::cli {

DiscreteMeasure MeasureFile::read() const {
    DiscreteMeasure measure{io::read_points(points), weights.empty() ? Vector{} : io::read_weights(weights)};
    // An empty file of weights is a mistake, not the default.
    if (!weights.empty() && measure.weights.size() == 0)
        throw_invalid(weights.string(), "needs one weight per point", "none");
    check_measure(measure, points.string(), weights.string());
    return measure;
}

void PairArguments::add_to(CLI::App& command) {
    command.add_option("X", a.points, "points of the first measure, one per row (.npy or .csv)")->required();
    command.add_option("Y", b.points, "points of the second measure")->required();
    command.add_option("--weights-a", a.weights, "weights of X; uniform when left out");
    command.add_option("--weights-b", b.weights, "weights of Y; uniform when left out");
}

std::pair<DiscreteMeasure, DiscreteMeasure> PairArguments::read() const {
    std::pair<DiscreteMeasure, DiscreteMeasure> pair{a.read(), b.read()};
    if (pair.first.dimension() != pair.second.dimension()) {
        throw_invalid(
            b.points.string(),
            "needs the dimension of " + a.points.string() + " (" + std::to_string(pair.first.dimension()) + ")",
            std::to_string(pair.second.dimension()));
    }
    return pair;
}

sphere::SphericalMeasure reduced(const DiscreteMeasure& cloud) {
    return sphere::project(cloud.points, cloud.weights);
}

void GaugeArguments::add_to(CLI::App& command) {
    auto* group = command.add_option_group("gauge");
    group->add_option("--gauge", text, "schatten:P (P >= 1 or inf), trace, operator, ky-fan:K");
    group->add_option("--gauge-file", file, R"(any gauge as JSON, for example {"name": "schatten", "p": 2})");
    group->require_option(1);
}

DescribedGauge GaugeArguments::read() const {
    return file.empty() ? gauge_from_text(text) : gauge_from_file(file);
}

void SolveArguments::add_to(CLI::App& command) {
    pair.add_to(command);
    gauge.add_to(command);
    add_flags(command, options);
    command.add_flag("-v,--verbose", verbose, "one line per iteration on standard error");
}

TransportResult SolveArguments::solve(const DiscreteMeasure& mu, const DiscreteMeasure& nu,
                                      const Gauge& solved_gauge) const {
    ProgressLine line(ProgressLine::Kind::Bracket, options.max_iter, verbose);
    return spectralot::solve(mu, nu, solved_gauge, options, line.observer());
}

void check_output(const std::filesystem::path& path) {
    if (path.empty()) return;
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    if (!std::filesystem::is_directory(folder))
        throw FileError(path.string() + ": cannot write: no folder " + folder.string());
    if (std::filesystem::is_directory(path)) throw FileError(path.string() + ": cannot write: is a directory");
}

void print(const nlohmann::ordered_json& object) {
    std::cout << io::to_text(object) << std::flush;
    if (!std::cout) throw FileError("standard output: cannot write");
}

}  // namespace spectralot::cli
