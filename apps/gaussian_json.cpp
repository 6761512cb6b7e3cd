#include "gaussian_json.hpp"

#include "json_fields.hpp"

namespace spectralot::cli {

namespace {

gaussian::Gaussian gaussian_from_json(const JsonField& field) {
    const Matrix covariance = field["covariance"].matrix();
    return {field.has("mean") ? field["mean"].vector() : Vector(Vector::Zero(covariance.rows())), covariance};
}

GaussianMixture mixture_from_json(const JsonField& field) {
    field.allow_only({"components"});
    const std::vector<JsonField> components = field["components"].items();
    GaussianMixture result{Vector::Ones(Index(components.size())), {}};
    for (const JsonField& component : components) {
        component.allow_only({"weight", "mean", "covariance"});
        if (component.has("weight")) result.weights[Index(result.components.size())] = component["weight"].number();
        result.components.push_back(gaussian_from_json(component));
    }
    return result;
}

}  // namespace

GaussianPair gaussian_pair_from_json(const nlohmann::json& document, const std::string& name) {
    const JsonField pair(document, name);
    pair.allow_only({"source", "target"});
    for (const char* const side : {"source", "target"}) pair[side].allow_only({"mean", "covariance"});
    return {gaussian_from_json(pair["source"]), gaussian_from_json(pair["target"])};
}

GaussianMixture gaussian_components_from_json(const nlohmann::json& document, const std::string& name) {
    return mixture_from_json(JsonField(document, name));
}

MixturePair mixture_pair_from_json(const nlohmann::json& document, const std::string& name) {
    const JsonField pair(document, name);
    pair.allow_only({"source", "target"});
    return {mixture_from_json(pair["source"]), mixture_from_json(pair["target"])};
}

}  // namespace spectralot::cli
