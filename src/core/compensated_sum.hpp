/// Sums in twice the working precision (Ogita, Rump, Oishi 2005): n terms are added with error u|s| + n²u²Σ|t|.
#pragma once

#include <cmath>

namespace spectralot {

/// Adds to the sum high + low.
inline void add_compensated(double term, double& high, double& low) {
    const double total = high + term;
    const double shadow = total - high;
    low += (high - (total - shadow)) + (term - shadow);
    high = total;
}

class CompensatedSum {
public:
    void add(double term) { add_compensated(term, high_, low_); }
    void add_product(double a, double b) {
        const double product = a * b;
        add(product);
        low_ += std::fma(a, b, -product);
    }
    [[nodiscard]] double value() const { return high_ + low_; }

private:
    double high_ = 0.0;
    double low_ = 0.0;
};

}  // namespace spectralot
