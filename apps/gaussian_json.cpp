#include "gaussian_json.hpp"

#include "json_fields.hpp"

namespace spectralot::cli {

namespace {

gaussian::Gaussian gaussian_from_json(const JsonField& field) {
    field.allow_only({"mean", "covariance"});
    const Matrix covariance = field["covariance"].matrix();
    return {field.has("mean") ? field["mean"].vector() : Vector(Vector::Zero(covariance.rows())), covariance};
}

}  // namespace

GaussianPair gaussian_pair_from_json(const nlohmann::json& document, const std::string& name) {
    const JsonField pair(document, name);
    pair.allow_only({"source", "target"});
    return {gaussian_from_json(pair["source"]), gaussian_from_json(pair["target"])};
}

}  // namespace spectralot::cli
