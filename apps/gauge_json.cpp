#include "gauge_json.hpp"

#include "json_fields.hpp"
#include "spectralot/gauge/parse.hpp"
#include "spectralot/io/json.hpp"

#include <charconv>

namespace spectralot::cli {
namespace {

using nlohmann::json;

Gauge read_gauge(const JsonField& field);

std::vector<Gauge> read_gauges(const JsonField& field) {
    std::vector<Gauge> gauges;
    for (const JsonField& item : field.items()) gauges.push_back(read_gauge(item));
    return gauges;
}

std::vector<Matrix> read_matrices(const JsonField& field) {
    std::vector<Matrix> matrices;
    for (const JsonField& item : field.items()) matrices.push_back(item.matrix());
    return matrices;
}

std::vector<std::vector<int>> read_blocks(const JsonField& field) {
    std::vector<std::vector<int>> blocks;
    for (const JsonField& item : field.items()) blocks.push_back(item.integers());
    return blocks;
}

Gauge read_gauge(const JsonField& field) {
    const std::string name = field["name"].text();
    if (name == "trace" || name == "operator") {
        field.allow_only({"name"});
        return name == "trace" ? trace_gauge() : operator_gauge();
    }
    if (name == "schatten") {
        field.allow_only({"name", "p"});
        return Schatten{.p = field["p"].number_or_infinity()};
    }
    if (name == "ky_fan") {
        field.allow_only({"name", "k"});
        return KyFan{.k = field["k"].integer()};
    }
    if (name == "weighted_trace") {
        field.allow_only({"name", "A"});
        return WeightedTrace{.A = field["A"].matrix()};
    }
    if (name == "polyhedral") {
        field.allow_only({"name", "matrices"});
        return Polyhedral{.matrices = read_matrices(field["matrices"])};
    }
    if (name == "block_sum") {
        field.allow_only({"name", "blocks", "gauges"});
        return BlockSum{.blocks = read_blocks(field["blocks"]), .gauges = read_gauges(field["gauges"])};
    }
    if (name == "block_max") {
        field.allow_only({"name", "blocks", "gauges", "eta"});
        const bool has_eta = field.has("eta") && !field["eta"].json().is_null();
        return BlockMax{.blocks = read_blocks(field["blocks"]),
                        .gauges = read_gauges(field["gauges"]),
                        .eta = has_eta ? field["eta"].numbers() : std::vector<double>{}};
    }
    if (name == "conic_sum") {
        field.allow_only({"name", "gauges", "weights"});
        return ConicSum{.gauges = read_gauges(field["gauges"]), .weights = field["weights"].numbers()};
    }
    if (name == "entrywise") {
        field.allow_only({"name", "M"});
        return Entrywise{.M = field["M"].number()};
    }
    field["name"].fail(
        "must be trace, operator, schatten, ky_fan, weighted_trace, polyhedral, block_sum, block_max, "
        "conic_sum or entrywise");
}

/// The JSON of a text that `parse_gauge` has accepted.
json describe(const std::string& text) {
    if (text == "trace") return {{"name", "schatten"}, {"p", 1}};
    if (text == "operator") return {{"name", "schatten"}, {"p", "inf"}};
    const std::size_t colon = text.find(':');
    double parameter = 0.0;
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), parameter);
    if (text.starts_with("ky-fan")) return {{"name", "ky_fan"}, {"k", static_cast<int>(parameter)}};
    return {{"name", "schatten"}, {"p", parameter == infinity ? json("inf") : json(parameter)}};
}

}  // namespace

DescribedGauge gauge_from_text(const std::string& text) {
    Gauge gauge = parse_gauge(text);
    return {std::move(gauge), describe(text)};
}

DescribedGauge gauge_from_json(const json& description, const std::string& where) {
    return {read_gauge(JsonField(description, where)), description};
}

DescribedGauge gauge_from_file(const std::filesystem::path& path) {
    return gauge_from_json(io::read_json(path), path.string());
}

}  // namespace spectralot::cli
