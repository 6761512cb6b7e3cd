#include "arguments.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "result_json.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/flow/attention.hpp"
#include "spectralot/flow/mmd.hpp"
#include "spectralot/flow/two_layer.hpp"
#include "spectralot/io/json.hpp"
#include "spectralot/io/npz.hpp"
#include "spectralot/io/table.hpp"

#include <algorithm>
#include <chrono>
#include <memory>

namespace spectralot::cli {
namespace {

/// What the files of one command describe.
struct Problem {
    DiscreteMeasure start;
    std::unique_ptr<flow::Objective> objective;
    nlohmann::ordered_json description;  ///< of the objective
};

/// What the flows of all objectives share; each of them reads its own files.
struct FlowCommand {
    GaugeArguments gauge;
    flow::FlowOptions options;
    std::filesystem::path out;
    bool verbose = false;

    virtual ~FlowCommand() = default;
    [[nodiscard]] virtual Problem read() const = 0;
    void add_to(CLI::App& command);
    [[nodiscard]] int run() const;
};

void FlowCommand::add_to(CLI::App& command) {
    gauge.add_to(command);
    add_flags(command, options);
    command
        .add_option(
            "--out", out,
            "trajectory as .npz: times, points, weights, energy, dissipation, balance_residual, kinetic, descent")
        ->required();
    command.add_flag("-v,--verbose", verbose, "progress on standard error even without a terminal");
}

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
    const io::NamedArray descent{"descent",
                                 {static_cast<Index>(trajectory.descent.size())},
                                 {trajectory.descent.begin(), trajectory.descent.end()}};
    io::write_npz(path, {NamedArray::of("times", trajectory.times), stack(trajectory.points),
                         NamedArray::of("weights", trajectory.weights), NamedArray::of("energy", trajectory.energy),
                         NamedArray::of("dissipation", trajectory.dissipation),
                         NamedArray::of("balance_residual", trajectory.balance_residual),
                         NamedArray::of("kinetic", trajectory.kinetic), descent});
}

int FlowCommand::run() const {
    check_output(out);
    if (options.n_steps == 0) throw_invalid("n_steps", "must be at least 1", "0");  // who types a command wants a flow
    const DescribedGauge described = gauge.read();
    const Problem problem = read();

    const InterruptGuard guard;
    const auto begin = std::chrono::steady_clock::now();
    const flow::Trajectory trajectory = [&] {
        ProgressLine line(ProgressLine::Kind::Steps, options.n_steps, verbose);
        return flow::run(*problem.objective, problem.start.points, problem.start.weights, described.gauge, options,
                         line.observer());
    }();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;

    nlohmann::ordered_json object = document("spectralot.flow", described.description);
    object["objective"] = problem.description;
    object["options"] = to_json(options);
    object["n"] = problem.start.size();
    object["dimension"] = problem.start.dimension();
    object["status"] = to_string(trajectory.status);
    object["reason"] = trajectory.reason;
    object["n_steps"] = trajectory.n_steps;
    object["n_records"] = trajectory.times.size();
    const Index last = trajectory.times.size() - 1;
    object["time"] = trajectory.times[last];
    object["energy_first"] = trajectory.energy[0];
    object["energy_last"] = trajectory.energy[last];
    object["dissipation_last"] = trajectory.dissipation[last];
    object["dissipation_is_dual"] = trajectory.dissipation_is_dual;
    object["balance_residual_max"] = trajectory.balance_residual.maxCoeff();
    object["descent"] = std::count(trajectory.descent.begin(), trajectory.descent.end(), false) == 0;
    object["seconds"] = elapsed.count();
    object["out"] = out.string();
    write_trajectory(out, trajectory);
    print(object);
    return trajectory.status == Status::Solved ? Solved : NotSolved;
}

struct FlowMmd final : FlowCommand {
    PairArguments pair;
    flow::MmdOptions mmd;

    Problem read() const override {
        auto [start, target] = pair.read();
        nlohmann::ordered_json description = {{"name", "mmd"}, {"m", target.size()}};
        description.update(to_json(mmd));
        return {std::move(start), std::make_unique<flow::Mmd>(target, mmd), std::move(description)};
    }
};

struct FlowRelu final : FlowCommand {
    MeasureFile neurons;
    std::filesystem::path inputs, outputs;
    std::string activation = "relu";
    int n_threads = 1;

