#include "arguments.hpp"
#include "progress.hpp"
#include "result_json.hpp"
#include "spectralot/io/json.hpp"
#include "spectralot/io/table.hpp"

#include <memory>

namespace spectralot::cli {
namespace {

struct Selector {
    MeasureFile forces;
    GaugeArguments gauge;
    std::filesystem::path out;

    int run() const;
};

int Selector::run() const {
    check_output(out);
    const DescribedGauge described = gauge.read();
    const DiscreteMeasure samples = forces.read();
    const SelectorResult result = selector(described.gauge, samples.points, samples.weights);

    const InterruptGuard guard;  // nothing half-written
    nlohmann::ordered_json object = document("spectralot.selector", described.description);
    object["n"] = samples.size();
    object["dimension"] = samples.dimension();
    object["dual_norm"] = result.dual_norm;
    object["rank"] = result.rank;
    object["path"] = to_string(result.path);
    object["fenchel_residual"] = fenchel_residual(described.gauge, samples.points, result, samples.weights);
    object["out"] = out.string();
    io::write_table(out, result.direction);
    print(object);
    return Solved;
}

}  // namespace

void add_selector(CLI::App& app, Action& action) {
    auto* command =
        app.add_subcommand("selector", "steepest-descent direction J(G) and dual norm of a matrix of forces");
    auto arguments = std::make_shared<Selector>();
    command->add_option("G", arguments->forces.points, "forces, one particle per row (.npy or .csv)")->required();
    command->add_option("--weights", arguments->forces.weights,
                        "weights of the rows: the measure version instead of the matrix version");
    arguments->gauge.add_to(*command);
    command->add_option("--out", arguments->out, "J(G), same shape as G (.npy or .csv)")->required();
    command->footer("Example:\n  spectralot selector G.npy --gauge schatten:inf --out J.npy");
    command->callback([arguments, &action] { action = [arguments] { return arguments->run(); }; });
}

}  // namespace spectralot::cli
