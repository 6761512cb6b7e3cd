/// Gaussian measures N(m, Σ), degenerate ones included (math.md §4).
#pragma once

#include "spectralot/core/types.hpp"

#include <string>

namespace spectralot::gaussian {

/// Covariances are symmetric PSD to rounding: entries may differ from the transpose, and eigenvalues lie below zero, by
/// 64·d·eps of the largest. A matrix that is indefinite by rounding stands for its part above that level.
struct Gaussian {
    Vector mean;
    Matrix covariance;

    [[nodiscard]] Index dimension() const { return mean.size(); }
};

/// Throws InvalidArgument naming `mean_name` or `covariance_name`: empty, NaN or infinity, a covariance that is not
/// square of the mean's size, not symmetric or not PSD.
void check_gaussian(const Gaussian& gaussian, const std::string& mean_name, const std::string& covariance_name);

}  // namespace spectralot::gaussian