    Problem read() const override {
        const io::Table answers = io::read_table(outputs);
        auto objective = std::make_unique<flow::TwoLayer>(io::read_points(inputs), answers.values,
                                                          flow::activation(activation), n_threads);
        nlohmann::ordered_json description = {
            {"name", "two_layer"}, {"activation", activation}, {"m", answers.values.rows()}};
        return {neurons.read(), std::move(objective), std::move(description)};
    }
};

struct FlowAttention final : FlowCommand {
    MeasureFile heads;
    std::filesystem::path tokens, target;
    flow::AttentionOptions attention;

    Problem read() const override {
        Points rows = io::read_points(tokens);
        nlohmann::ordered_json description = {{"name", "attention"},
                                              {"m", rows.rows() / std::max(attention.n_tokens, 1)},
                                              {"n_tokens", attention.n_tokens},
                                              {"d_head", attention.d_head}};
        return {heads.read(), std::make_unique<flow::Attention>(std::move(rows), io::read_points(target), attention),
                std::move(description)};
    }
};

/// A subcommand of `flow` with its arguments.
template <class Command>
std::pair<CLI::App*, std::shared_ptr<Command>> add(CLI::App& flows, Action& action, const std::string& name,
                                                   const std::string& help, const std::string& example) {
    auto* command = flows.add_subcommand(name, help);
    auto arguments = std::make_shared<Command>();
    command->footer("Example:\n  spectralot flow " + name + example);
    command->callback([arguments, &action] { action = [arguments] { return arguments->run(); }; });
    return {command, arguments};
}

}  // namespace

void add_flow(CLI::App& app, Action& action) {
    auto* flows = app.add_subcommand("flow", "spectral gradient flow of particles");

    const auto [mmd, cloud] = add<FlowMmd>(
        *flows, action, "mmd", "from X towards Y by the maximum mean discrepancy",
        " X.npy Y.npy --gauge operator --step 1.6 --steps 6000 --clock coordinate --record-every 10 --out run.npz");
    cloud->pair.add_to(*mmd);
    cloud->add_to(*mmd);
    add_flags(*mmd, cloud->mmd);

    const auto [relu, network] = add<FlowRelu>(
        *flows, action, "relu", "trains a two-layer network on ½ mean |H(z) - y|²",
        " X.npy Z.npy y.npy --gauge operator --clock coordinate --step 50 --steps 2000 --step-cap 0.2 --out run.npz");
    relu->add_option("X", network->neurons.points, "neurons (u, v), one per row: outputs, then inputs")->required();
    relu->add_option("Z", network->inputs, "inputs, one sample per row")->required();
    relu->add_option("y", network->outputs, "outputs, one sample per row")->required();
    relu->add_option("--weights", network->neurons.weights, "weights of the neurons; uniform when left out");
    relu->add_option("--activation", network->activation, "relu, tanh, sigmoid, softplus, square or identity")
        ->capture_default_str();
    relu->add_option("--n-threads,--threads", network->n_threads, "0 = all cores; the result does not depend on it")
        ->capture_default_str();
    network->add_to(*relu);

    const auto [attention, heads] = add<FlowAttention>(
        *flows, action, "attention", "trains one layer of softmax attention on ½ mean (H - target)²",
        " X.npy tokens.npy target.npy --n-tokens 16 --d-head 3 --gauge operator --clock coordinate --step 180 --steps "
        "480 --step-cap 0.45 --out run.npz");
    attention->add_option("X", heads->heads.points, "heads (Q, K, V, O), one per row, each d_head x d row-major")
        ->required();
    attention->add_option("tokens", heads->tokens, "one token per row, sequence by sequence")->required();
    attention->add_option("target", heads->target, "outputs in the shape of the tokens")->required();
    attention->add_option("--weights", heads->heads.weights, "weights of the heads; uniform when left out");
    attention->add_option("--n-tokens", heads->attention.n_tokens, "tokens per sequence")->required();
    attention->add_option("--d-head", heads->attention.d_head, "dimension of queries, keys and values")->required();
    attention
        ->add_option("--n-threads,--threads", heads->attention.n_threads,
                     "0 = all cores; the result does not depend on it")
        ->capture_default_str();
    heads->add_to(*attention);
}

}  // namespace spectralot::cli
