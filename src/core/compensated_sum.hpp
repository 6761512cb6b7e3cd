/// Sum of doubles with an error of about one unit in the last place of the sum of absolute values (Neumaier).
#pragma once

#include <cmath>

namespace spectralot {

class CompensatedSum {
public:
    void add(double x) {
        const double t = sum_ + x;
        lost_ += std::abs(sum_) >= std::abs(x) ? (sum_ - t) + x : (x - t) + sum_;
        sum_ = t;
    }
    [[nodiscard]] double value() const { return sum_ + lost_; }

private:
    double sum_ = 0.0;
    double lost_ = 0.0;
};

}  // namespace spectralot
