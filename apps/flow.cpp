#include "arguments.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "result_json.hpp"
#include "spectralot/io/json.hpp"
#include "spectralot/io/npz.hpp"

#include <chrono>
#include <memory>

namespace spectralot::cli {
namespace {

struct FlowMmd {
    PairArguments pair;
    GaugeArguments gauge;
    flow::FlowOptions options;
    flow::MmdOptions mmd;
    std::filesystem::path out;
    bool verbose = false;

    int run() const;
};

io::NamedArray stack(const std::vector<Points>& clouds) {
    io::NamedArray array{
        "points", {static_cast<Index>(clouds.size()), clouds.front().rows(), clouds.front().cols()}, {}};
    array.values.reserve(clouds.size() * static_cast<std::size_t>(clouds.front().size()));
    for (const Points& cloud : clouds)
        array.values.insert(array.values.end(), cloud.data(), cloud.data() + cloud.size());
    return array;
}

void write_trajectory(const std::filesystem::path& path, const flow::Trajectory& trajectory) {
    using io::NamedArray;
    io::write_npz(path, {NamedArray::of("times", trajectory.times), stack(trajectory.points),
                         NamedArray::of("weights", trajectory.weights), NamedArray::of("energy", trajectory.energy),
                         NamedArray::of("dissipation", trajectory.dissipation),
                         NamedArray::of("balance_residual", trajectory.balance_residual)});
}

int FlowMmd::run() const {
    check_output(out);
    const DescribedGauge described = gauge.read();
    const auto [start, target] = pair.read();
    const flow::Mmd objective(target, mmd);

    const InterruptGuard guard;
    const auto begin = std::chrono::steady_clock::now();
    const flow::Trajectory trajectory = [&] {
        ProgressLine line(ProgressLine::Kind::Steps, options.n_steps, verbose);
        return flow::run(objective, start.points, start.weights, described.gauge, options, line.observer());
    }();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;

    nlohmann::ordered_json object = document("spectralot.flow", described.description);
    object["objective"] = {{"name", "mmd"}, {"eps", mmd.eps}};
    object["options"] = to_json(options);
    object["n"] = start.size();
    object["m"] = target.size();
    object["dimension"] = start.dimension();
    object["status"] = to_string(trajectory.status);
    object["n_steps"] = trajectory.n_steps;
    object["n_records"] = trajectory.times.size();
    const Index last = trajectory.times.size() - 1;
    object["time"] = trajectory.times[last];
    object["energy_first"] = trajectory.energy[0];
    object["energy_last"] = trajectory.energy[last];
    object["dissipation_last"] = trajectory.dissipation[last];
    object["balance_residual_max"] = trajectory.balance_residual.maxCoeff();
    object["seconds"] = elapsed.count();
    object["out"] = out.string();
    write_trajectory(out, trajectory);
    print(object);
    return trajectory.status == Status::Solved ? Solved : NotSolved;
}

}  // namespace

void add_flow(CLI::App& app, Action& action) {
    auto* flows = app.add_subcommand("flow", "spectral gradient flow of particles");
    auto* command = flows->add_subcommand("mmd", "from X towards Y by the maximum mean discrepancy (energy distance)");
    auto arguments = std::make_shared<FlowMmd>();
    arguments->pair.add_to(*command);
    arguments->gauge.add_to(*command);
    add_flags(*command, arguments->options);
    command->add_option("--eps", arguments->mmd.eps, "smoothing length of the distance, in the unit of the points")
        ->capture_default_str();
    command
        ->add_option("--out", arguments->out,
                     "trajectory as .npz: times, points, weights, energy, dissipation, balance_residual")
        ->required();
    command->add_flag("-v,--verbose", arguments->verbose, "progress on standard error even without a terminal");
    command->footer(
        "Example:\n  spectralot flow mmd X.npy Y.npy --gauge operator --step 1.6 --steps 6000 --clock coordinate "
        "--record-every 10 --out run.npz");
    command->callback([arguments, &action] { action = [arguments] { return arguments->run(); }; });
}

}  // namespace spectralot::cli
