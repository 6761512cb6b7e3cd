#include "result_json.hpp"

#include "json_fields.hpp"
#include "spectralot/gauge/fixed_metric.hpp"

#include <limits>
#include <numeric>

namespace spectralot::cli {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr const char* transport_format = "spectralot.transport";
constexpr const char* sphere_format = "spectralot.sphere";

SparsePlan read_plan(const JsonField& document) {
    SparsePlan plan;
    plan.n_rows = document["n"].integer();
    plan.n_cols = document["m"].integer();
    const JsonField field = document["plan"];
    plan.row = field["row"].indices(plan.n_rows);
    plan.col = field["col"].indices(plan.n_cols);
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

Claim read_claim(const JsonField& document, const std::string& name) {
    if (document["version"].integer() != 1) document["version"].fail("must be 1");
    return {.gauge = read_gauge(document, name),
            .bracket = {document["lower"].number(), document["upper"].number()},
            .converged = document["converged"].boolean(),
            .tol = read_tolerance(document["options"]),
            .metric = document["metric"].matrix()};
}

StoredTransport read_transport(const JsonField& document, const std::string& name) {
    if (!document.has("plan")) {
        throw FileError(name + ": no plan: verify reads what distance or emd --json wrote, not its summary");
    }
    return {.claim = read_claim(document, name),
            .plan = read_plan(document),
            .potentials = {document["potentials"]["a"].vector(), document["potentials"]["b"].vector()}};
}

StoredSphere read_sphere(const JsonField& document, const std::string& name) {
    if (!document.has("coupling")) {
        throw FileError(name + ": no coupling: verify reads what sphere --json wrote, not its summary");
    }
    const JsonField pairs = document["coupling"];
    StoredSphere stored{.claim = read_claim(document, name),
                        .coupling = {.row = pairs["row"].indices(document["n"].integer()),
                                     .col = pairs["col"].indices(document["m"].integer()),
                                     .a = pairs["leaving"].numbers(),
                                     .b = pairs["arriving"].numbers()},
                        .potentials = {document["potentials"]["u"].vector(), document["potentials"]["v"].vector()}};
    const std::size_t size = stored.coupling.a.size();
    for (const auto& [key, length] : {std::pair("row", stored.coupling.row.size()),
                                      {"col", stored.coupling.col.size()},
                                      {"arriving", stored.coupling.b.size()}})
        if (length != size) pairs[key].fail("must have as many entries as leaving");
    return stored;
}

std::variant<StoredTransport, StoredSphere> read_result(const JsonField& document, const std::string& name) {
    const JsonField format = document["format"];
    if (format.text() == transport_format) return read_transport(document, name);
    if (format.text() == sphere_format) return read_sphere(document, name);
    format.fail(std::string("must be \"") + transport_format + "\" or \"" + sphere_format + "\"");
}

double sum(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
}

std::vector<double> list(const Vector& values) {
    return {values.begin(), values.end()};
}

ordered_json to_json(const std::vector<HistoryRow>& rows) {
    ordered_json history = {
        {"lower", ordered_json::array()}, {"upper", ordered_json::array()}, {"seconds", ordered_json::array()}};
    for (const HistoryRow& row : rows) {
        history["lower"].push_back(row.lower);
        history["upper"].push_back(row.upper);
        history["seconds"].push_back(row.seconds);
    }
    return history;
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
    summary["potentials"] = {{"a", list(result.potentials.a)}, {"b", list(result.potentials.b)}};
    summary["plan"] = {{"row", result.plan.row}, {"col", result.plan.col}, {"mass", result.plan.mass}};
    summary["history"] = to_json(result.history);
}

ordered_json summary_of(const sphere::SphereResult& result, const DescribedGauge& gauge,
                        const sphere::SphericalMeasure& nu0, const sphere::SphericalMeasure& nu1,
                        ordered_json options) {
    ordered_json summary = document(sphere_format, gauge.description);
    summary["options"] = std::move(options);
    summary["n"] = nu0.size();
    summary["m"] = nu1.size();
    summary["dimension"] = nu0.dimension();
    summary["masses"] = {nu0.masses.sum(), nu1.masses.sum()};
    add_outcome(summary, result);
    summary["transported"] = {sum(result.coupling.a), sum(result.coupling.b)};
    summary["metric"] = rows_of(result.metric);
    summary["moment"] = rows_of(result.moment);
    return summary;
}

void add_arrays(ordered_json& summary, const sphere::SphereResult& result) {
    summary["potentials"] = {{"u", list(result.potentials.u)}, {"v", list(result.potentials.v)}};
    summary["coupling"] = {{"row", result.coupling.row},
                           {"col", result.coupling.col},
                           {"leaving", result.coupling.a},
                           {"arriving", result.coupling.b}};
    summary["history"] = to_json(result.history);
}

std::variant<StoredTransport, StoredSphere> result_from_json(const json& document, const std::string& name) {
    try {
        return read_result(JsonField(document, name), name);
    } catch (const InvalidArgument& error) {
        throw FileError(error.what());
    }
}

}  // namespace spectralot::cli
