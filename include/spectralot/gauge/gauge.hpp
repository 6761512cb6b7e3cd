/// Monotone gauges γ on PSD matrices, γ(S) = max over Q in K of tr(QS), and everything a solver asks of one.
///
/// A `Gauge` is an immutable value (shared ownership inside, cheap to copy). Build one from the structs of
/// `gauges.hpp`: `Gauge gauge = Schatten{.p = 2.0};`. Source: paper §2, math.md §1.
#pragma once

#include "spectralot/core/types.hpp"
#include "spectralot/gauge/program.hpp"
#include "spectralot/linalg/tall_svd.hpp"

#include <memory>
#include <optional>
#include <string>

namespace spectralot {

/// c·tr(S) ≤ γ(S) ≤ C·tr(S) on PSD matrices, hence √c·W2 ≤ W_γ ≤ √C·W2.
struct ComparisonConstants {
    double lower = 0.0;  ///< c; a lower bound of the best one where finding it is a problem of its own
    double upper = 0.0;  ///< C; likewise an upper bound
};

/// What a gauge must provide; each kind of gauge is one implementation. All matrices are symmetric d×d.
class GaugeModel {
public:
    virtual ~GaugeModel() = default;

    /// γ(S) for S symmetric PSD (its negative eigenvalues count as zero). Absolute error ≤ 8·d·eps·γ(S); no overflow
    /// for entries in 1e±300.
    [[nodiscard]] virtual double value(const Matrix& moment) const = 0;
    /// A maximiser Q of tr(QS) over K; the isotropic choice at ties (math.md §1).
    [[nodiscard]] virtual Matrix active(const Matrix& moment) const = 0;
    [[nodiscard]] virtual bool is_monotone() const = 0;
    [[nodiscard]] virtual ComparisonConstants comparison_constants(int d) const = 0;
    /// Smallest ε ≥ 0 such that Q lies in (1+ε)·{Q' : Q' ⪯ some element of K} (the same support function on PSD
    /// matrices; non-monotone gauges: (1+ε)·K), to rounding; infinity if none. A lower bound proved with Q holds
    /// for γ after division by (1+ε).
    /// Without a closed form the answer comes from a numerical projection onto K and is an upper bound; for a gauge
    /// known through two functions it is a necessary test only (a lower bound).
    [[nodiscard]] virtual double membership_excess(const Matrix& metric) const;
    /// K in the form the master problems understand; empty for a gauge known only through `value` and `active`.
    [[nodiscard]] virtual std::optional<GaugeProgram> program(int d) const = 0;
    /// Throws InvalidArgument when the gauge does not fit dimension d (k > d, wrong matrix size, blocks that miss …).
    virtual void check_dimension(int d) const = 0;
    /// False where the static problem is not convex (Schatten ½ ≤ p < 1): `check_static` in gauge.cpp refuses.
    [[nodiscard]] virtual bool is_convex() const { return true; }
    /// Text that reads back as Python, e.g. "Schatten(2.0)", "KyFan(2)".
    [[nodiscard]] virtual std::string repr() const = 0;

    /// The smallest t ≥ 0 such that Q ⪯ t·(some element of K), where K allows a closed form; `membership_excess` of
    /// such a gauge is max(0, t - 1).
    [[nodiscard]] virtual std::optional<double> metric_level(const Matrix& /*metric*/) const { return std::nullopt; }

    /// Velocity map of the selector (math.md §2): symmetric PSD B = Q*⁻¹ on the range of the force second moment,
    /// so that J = -G·B, together with N*(G). `sigma` (decreasing, > 0) and the columns of `right` (d×r) are the
    /// compact SVD factors of the (weighted) force samples. Gauges without a closed form minimise tr(Q⁻¹S) over K
    /// numerically (metric_search.hpp).
    struct SelectorMap {
        Matrix velocity_map;   ///< B, d×d
        double dual_norm = 0;  ///< N*
    };
    [[nodiscard]] virtual SelectorMap selector_map(const Vector& sigma, const Matrix& right) const;

    /// The same from the force samples themselves (n×d, weights empty = ones). Block gauges look at each block of
    /// columns alone, so that a small block next to a large one keeps its accuracy.
    struct ForceMap {
        SelectorMap map;
        int rank = 0;  ///< numerical rank of the force (blocks: the sum of the ranks of the blocks)
        linalg::SvdPath path = linalg::SvdPath::Zero;  ///< the most careful path taken
    };
    [[nodiscard]] virtual ForceMap force_map(const Eigen::Ref<const Points>& force, const Vector& weights,
                                             double rtol) const;
    /// N(V) of velocity samples (n×d, entries near 1, weights empty = ones): γ^½ of their second moment, or from the
    /// singular values where that moment would lose digits.
    [[nodiscard]] virtual double velocity_norm(const Eigen::Ref<const Points>& velocity, const Vector& weights) const;
    /// `check_dimension` for norms and selectors, which are defined for more gauges than the static problem.
    virtual void check_columns(int d) const { check_dimension(d); }
};

class Gauge {
public:
    explicit Gauge(std::shared_ptr<const GaugeModel> model) : model_(std::move(model)) {}

    /// γ(S). Throws InvalidArgument when S is not a finite symmetric matrix of a dimension that fits the gauge.
    [[nodiscard]] double value(const Matrix& moment) const;
    [[nodiscard]] double operator()(const Matrix& moment) const { return value(moment); }
    [[nodiscard]] Matrix active(const Matrix& moment) const;
    [[nodiscard]] bool is_monotone() const { return model_->is_monotone(); }
    [[nodiscard]] ComparisonConstants comparison_constants(int d) const;
    [[nodiscard]] double membership_excess(const Matrix& metric) const;
    [[nodiscard]] bool contains(const Matrix& metric, double tol = 1e-9) const {
        return membership_excess(metric) <= tol;
    }
    [[nodiscard]] std::optional<GaugeProgram> program(int d) const { return model_->program(d); }
    void check_dimension(int d) const { model_->check_dimension(d); }
    [[nodiscard]] bool is_convex() const { return model_->is_convex(); }
    [[nodiscard]] std::string repr() const { return model_->repr(); }
    [[nodiscard]] const GaugeModel& model() const { return *model_; }

private:
    std::shared_ptr<const GaugeModel> model_;
};

/// Throws InvalidArgument, with the reason, when γ has no convex static problem or does not fit dimension d.
void check_static(const Gauge& gauge, int d);

}  // namespace spectralot
