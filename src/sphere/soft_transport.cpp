#include "sphere/soft_transport.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::sphere {

namespace {

constexpr double first_exponent = 8.0;
constexpr double last_exponent = 1 << 24;
constexpr int passes_per_exponent = 4;

Vector logarithm_or_none(const Vector& x, double floor) {
    return (x.array() > floor).select(x.array().log().matrix(), -infinity);
}

}  // namespace

SoftTransport soft_transport(const Points& x, const Vector& a, const Points& z, const Vector& b, int partners,
                             double floor, const CancelToken& cancel) {
    // max_j K_ij · max_i K_ij ≥ K_ij²: each atom in its own unit.
    SoftTransport at{logarithm_or_none(row_maxima(x, z), floor), logarithm_or_none(row_maxima(z, x), floor), {}, {}};
    if (x.rows() == 0 || z.rows() == 0) return at;
    double s = first_exponent;
    const double unit =
        -std::log(double(partners)) - 0.5 * std::log(double(a.size())) - 0.5 * std::log(double(b.size()));
    // Rows take what they are worth, then columns; returns among how many partners a row shares it.
    const auto pass = [&] {
        Vector arriving = Vector::Zero(z.rows());
        double concentration = 0.0, total_a = 0.0, total_b = 0.0;
        Index used = 0;
        for_products(divided(x, at.alpha), divided(z, at.beta), [&](Index i, auto products) {
            const double largest = products.maxCoeff();
            if (!(largest > 0.0)) {
                at.alpha[i] = -infinity;
                return;
            }
            auto share = products.array();
            share = share.max(0.0) / largest;
            for (double power = 1.0; power < s; power *= 2.0) share = share.square();
            const double sum = share.sum();
            at.alpha[i] +=
                (unit + s * std::log(largest) + std::log(sum) - std::log(a[i]) - at.alpha[i]) / (1.0 + 0.5 * s);
            const double worth = a[i] * std::exp(at.alpha[i]);
            share /= sum;
            concentration += share.square().sum();
            arriving += worth * products;
            total_a += worth;
            ++used;
        });
        for (Index j = 0; j < b.size(); ++j) {
            if (!(arriving[j] > 0.0)) {
                at.beta[j] = -infinity;
                continue;
            }
            at.beta[j] += (std::log(arriving[j]) - std::log(b[j]) - at.beta[j]) / (1.0 + 0.5 * s);
            total_b += b[j] * std::exp(at.beta[j]);
        }
        if (used == 0) return 0.0;
        const double shift = 0.5 * (std::log(total_b) - std::log(total_a));
        at.alpha.array() += shift;
        at.beta.array() -= shift;
        return double(used) / concentration;
    };
    for (double shared = infinity; s <= last_exponent; s *= 2.0) {
        for (int k = 0; k < passes_per_exponent && !cancel.requested(); ++k) shared = pass();
        if (!(shared > partners) || cancel.requested()) break;
    }
    const Points rows = divided(x, at.alpha), cols = divided(z, at.beta);
    at.pairs = united(largest_products(rows, cols, partners, 0.0, {}),
                      transposed(largest_products(cols, rows, partners, 0.0, {})));
    at.flow.resize(Index(at.pairs.size()));
    for (Index t = 0; t < at.flow.size(); ++t) {
        const double product = rows.row(at.pairs.row[std::size_t(t)]).dot(cols.row(at.pairs.col[std::size_t(t)]));
        at.flow[t] = std::exp(unit + s * std::log(product));
    }
    return at;
}

}  // namespace spectralot::sphere
