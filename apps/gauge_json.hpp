/// Gauges as JSON: {"name": "schatten", "p": 2}, … (docs/json.md), in both directions.
#pragma once

#include "spectralot/gauge/gauges.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

namespace spectralot::cli {

/// A gauge together with the JSON that describes it, so that a result can carry it.
struct DescribedGauge {
    Gauge gauge;
    nlohmann::json description;
};

/// From the text of --gauge (gauge/parse.hpp). Throws InvalidArgument.
DescribedGauge gauge_from_text(const std::string& text);

/// From JSON; `where` names the place in messages ("gauge.json" becomes "gauge.json: gauges[1].p"). Throws
/// InvalidArgument for a missing, unknown or wrongly typed field, and whatever the gauge itself refuses.
DescribedGauge gauge_from_json(const nlohmann::json& description, const std::string& where);

DescribedGauge gauge_from_file(const std::filesystem::path& path);

}  // namespace spectralot::cli
