#include "bindings.hpp"
#include "spectralot/gauge/fixed_metric.hpp"

namespace spectralot::python {

namespace {

/// A C-ordered array of the caller, without a copy.
using Rows = Eigen::Ref<const Points>;

/// A gauge function is pure: one that Ctrl-C broke off is called once more, so that the solver can end in order.
template <class Result>
std::function<Result(const Matrix&)> in_python(std::function<Result(const Matrix&)> function) {
    return [function = std::move(function)](const Matrix& moment) {
        const auto call = [&] { return function(moment); };
        try {
            return Foreground::in_python(call);
        } catch (const Abandoned&) {
            return Foreground::in_python(call);
        }
    };
}

}  // namespace

void bind_gauge(nb::module_& m) {
    nb::class_<Gauge>(m, "Gauge", "A gauge of PSD matrices (immutable)")
        .def("value", &Gauge::value, "moment"_a)
        .def("active", &Gauge::active, "moment"_a)
        .def("membership_excess", &Gauge::membership_excess, "metric"_a)
        .def("check_dimension", &Gauge::check_dimension, "d"_a)
        .def(
            "comparison_constants",
            [](const Gauge& gauge, int d) {
                const ComparisonConstants c = gauge.comparison_constants(d);
                return nb::make_tuple(c.lower, c.upper);
            },
            "d"_a)
        .def_prop_ro("is_monotone", &Gauge::is_monotone)
        .def_prop_ro("is_convex", &Gauge::is_convex);

    m.def("schatten", [](double p) -> Gauge { return Schatten{p}; }, "p"_a);
    m.def("ky_fan", [](int k) -> Gauge { return KyFan{k}; }, "k"_a);
    m.def("weighted_trace", [](Matrix A) -> Gauge { return WeightedTrace{std::move(A)}; }, "A"_a);
    m.def(
        "polyhedral", [](std::vector<Matrix> matrices) -> Gauge { return Polyhedral{std::move(matrices)}; },
        "matrices"_a);
    m.def(
        "block_sum",
        [](std::vector<std::vector<int>> blocks, std::vector<Gauge> gauges) -> Gauge {
            return BlockSum{std::move(blocks), std::move(gauges)};
        },
        "blocks"_a, "gauges"_a);
    m.def(
        "block_max",
        [](std::vector<std::vector<int>> blocks, std::vector<Gauge> gauges, std::vector<double> eta) -> Gauge {
            return BlockMax{std::move(blocks), std::move(gauges), std::move(eta)};
        },
        "blocks"_a, "gauges"_a, "eta"_a);
    m.def(
        "conic_sum",
        [](std::vector<Gauge> gauges, std::vector<double> weights) -> Gauge {
            return ConicSum{std::move(gauges), std::move(weights)};
        },
        "gauges"_a, "weights"_a);
    m.def("entrywise", [](double M) -> Gauge { return Entrywise{M}; }, "M"_a);
    m.def("fixed_metric", [](Matrix metric) -> Gauge { return FixedMetric{std::move(metric)}; }, "metric"_a);
    m.def(
        "custom_gauge",
        [](std::function<double(const Matrix&)> value, std::function<Matrix(const Matrix&)> active, bool monotone)
            -> Gauge { return CustomGauge{in_python(std::move(value)), in_python(std::move(active)), monotone}; },
        "value"_a, "active"_a, "monotone"_a);

    m.def(
        "selector",
        [](const Gauge& gauge, const Rows& G, const Vector& weights) { return selector(gauge, G, weights).direction; },
        "gauge"_a, "G"_a, "weights"_a, without_gil());
    m.def(
        "diagnosed_selector",
        [](const Gauge& gauge, const Rows& G, const Vector& weights) {
            SelectorResult result;
            double residual = 0.0;
            {
                const nb::gil_scoped_release released;
                result = selector(gauge, G, weights);
                residual = fenchel_residual(gauge, G, result, weights);
            }
            nb::dict out;
            out["path"] = text(to_string(result.path));
            out["rank"] = result.rank;
            out["dual_norm"] = result.dual_norm;
            out["fenchel_residual"] = residual;
            out["direction"] = std::move(result.direction);
            return out;
        },
        "gauge"_a, "G"_a, "weights"_a);
    m.def(
        "norm", [](const Gauge& gauge, const Rows& V, const Vector& weights) { return norm(gauge, V, weights); },
        "gauge"_a, "V"_a, "weights"_a, without_gil());
    m.def(
        "dual_norm",
        [](const Gauge& gauge, const Rows& G, const Vector& weights) { return dual_norm(gauge, G, weights); },
        "gauge"_a, "G"_a, "weights"_a, without_gil());
    m.def("polar", [](const Rows& G) { return polar(G); }, "G"_a, without_gil());
}

}  // namespace spectralot::python
