/// Monotone gauges γ on PSD matrices, γ(S) = max over Q in K of tr(QS), and everything a solver asks of one.
///
/// A `Gauge` is an immutable value (shared ownership inside, cheap to copy). Build one from the structs of
/// `gauges.hpp`: `Gauge gauge = Schatten{.p = 2.0};`. Source: paper §2, math.md §1.
#pragma once

#include "spectralot/core/types.hpp"
#include "spectralot/gauge/program.hpp"

#include <memory>
#include <optional>
#include <string>

namespace spectralot {

/// c·tr(S) ≤ γ(S) ≤ C·tr(S) on PSD matrices, hence √c·W2 ≤ W_γ ≤ √C·W2.
struct ComparisonConstants {
    double lower = 0.0;
    double upper = 0.0;
};

/// What a gauge must provide; each kind of gauge is one implementation. All matrices are symmetric d×d.
class GaugeModel {
public:
    virtual ~GaugeModel() = default;

    /// γ(S) for S symmetric PSD. Absolute error ≤ 8·d·eps·γ(S); no overflow for entries in 1e±300.
    [[nodiscard]] virtual double value(const Matrix& moment) const = 0;
    /// A maximiser Q of tr(QS) over K; the isotropic choice at ties (math.md §1).
    [[nodiscard]] virtual Matrix active(const Matrix& moment) const = 0;
    [[nodiscard]] virtual bool is_monotone() const = 0;
    [[nodiscard]] virtual ComparisonConstants comparison_constants(int d) const = 0;
    /// Smallest ε ≥ 0 such that Q lies in (1+ε)·{Q' : Q' ⪯ some element of K} (the same support function on PSD
    /// matrices; non-monotone gauges: (1+ε)·K), to rounding; infinity if none. A lower bound proved with Q holds
    /// for γ after division by (1+ε).
    [[nodiscard]] virtual double membership_excess(const Matrix& metric) const = 0;
    /// K in the form the master problems understand; empty for a gauge known only through `value` and `active`.
    [[nodiscard]] virtual std::optional<GaugeProgram> program(int d) const = 0;
    /// Throws InvalidArgument when the gauge does not fit dimension d (k > d, wrong matrix size, blocks that miss …).
    virtual void check_dimension(int d) const = 0;
    /// False where the static problem is not convex (Schatten ½ ≤ p < 1): `check_static` in gauge.cpp refuses.
    [[nodiscard]] virtual bool is_convex() const { return true; }
    /// Text that reads back as Python, e.g. "Schatten(2.0)", "KyFan(2)".
    [[nodiscard]] virtual std::string repr() const = 0;

    /// Velocity map of the selector (math.md §2): symmetric PSD B = Q*⁻¹ on the range of the force second moment,
    /// so that J = -G·B, together with N*(G). `sigma` (decreasing, > 0) and the columns of `right` (d×r) are the
    /// compact SVD factors of the (weighted) force samples.
    struct SelectorMap {
        Matrix velocity_map;   ///< B, d×d
        double dual_norm = 0;  ///< N*
    };
    [[nodiscard]] virtual SelectorMap selector_map(const Vector& sigma, const Matrix& right) const = 0;
};

class Gauge {
public:
    explicit Gauge(std::shared_ptr<const GaugeModel> model) : model_(std::move(model)) {}

    [[nodiscard]] double value(const Matrix& moment) const { return model_->value(moment); }
    [[nodiscard]] double operator()(const Matrix& moment) const { return model_->value(moment); }
    [[nodiscard]] Matrix active(const Matrix& moment) const { return model_->active(moment); }
    [[nodiscard]] bool is_monotone() const { return model_->is_monotone(); }
    [[nodiscard]] ComparisonConstants comparison_constants(int d) const { return model_->comparison_constants(d); }
    [[nodiscard]] double membership_excess(const Matrix& metric) const { return model_->membership_excess(metric); }
    [[nodiscard]] bool contains(const Matrix& metric, double tol = 1e-9) const { return membership_excess(metric) <= tol; }
    [[nodiscard]] std::optional<GaugeProgram> program(int d) const { return model_->program(d); }
    void check_dimension(int d) const { model_->check_dimension(d); }
    [[nodiscard]] bool is_convex() const { return model_->is_convex(); }
    [[nodiscard]] std::string repr() const { return model_->repr(); }
    [[nodiscard]] const GaugeModel& model() const { return *model_; }

private:
    std::shared_ptr<const GaugeModel> model_;
};

}  // namespace spectralot
