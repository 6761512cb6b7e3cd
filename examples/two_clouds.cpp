#include <spectralot/spectralot.hpp>

#include <iostream>

int main() {
    using namespace spectralot;
    Points x(2, 2), y(2, 2);
    x << -1, 0, 1, 0;
    y << 0, -1, 0, 1;
    const TransportResult r = solve({x, {}}, {y, {}}, Schatten{.p = 2.0}, {.tol = 1e-9});
    std::cout << "W² = " << r.value << ", gap " << r.certificate.relative_gap() << '\n';
    return r.converged ? 0 : 1;
}
