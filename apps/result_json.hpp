/// Results as JSON, formats "spectralot.transport" and "spectralot.sphere" version 1 (docs/json.md).
#pragma once

#include "gauge_json.hpp"
#include "spectralot/spectralot.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace spectralot::cli {

/// {"format": …, "version": 1, "spectralot": "0.1.0", "gauge": …}: how every object this tool writes begins.
nlohmann::ordered_json document(std::string_view format, const nlohmann::json& gauge);

nlohmann::ordered_json rows_of(const Matrix& matrix);

/// What every result with a certificate says: its value, the bracket, and how the search ended.
template <class Result>
void add_outcome(nlohmann::ordered_json& object, const Result& result) {
    object["value"] = result.value;
    object["distance"] = result.distance();
    object["lower"] = result.certificate.lower;
    object["upper"] = result.certificate.upper;
    object["gap"] = result.certificate.relative_gap();
    object["converged"] = result.converged;
    object["status"] = to_string(result.status);
    object["n_iter"] = result.n_iter;
    object["seconds"] = result.seconds;
}

/// Everything but the arrays that grow with the measures. `options`: the options the result was solved with.
nlohmann::ordered_json summary_of(const TransportResult& result, const DescribedGauge& gauge, const DiscreteMeasure& mu,
                                  const DiscreteMeasure& nu, nlohmann::ordered_json options);

nlohmann::ordered_json summary_of(const sphere::SphereResult& result, const DescribedGauge& gauge,
                                  const sphere::SphericalMeasure& nu0, const sphere::SphericalMeasure& nu1,
                                  nlohmann::ordered_json options);

/// Adds the plan or coupling, the potentials and the history to a summary: enough to verify it.
void add_arrays(nlohmann::ordered_json& summary, const TransportResult& result);
void add_arrays(nlohmann::ordered_json& summary, const sphere::SphereResult& result);

/// What a stored result says of itself, whatever it is about.
struct Claim {
    DescribedGauge gauge;
    Certificate bracket;
    bool converged = false;
    std::optional<double> tol;  ///< none for `emd`, whose bracket is all it claims
    Matrix metric;
};

/// What `verify` needs from a stored result.
struct StoredTransport {
    Claim claim;
    SparsePlan plan;
    Potentials potentials;
};
struct StoredSphere {
    Claim claim;
    sphere::Coupling coupling;
    sphere::GrowthPotentials potentials;
};

/// Throws FileError naming `name` and the field when the document is not such a result.
std::variant<StoredTransport, StoredSphere> result_from_json(const nlohmann::json& document, const std::string& name);

}  // namespace spectralot::cli
