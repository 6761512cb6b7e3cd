/// Gaussians as JSON, the input of `spectralot gaussian` and `spectralot barycenter` (docs/cli.md).
#pragma once

#include "spectralot/gaussian/solve.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace spectralot::cli {

struct GaussianPair {
    gaussian::Gaussian source, target;
};

/// {"source": {"mean": […], "covariance": [[…], …]}, "target": {…}}; a mean left out is zero. Throws InvalidArgument
/// naming `name` and the field. Whether the covariances are positive semidefinite is for the solver to say.
GaussianPair gaussian_pair_from_json(const nlohmann::json& document, const std::string& name);

struct WeightedGaussians {
    Vector weights;
    std::vector<gaussian::Gaussian> components;
};

/// {"components": [{"weight": 1, "mean": […], "covariance": [[…], …]}, …]}; a weight left out is 1. Likewise.
WeightedGaussians gaussian_components_from_json(const nlohmann::json& document, const std::string& name);

}  // namespace spectralot::cli
