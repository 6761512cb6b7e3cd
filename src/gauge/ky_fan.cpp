#include "gauge/composition.hpp"
#include "gauge/spectrum.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/gauge/gauges.hpp"

namespace spectralot {

namespace {

/// q_i = min(1, cσ_i) with Σ q_i = k, for σ decreasing and positive (all ones if there are at most k of them).
Vector water_fill(const Vector& sigma, Index k) {
    Vector q = Vector::Ones(sigma.size());
    if (sigma.size() <= k) return q;
    // The first `full` entries reach 1; the rest share k - full in proportion to σ.
    for (Index full = 0; full < k; ++full) {
        const Index rest = sigma.size() - full;
        const double c = static_cast<double>(k - full) / sigma.tail(rest).sum();
        if (c * sigma[full] <= 1.0) {
            q.tail(rest) = c * sigma.tail(rest);
            return q;
        }
    }
    return q;  // unreachable: with full = k - 1 the share of the largest remaining entry is below 1
}

class KyFanModel final : public GaugeModel {
public:
    explicit KyFanModel(int k) : k_(k) {}

    double value(const Matrix& S) const override {
        const Index k = std::min<Index>(k_, S.rows());
        if (k == S.rows()) return S.trace();
        const detail::Spectrum s = detail::eigenvalues(S);
        return s.scale * s.values.head(k).cwiseMax(0.0).sum();
    }

    Matrix active(const Matrix& S) const override {
        const Index d = S.rows();
        if (k_ >= d) return Matrix::Identity(d, d);
        const detail::Spectrum s = detail::spectrum(S);
        if (s.values[0] <= 0.0) return Matrix::Identity(d, d) * (static_cast<double>(k_) / static_cast<double>(d));
        // Weight 1 above the k-th eigenvalue, the same fraction on all of its eigenspace.
        const detail::Tie tie = detail::tie_around(s.values, k_ - 1);
        Vector q = Vector::Zero(d);
        q.head(tie.first).setOnes();
        q.segment(tie.first, tie.last - tie.first)
            .setConstant(static_cast<double>(k_ - tie.first) / static_cast<double>(tie.last - tie.first));
        return s.vectors * q.asDiagonal() * s.vectors.transpose();
    }

    bool is_monotone() const override { return true; }
    std::string repr() const override { return "KyFan(" + std::to_string(k_) + ")"; }

    void check_dimension(int d) const override {
        if (k_ > d) throw_invalid("k", "must be at most the dimension " + std::to_string(d), std::to_string(k_));
    }
    // A matrix with fewer than k columns has at most d ≤ k singular values: its norms are those of the trace gauge.
    void check_columns(int) const override {}

    ComparisonConstants comparison_constants(int d) const override {
        return {std::min(1.0, static_cast<double>(k_) / static_cast<double>(d)), 1.0};
    }

    std::optional<double> metric_level(const Matrix& Q) const override {
        const detail::Spectrum s = detail::eigenvalues(Q);
        const Vector positive = s.values.cwiseMax(0.0);
        return s.scale * std::max(positive[0], positive.sum() / static_cast<double>(k_));
    }

    std::optional<GaugeProgram> program(int d) const override {
        if (k_ >= d) return detail::point_program(Matrix::Identity(d, d));
        return detail::leaf_program(d, {.kind = GaugeLeaf::Kind::KyFan, .k = k_});
    }

    /// B = W diag(1/q) Wᵀ with q by water-filling; N*² = Σ σ²/q (the k-support norm).
    SelectorMap selector_map(const Vector& sigma, const Matrix& right) const override {
        if (k_ >= right.rows()) return {Matrix::Identity(right.rows(), right.rows()), detail::vector_norm(sigma, 2.0)};
        const Vector q = water_fill(sigma / sigma[0], k_);
        const double norm = detail::vector_norm(sigma.cwiseQuotient(q.cwiseSqrt()), 2.0);
        return {right * q.cwiseInverse().asDiagonal() * right.transpose(), norm};
    }

private:
    int k_;
};

}  // namespace

KyFan::operator Gauge() const {
    if (k < 1) throw_invalid("k", "must be at least 1", std::to_string(k));
    return Gauge(std::make_shared<KyFanModel>(k));
}

}  // namespace spectralot
