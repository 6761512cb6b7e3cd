/// Gaussians as JSON, the input of `spectralot gaussian`, `mixture` and `barycenter` (docs/cli.md).
#pragma once

#include "spectralot/transport/mixture.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace spectralot::cli {

struct GaussianPair {
    gaussian::Gaussian source, target;
};

/// {"source": {"mean": […], "covariance": [[…], …]}, "target": {…}}; a mean left out is zero. Throws InvalidArgument
/// naming `name` and the field. Whether the covariances are positive semidefinite is for the solver to say.
GaussianPair gaussian_pair_from_json(const nlohmann::json& document, const std::string& name);

/// {"components": [{"weight": 1, "mean": […], "covariance": [[…], …]}, …]}; a weight left out is 1. Likewise.
GaussianMixture gaussian_components_from_json(const nlohmann::json& document, const std::string& name);

struct MixturePair {
    GaussianMixture source, target;
};

/// {"source": {"components": […]}, "target": {"components": […]}}. Likewise.
MixturePair mixture_pair_from_json(const nlohmann::json& document, const std::string& name);

}  // namespace spectralot::cli
