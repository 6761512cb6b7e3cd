/// Sums in twice the working precision (Ogita, Rump, Oishi 2005): n terms are added with error u|s| + n²u²Σ|t|.
#pragma once

#include <cmath>

namespace spectralot {

class CompensatedSum {
public:
    void add(double term) {
        const double total = high_ + term;
        const double shadow = total - high_;
        low_ += (high_ - (total - shadow)) + (term - shadow);
        high_ = total;
    }
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
