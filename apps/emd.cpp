#include "arguments.hpp"
#include "progress.hpp"
#include "result_files.hpp"
#include "result_json.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/gauge/fixed_metric.hpp"
#include "spectralot/io/table.hpp"

#include <chrono>
#include <memory>

namespace spectralot::cli {
namespace {

struct Emd {
    PairArguments pair;
    std::filesystem::path metric;  ///< empty: identity
    ResultFiles files;
    int n_threads = ExactOptions{}.n_threads;

    Matrix read_metric(Index d) const;
    int run() const;
};

/// Throws FileError, or InvalidArgument naming the file.
Matrix Emd::read_metric(Index d) const {
    if (metric.empty()) return Matrix::Identity(d, d);
    const Points Q = io::read_points(metric);
    const auto shape = [](Index rows, Index cols) { return std::to_string(rows) + "x" + std::to_string(cols); };
    if (Q.rows() != d || Q.cols() != d)
        throw_invalid(metric.string(),
                      "must be " + shape(d, d) + ", as the points have " + std::to_string(d) +
                          (d == 1 ? " coordinate" : " coordinates"),
                      shape(Q.rows(), Q.cols()));
    return Q;
}

int Emd::run() const {
    files.check();
    const auto [mu, nu] = pair.read();
    const Matrix Q = read_metric(mu.dimension());
    const DescribedGauge gauge{FixedMetric{.Q = Q}, {{"name", "fixed_metric"}, {"metric", rows_of(Q)}}};

    const InterruptGuard guard;
    const auto start = std::chrono::steady_clock::now();
    ExactResult exact =
        ExactTransport(mu, nu).solve(Q, {.n_threads = n_threads, .cancel = InterruptGuard::cancel_token()});
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

    const Certificate bracket = exact.certificate;
    const TransportResult result{.value = bracket.upper,
                                 .certificate = bracket,
                                 .converged = exact.status == Status::Solved || exact.status == Status::ZeroToRounding,
                                 .status = exact.status,
                                 .n_iter = 1,
                                 .seconds = elapsed.count(),
                                 .plan = std::move(exact.plan),
                                 .potentials = std::move(exact.potentials),
                                 .metric = Q,
                                 .moment = std::move(exact.moment),
                                 .history = {{bracket.lower, bracket.upper, elapsed.count()}}};
    files.write(result, gauge, mu, nu, {{"n_threads", n_threads}});
    return result.converged ? Solved : NotSolved;
}

}  // namespace

void add_emd(CLI::App& app, Action& action) {
    auto* command = app.add_subcommand("emd", "exact transport between two clouds for the cost (x-y)'Q(x-y)");
    auto emd = std::make_shared<Emd>();
    emd->pair.add_to(*command);
    command->add_option("--metric", emd->metric,
                        "Q, symmetric (.npy or .csv), singular and indefinite ones too; identity when left out");
    command
        ->add_option("--n-threads,--threads", emd->n_threads,
                     "threads for pricing; 0 = all cores; the result does not depend on it")
        ->capture_default_str();
    emd->files.add_to(*command);
    command->footer("Example:\n  spectralot emd X.npy Y.npy --plan plan.csv --json result.json");
    command->callback([emd, &action] { action = [emd] { return emd->run(); }; });
}

}  // namespace spectralot::cli
