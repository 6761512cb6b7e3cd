/// The files that a transport result goes to: --plan and --json.
#pragma once

#include "gauge_json.hpp"
#include "spectralot/spectralot.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace spectralot::cli {

struct ResultFiles {
    std::filesystem::path plan;
    std::filesystem::path json;

    void add_to(CLI::App& command);
    /// Throws FileError when one could not be created.
    void check() const;
    /// Prints the summary and writes the files that were asked for. `options`: what the result was solved with.
    void write(const TransportResult& result, const DescribedGauge& gauge, const DiscreteMeasure& mu,
               const DiscreteMeasure& nu, nlohmann::ordered_json options) const;
};

}  // namespace spectralot::cli
