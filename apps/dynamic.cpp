#include "arguments.hpp"
#include "json_fields.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "result_json.hpp"
#include "spectralot/io/npy.hpp"
#include "spectralot/io/table.hpp"

#include <cstdio>
#include <memory>

namespace spectralot::cli {
namespace {

struct Dynamic {
    std::filesystem::path a, b, mask, frames;
    GaugeArguments gauge;
    dynamic::DynamicOptions options;
    bool periodic = false, verbose = false;

    int run() const;
};

Vector flat(const Points& table) {
    return Eigen::Map<const Vector>(table.data(), table.size());
}

void write_frames(const std::filesystem::path& folder, const dynamic::DynamicResult& result,
                  const dynamic::Grid& grid) {
    for (Index k = 0; k < result.density.rows(); ++k) {
        char name[32];
        std::snprintf(name, sizeof name, "density_%04d.npy", int(k));
        const Eigen::Map<const Points> frame(result.density.row(k).data(), grid.shape[0], grid.shape[1]);
        io::write_npy(folder / name, Points(frame));
    }
}

int Dynamic::run() const {
    const DescribedGauge described = gauge.read();
    const Points density_0 = io::read_points(a), density_1 = io::read_points(b);
    if (density_0.rows() != density_1.rows() || density_0.cols() != density_1.cols())
        throw_invalid(b.string(), "must have the shape of " + a.string(),
                      std::to_string(density_1.rows()) + "x" + std::to_string(density_1.cols()));
    dynamic::Grid grid{.shape = {int(density_0.rows()), int(density_0.cols())},
                       .boundary = periodic ? dynamic::Boundary::Periodic : dynamic::Boundary::NoFlux};
    if (!mask.empty()) {
        const Points open = io::read_points(mask);
        if (open.rows() != density_0.rows() || open.cols() != density_0.cols())
            throw_invalid(mask.string(), "must have the shape of " + a.string(),
                          std::to_string(open.rows()) + "x" + std::to_string(open.cols()));
        for (Index c = 0; c < open.size(); ++c) grid.mask.push_back(open.data()[c] != 0.0);
    }
    if (!frames.empty()) {
        std::error_code error;
        std::filesystem::create_directories(frames, error);
        if (error) throw FileError(frames.string() + ": cannot create the folder: " + error.message());
    }

    const InterruptGuard guard;
    const dynamic::DynamicResult result = [&] {
        ProgressLine line(ProgressLine::Kind::Bracket, options.max_iter, verbose);
        return dynamic::solve(flat(density_0), flat(density_1), grid, described.gauge, options, line.observer());
    }();
    if (!frames.empty()) write_frames(frames, result, grid);

    nlohmann::ordered_json object = document("spectralot.dynamic", described.description);
    object["shape"] = grid.shape;
    object["options"] = to_json(options);
    add_outcome(object, result);
    object["action"] = std::vector<double>(result.action.begin(), result.action.end());
    for (const Matrix& Q : result.metrics) object["metrics"].push_back(rows_of(Q));
    print(object);
    return result.converged ? Solved : NotSolved;
}

}  // namespace

void add_dynamic(CLI::App& app, Action& action) {
    auto* command = app.add_subcommand("dynamic", "dynamic form between two densities on a grid of the unit square");
    auto solve = std::make_shared<Dynamic>();
    command->add_option("a", solve->a, "density, one mass per cell: .npy or text with two axes")->required();
    command->add_option("b", solve->b, "density of the same shape and total")->required();
    solve->gauge.add_to(*command);
    add_flags(*command, solve->options);
    command->add_option("--mask", solve->mask, "non-zero where mass may go");
    command->add_flag("--periodic", solve->periodic, "opposite sides are one");
    command->add_option("--frames", solve->frames, "folder for one density_KKKK.npy per time");
    command->add_flag("-v,--verbose", solve->verbose, "one line per certificate on standard error");
    command->footer("Example:\n  spectralot dynamic a.npy b.npy --gauge operator --frames out/");
    command->callback([solve, &action] { action = [solve] { return solve->run(); }; });
}

}  // namespace spectralot::cli
