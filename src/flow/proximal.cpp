#include "flow/proximal.hpp"

#include "linalg/decompositions.hpp"
#include "spectralot/linalg/tall_svd.hpp"

#include <algorithm>
#include <cmath>

namespace spectralot::flow {
namespace {

/// Σ(σ-t)₊ = λt for decreasing σ; min(σ, t).
Vector clip(const Vector& sigma, double lambda) {
    double sum = 0.0, t = 0.0;
    for (Index k = 0; k < sigma.size(); ++k) {
        sum += sigma[k];
        t = sum / (lambda + static_cast<double>(k + 1));
        if (k + 1 == sigma.size() || sigma[k + 1] <= t) break;
    }
    return sigma.cwiseMin(t);
}

/// The root of r + λr^e = a, e ≥ 1: Newton from above on a convex increasing function.
double root(double a, double lambda, double e) {
    double r = std::min(a, std::pow(a / lambda, 1.0 / e));
    for (int k = 0; k < 60; ++k) {
        const double power = lambda * std::pow(r, e - 1.0);
        const double step = (r + power * r - a) / (1.0 + e * power);
        r -= step;
        if (!(step > 2.0 * epsilon * r)) break;
    }
    return std::max(r, 0.0);
}

/// s = m·r with r_i + λr_i^{2p-1} = σ_i/m and ‖r‖_{2p} = 1; bisection on m.
Vector shrink_schatten(const Vector& sigma, double lambda, double p) {
    double low = 0.0, high = sigma.sum();
    Vector r(sigma.size());
    for (int k = 0; k < 200 && high - low > 2.0 * epsilon * high; ++k) {
        const double m = 0.5 * (low + high);
        double power = 0.0;
        for (Index i = 0; i < sigma.size(); ++i) {
            r[i] = root(sigma[i] / m, lambda, 2.0 * p - 1.0);
            power += std::pow(r[i], 2.0 * p);
        }
        (power > 1.0 ? low : high) = m;
    }
    return high * r;
}

}  // namespace

ProximalMap::ProximalMap(const Gauge& gauge, int d, const Vector& weights) : weights_(weights) {
    const auto program = gauge.program(d);
    if (!program || program->leaves.size() != 1 || !program->maxima.empty()) return;
    leaf_ = program->leaves.front();
    const bool whole = leaf_.block.size() == static_cast<std::size_t>(d) && leaf_.weight == 1.0;
    exists_ = whole && (leaf_.kind != GaugeLeaf::Kind::KyFan || leaf_.k == 1);
}

Vector ProximalMap::shrink(const Vector& sigma, double lambda) const {
    return leaf_.kind == GaugeLeaf::Kind::KyFan ? clip(sigma, lambda) : shrink_schatten(sigma, lambda, leaf_.p);
}

void ProximalMap::apply(const Points& v, double lambda, Points& out) const {
    const Index d = v.cols();
    Matrix B = Matrix::Zero(d, d);
    if (leaf_.kind == GaugeLeaf::Kind::Point) {
        B = (Matrix::Identity(d, d) + lambda * leaf_.point).llt().solve(Matrix::Identity(d, d));
    } else {
        const linalg::RightSvd svd = linalg::right_svd(v, weights_);
        if (svd.sigma.size())
            B = svd.right * shrink(svd.sigma, lambda).cwiseQuotient(svd.sigma).asDiagonal() * svd.right.transpose();
    }
    out.resize(v.rows(), d);
    linalg::apply_right(v, B, 1.0, out);
}

}  // namespace spectralot::flow
