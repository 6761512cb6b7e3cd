#include "core/weights.hpp"

#include "spectralot/core/errors.hpp"

#include <cmath>

namespace spectralot {

Vector normalised_weights(const Vector& weights, Index n, const std::string& argument, const std::string& item) {
    if (weights.size() == 0) return Vector::Constant(n, 1.0 / double(n));
    if (weights.size() != n)
        throw_invalid(argument, "must be one per " + item + ", " + std::to_string(n), std::to_string(weights.size()));
    for (const double w : weights)
        if (!(w >= 0.0) || std::isinf(w)) throw_invalid(argument, "must be non-negative and finite", to_text(w));
    const double largest = weights.maxCoeff();
    if (largest == 0.0) throw_invalid(argument, "must have a positive sum", "0");
    const Vector scaled = weights / largest;
    return scaled / scaled.sum();
}

}  // namespace spectralot
