#include "bindings.hpp"

namespace spectralot::python {

namespace {

using Indices = Eigen::VectorXi;

Indices to_array(const std::vector<int>& v) {
    return Eigen::Map<const Indices>(v.data(), std::ssize(v));
}
Vector to_array(const std::vector<double>& v) {
    return Eigen::Map<const Vector>(v.data(), std::ssize(v));
}

template <class Result>
nb::dict common_fields(Result& result) {
    nb::dict out;
    out["lower"] = result.certificate.lower;
    out["upper"] = result.certificate.upper;
    out["status"] = text(to_string(result.status));
    out["plan"] = std::move(result.plan);
    out["potential_a"] = std::move(result.potentials.a);
    out["potential_b"] = std::move(result.potentials.b);
    out["moment"] = std::move(result.moment);
    return out;
}

nb::dict solve_static(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge, double tol,
                      int max_iter, int n_threads, double max_seconds, const ProgressCallback& callback,
                      const SparsePlan* warm_plan, const std::optional<Matrix>& warm_metric,
                      const std::optional<Vector>& warm_a, const std::optional<Vector>& warm_b) {
    const TransportOptions options{
        .tol = tol, .max_iter = max_iter, .n_threads = n_threads, .max_seconds = max_seconds};
    const Observer observer = observer_for(callback);
    TransportResult result, earlier;
    if (warm_plan) earlier.plan = *warm_plan;
    if (warm_metric) earlier.metric = *warm_metric;
    if (warm_a && warm_b) earlier.potentials = {*warm_a, *warm_b};
    const TransportResult* const warm_start = warm_metric ? &earlier : nullptr;
    const bool interrupted =
        Foreground(observer.cancel).run([&] { result = solve(mu, nu, gauge, options, observer, warm_start); });

    Points history(std::ssize(result.history), 3);
    for (Index k = 0; const HistoryRow& row : result.history) history.row(k++) << row.lower, row.upper, row.seconds;
    nb::dict out = common_fields(result);
    out["value"] = result.value;
    out["converged"] = result.converged;
    out["n_iter"] = result.n_iter;
    out["seconds"] = result.seconds;
    out["metric"] = std::move(result.metric);
    out["history"] = std::move(history);
    out["interrupted"] = interrupted;
    return out;
}

nb::dict solve_exact(const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Matrix& metric, int n_threads) {
    const ExactOptions options{.n_threads = n_threads, .cancel = {}};
    ExactResult result;
    const bool interrupted =
        Foreground(options.cancel).run([&] { result = ExactTransport(mu, nu).solve(metric, options); });
    nb::dict out = common_fields(result);
    out["interrupted"] = interrupted;
    return out;
}

}  // namespace

void bind_transport(nb::module_& m) {
    nb::class_<DiscreteMeasure>(m, "Measure", "Points and weights, checked; no weights = uniform")
        .def(
            "__init__",
            [](DiscreteMeasure* self, Points points, std::optional<Vector> weights, const std::string& points_name,
               const std::string& weights_name) {
                DiscreteMeasure measure{std::move(points), weights ? std::move(*weights) : Vector()};
                check_measure(measure, points_name, weights_name);
                new (self) DiscreteMeasure(std::move(measure));
            },
            "points"_a, "weights"_a.none(), "points_name"_a, "weights_name"_a);

    nb::class_<SparsePlan>(m, "Plan", "Sparse coupling: mass[t] goes from row[t] to col[t]")
        .def(
            "__init__",
            [](SparsePlan* self, Index n_rows, Index n_cols, const Indices& row, const Indices& col,
               const Vector& mass) {
                new (self) SparsePlan{.n_rows = n_rows,
                                      .n_cols = n_cols,
                                      .row = {row.begin(), row.end()},
                                      .col = {col.begin(), col.end()},
                                      .mass = {mass.begin(), mass.end()}};
            },
            "n_rows"_a, "n_cols"_a, "row"_a, "col"_a, "mass"_a)
        .def_prop_ro("n_rows", [](const SparsePlan& plan) { return plan.n_rows; })
        .def_prop_ro("n_cols", [](const SparsePlan& plan) { return plan.n_cols; })
        .def_prop_ro("row", [](const SparsePlan& plan) { return to_array(plan.row); })
        .def_prop_ro("col", [](const SparsePlan& plan) { return to_array(plan.col); })
        .def_prop_ro("mass", [](const SparsePlan& plan) { return to_array(plan.mass); });

    m.def("check_pair", &check_pair, "mu"_a, "nu"_a);
    m.def("solve", &solve_static, "mu"_a, "nu"_a, "gauge"_a, "tol"_a, "max_iter"_a, "n_threads"_a, "max_seconds"_a,
          "callback"_a.none(), "warm_plan"_a.none(), "warm_metric"_a.none(), "warm_a"_a.none(), "warm_b"_a.none());
    m.def("solve_exact", &solve_exact, "mu"_a, "nu"_a, "metric"_a, "n_threads"_a);
    m.def(
        "verify",
        [](const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge, const SparsePlan& plan,
           const Matrix& metric, Vector potential_a, Vector potential_b, double lower, double upper) {
            const Potentials potentials{std::move(potential_a), std::move(potential_b)};
            return verification_fields({lower, upper}, [&](const CancelToken& cancel) {
                return verify(mu, nu, gauge, plan, metric, potentials, cancel);
            });
        },
        "mu"_a, "nu"_a, "gauge"_a, "plan"_a, "metric"_a, "potential_a"_a, "potential_b"_a, "lower"_a, "upper"_a);
    m.def(
        "geodesic",
        [](const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge, const SparsePlan& plan, double t) {
            DiscreteMeasure at = geodesic(mu, nu, gauge, plan, t);
            return nb::make_tuple(std::move(at.points), std::move(at.weights));
        },
        "mu"_a, "nu"_a, "gauge"_a, "plan"_a, "t"_a);
    m.def("barycentric_map", &barycentric_map, "mu"_a, "nu"_a, "plan"_a);
    m.def(
        "matching",
        [](const DiscreteMeasure& mu, const DiscreteMeasure& nu, const Gauge& gauge, const SparsePlan& plan) {
            const CancelToken cancel;
            Matching result;
            Foreground(cancel).run_whole([&] { result = matching(mu, nu, gauge, plan, cancel); });
            return nb::make_tuple(to_array(result.target), result.cost);
        },
        "mu"_a, "nu"_a, "gauge"_a, "plan"_a);
    m.def(
        "gradient",
        [](const DiscreteMeasure& mu, const DiscreteMeasure& nu, const SparsePlan& plan, const Matrix& metric,
           Vector potential_a, Vector potential_b) {
            TransportResult result;
            result.plan = plan;
            result.metric = metric;
            result.potentials = {std::move(potential_a), std::move(potential_b)};
            EnvelopeGradient at = gradient(mu, nu, result);
            return nb::make_tuple(std::move(at.points_a), std::move(at.points_b), std::move(at.weights_a),
                                  std::move(at.weights_b));
        },
        "mu"_a, "nu"_a, "plan"_a, "metric"_a, "potential_a"_a, "potential_b"_a);
    m.def("count_split_rows", &count_split_rows, "mu"_a, "plan"_a);
}

}  // namespace spectralot::python
