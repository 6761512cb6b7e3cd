#include "discrete/supplies.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spectralot {

namespace {

/// ⌊a·b/c⌋ for 0 ≤ a ≤ c < 2^125, by long multiplication and division: never leaves 128 bits.
Int128 multiply_divide(Int128 a, Int128 b, Int128 c) {
    Int128 quotient = 0;
    Int128 remainder = 0;
    for (int bit = 126; bit >= 0; --bit) {
        quotient *= 2;
        remainder *= 2;
        if ((b >> bit) & 1) remainder += a;
        for (; remainder >= c; remainder -= c) ++quotient;
    }
    return quotient;
}

/// Integers proportional to the weights with a sum below 2^bits: exact unless a weight is below 2^(53-bits) of the sum.
std::vector<Int128> as_integers(const std::vector<double>& weights, int bits) {
    const double largest = *std::max_element(weights.begin(), weights.end());
    const int spare = static_cast<int>(std::ceil(std::log2(static_cast<double>(weights.size())))) + 1;
    const int shift = bits - spare - (std::ilogb(largest) + 1);  // the largest gets bits - spare binary digits
    std::vector<Int128> integers;
    integers.reserve(weights.size());
    for (const double w : weights) {
        int exponent = 0;
        const double fraction = std::frexp(w, &exponent);
        const auto mantissa = static_cast<std::int64_t>(std::ldexp(fraction, 53));
        const int places = exponent - 53 + shift;
        const Int128 wide = mantissa;
        integers.push_back(places >= 0 ? wide << places : (places > -63 ? wide >> -places : Int128{0}));
    }
    return integers;
}

Int128 greatest_common_divisor(Int128 a, Int128 b) {
    while (b != 0) {
        const Int128 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/// Divides by the greatest common divisor; returns the sum.
Int128 reduce(std::vector<Int128>& integers) {
    Int128 divisor = 0;
    for (const Int128 v : integers) divisor = greatest_common_divisor(divisor, v);
    Int128 sum = 0;
    for (Int128& v : integers) sum += (v /= divisor);
    return sum;
}

/// Rescales the integers to the sum `total` by rounding their partial sums; nobody gets less than one.
void rescale(std::vector<Int128>& integers, Int128 total) {
    const Int128 sum = std::accumulate(integers.begin(), integers.end(), Int128{0});
    Int128 partial = 0;
    Int128 given = 0;
    Int128 borrowed = 0;
    for (Int128& v : integers) {
        partial += v;
        const Int128 upto = multiply_divide(partial, total, sum);
        v = upto - given;
        given = upto;
        if (v == 0) {
            v = 1;
            ++borrowed;
        }
    }
    *std::max_element(integers.begin(), integers.end()) -= borrowed;
}

template <class Flow>
Supplies<Flow> perturb(const std::vector<Int128>& a, const std::vector<Int128>& b, Int128 unit, Int128 total) {
    Supplies<Flow> supplies;
    supplies.unit = static_cast<Flow>(unit);
    supplies.total = static_cast<Flow>(total);
    for (const Int128 v : a) supplies.row.push_back(static_cast<Flow>(v * unit + 1));
    for (const Int128 v : b) supplies.col.push_back(static_cast<Flow>(v * unit));
    supplies.col.front() += static_cast<Flow>(a.size());
    return supplies;
}

}  // namespace

std::variant<Supplies<std::int64_t>, Supplies<Int128>> make_supplies(const std::vector<double>& a,
                                                                     const std::vector<double>& b) {
    const auto unit = static_cast<Int128>(2 * std::max(a.size(), b.size()) + 3);
    const int unit_bits = std::ilogb(static_cast<double>(unit)) + 1;

    std::vector<Int128> exact_a = as_integers(a, 124);
    std::vector<Int128> exact_b = as_integers(b, 124);
    const auto ratio = [](const std::vector<double>& w) {
        const auto [low, high] = std::minmax_element(w.begin(), w.end());
        return *high / *low;
    };
    const bool is_exact = ratio(a) < 0x1p40 && ratio(b) < 0x1p40;  // no bit of a weight was cut off
    if (is_exact) {
        const Int128 sum_a = reduce(exact_a);
        const Int128 sum_b = reduce(exact_b);
        const Int128 common = greatest_common_divisor(sum_a, sum_b);
        const Int128 factor_a = sum_b / common, factor_b = sum_a / common;
        const double total_bits = std::log2(static_cast<double>(sum_a)) + std::log2(static_cast<double>(factor_a));
        if (total_bits + unit_bits < 62.0) {
            for (Int128& v : exact_a) v *= factor_a;
            for (Int128& v : exact_b) v *= factor_b;
            return perturb<std::int64_t>(exact_a, exact_b, unit, sum_a * factor_a);
        }
    }
    const Int128 total = Int128{1} << (124 - unit_bits);
    std::vector<Int128> wide_a = as_integers(a, 124);
    std::vector<Int128> wide_b = as_integers(b, 124);
    rescale(wide_a, total);
    rescale(wide_b, total);
    return perturb<Int128>(wide_a, wide_b, unit, total);
}

}  // namespace spectralot
