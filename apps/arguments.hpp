/// The arguments that several commands share, and how they are read.
#pragma once

#include "gauge_json.hpp"
#include "spectralot/sphere/measure.hpp"
#include "spectralot/transport/solve.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <functional>
#include <string>

namespace spectralot::cli {

enum ExitCode { Solved = 0, NotSolved = 1, BadInput = 2, FileTrouble = 3 };

/// What the chosen command does once the command line has been read; returns the exit code.
using Action = std::function<int()>;

struct MeasureFile {
    std::filesystem::path points;
    std::filesystem::path weights;  ///< empty: uniform

    /// Throws FileError, or InvalidArgument naming the file.
    [[nodiscard]] DiscreteMeasure read() const;
};

struct PairArguments {
    MeasureFile a;
    MeasureFile b;

    void add_to(CLI::App& command);
    /// Both measures, of one dimension.
    [[nodiscard]] std::pair<DiscreteMeasure, DiscreteMeasure> read() const;
};

/// The reduction of a cloud to the sphere, weights taken as they are.
sphere::SphericalMeasure reduced(const DiscreteMeasure& cloud);

struct GaugeArguments {
    std::string text;
    std::filesystem::path file;

    void add_to(CLI::App& command);
    [[nodiscard]] DescribedGauge read() const;
};

/// What the commands that solve the static problem ask for, and the solve itself.
struct SolveArguments {
    PairArguments pair;
    GaugeArguments gauge;
    TransportOptions options;
    bool verbose = false;

    void add_to(CLI::App& command);
    /// With progress on standard error; Ctrl-C stops with the best result.
    [[nodiscard]] TransportResult solve(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge) const;
};

/// Throws FileError when a file could not be created there: better before a long computation than after it.
void check_output(const std::filesystem::path& path);

/// The one JSON object on standard output. Throws FileError when it cannot be written.
void print(const nlohmann::ordered_json& object);

void add_distance(CLI::App& app, Action& action);
void add_emd(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);
void add_geodesic(CLI::App& app, Action& action);
void add_flow(CLI::App& app, Action& action);
void add_gaussian(CLI::App& app, Action& action);
void add_barycenter(CLI::App& app, Action& action);
void add_mixture(CLI::App& app, Action& action);
void add_dynamic(CLI::App& app, Action& action);
void add_selector(CLI::App& app, Action& action);
void add_sphere(CLI::App& app, Action& action);

}  // namespace spectralot::cli
