#include <spectralot/spectralot.hpp>

#include <cmath>
#include <iostream>

/// Two Diracs on each axis, distance squared √2 at p = 2: the certificate must enclose it.
int main() {
    spectralot::Points x(2, 2), y(2, 2);
    x << -1, 0, 1, 0;
    y << 0, -1, 0, 1;
    const spectralot::DiscreteMeasure mu{x, {}}, nu{y, {}};
    const auto result = spectralot::solve(mu, nu, spectralot::Schatten{.p = 2.0}, {.tol = 1e-10});
    std::cout << "squared distance in [" << result.certificate.lower << ", " << result.certificate.upper << "]\n";
    const double rounding = 4 * spectralot::epsilon;
    const bool encloses = result.certificate.lower <= std::sqrt(2.0) * (1 + rounding) &&
                          result.certificate.upper >= std::sqrt(2.0) * (1 - rounding);
    return result.converged && encloses ? 0 : 1;
}
