#include "result_json.hpp"

#include "json_fields.hpp"
#include "spectralot/gauge/fixed_metric.hpp"

#include <limits>

namespace spectralot::cli {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr const char* transport_format = "spectralot.transport";

std::vector<int> read_indices(const JsonField& field, Index size) {
    std::vector<int> indices;
    for (const JsonField& item : field.items()) {
        const int index = item.integer();
        if (index < 0 || index >= size) item.fail("must be an index from 0 to " + std::to_string(size - 1));
        indices.push_back(index);
    }
    return indices;
}

SparsePlan read_plan(const JsonField& document) {
    SparsePlan plan;
    plan.n_rows = document["n"].integer();
    plan.n_cols = document["m"].integer();
    const JsonField field = document["plan"];
    plan.row = read_indices(field["row"], plan.n_rows);
    plan.col = read_indices(field["col"], plan.n_cols);
    plan.mass = field["mass"].numbers();
    if (plan.row.size() != plan.size()) field["row"].fail("must have as many entries as mass");
    if (plan.col.size() != plan.size()) field["col"].fail("must have as many entries as mass");
    return plan;
}

/// `distance` writes the gauge as it was given, `emd` the metric.
DescribedGauge read_gauge(const JsonField& document, const std::string& name) {
    const JsonField gauge = document["gauge"];
    if (!gauge.has("metric")) return gauge_from_json(gauge.json(), name + ": gauge");
    if (gauge["name"].text() != "fixed_metric") gauge["name"].fail("must be fixed_metric, for a gauge with a metric");
    return {FixedMetric{.Q = gauge["metric"].matrix()}, gauge.json()};
}

std::optional<double> read_tolerance(const JsonField& options) {
    if (!options.has("tol")) return std::nullopt;
    return options["tol"].number();
}

StoredResult read_result(const JsonField& document, const std::string& name) {
    if (document["format"].text() != transport_format) {
        document["format"].fail(std::string("must be \"") + transport_format + "\"");
    }
    if (document["version"].integer() != 1) document["version"].fail("must be 1");
    if (!document.has("plan")) {
        throw FileError(name + ": no plan: verify reads what distance or emd --json wrote, not its summary");
    }
    return {.gauge = read_gauge(document, name),
            .claimed = {document["lower"].number(), document["upper"].number()},
            .converged = document["converged"].boolean(),
            .tol = read_tolerance(document["options"]),
            .plan = read_plan(document),
            .metric = document["metric"].matrix(),
            .potentials = {document["potentials"]["a"].vector(), document["potentials"]["b"].vector()}};
}

}  // namespace

ordered_json document(std::string_view format, const json& gauge) {
    return {{"format", format}, {"version", 1}, {"spectralot", SPECTRALOT_VERSION}, {"gauge", ordered_json(gauge)}};
}

ordered_json rows_of(const Matrix& matrix) {
    ordered_json rows = ordered_json::array();
    for (Index i = 0; i < matrix.rows(); ++i) {
        const Vector row = matrix.row(i);
        rows.push_back(std::vector<double>(row.begin(), row.end()));
    }
    return rows;
}

ordered_json summary_of(const TransportResult& result, const DescribedGauge& gauge, const DiscreteMeasure& mu,
                        const DiscreteMeasure& nu, ordered_json options) {
    ordered_json summary = document(transport_format, gauge.description);
    summary["options"] = std::move(options);
    summary["n"] = mu.size();
    summary["m"] = nu.size();
    summary["dimension"] = mu.dimension();
    add_outcome(summary, result);
    summary["split_rows"] = count_split_rows(mu, result.plan);
    summary["metric"] = rows_of(result.metric);
    summary["moment"] = rows_of(result.moment);
    return summary;
}

void add_arrays(ordered_json& summary, const TransportResult& result) {
    const auto list = [](const Vector& values) { return std::vector<double>(values.begin(), values.end()); };
    summary["potentials"] = {{"a", list(result.potentials.a)}, {"b", list(result.potentials.b)}};
    summary["plan"] = {{"row", result.plan.row}, {"col", result.plan.col}, {"mass", result.plan.mass}};
    ordered_json history = {
        {"lower", ordered_json::array()}, {"upper", ordered_json::array()}, {"seconds", ordered_json::array()}};
    for (const HistoryRow& row : result.history) {
        history["lower"].push_back(row.lower);
        history["upper"].push_back(row.upper);
        history["seconds"].push_back(row.seconds);
    }
    summary["history"] = std::move(history);
}

StoredResult result_from_json(const json& document, const std::string& name) {
    try {
        return read_result(JsonField(document, name), name);
    } catch (const InvalidArgument& error) {
        throw FileError(error.what());
    }
}

}  // namespace spectralot::cli
