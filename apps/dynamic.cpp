#include "arguments.hpp"
#include "json_fields.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "result_json.hpp"
#include "spectralot/io/npz.hpp"
#include "spectralot/io/png.hpp"
#include "spectralot/io/table.hpp"

#include <cstdio>
#include <memory>

namespace spectralot::cli {
namespace {

struct Dynamic {
    std::filesystem::path a, b, mask, frames;
    GaugeArguments gauge;
    dynamic::DynamicOptions options;
    bool periodic = false, dark = false, verbose = false;

    int run() const;
};

Vector flat(const Points& table) {
    return Eigen::Map<const Vector>(table.data(), table.size());
}

bool is_image(const std::filesystem::path& path) {
    return path.extension() == ".png" || path.extension() == ".PNG";
}

Points read_grid(const std::filesystem::path& path) {
    return is_image(path) ? io::read_png(path) : io::read_points(path);
}

/// One mass per cell. An image has no unit of mass: scaled to the sum 1.
Points read_density(const std::filesystem::path& path, bool dark) {
    Points masses = read_grid(path);
    if (!is_image(path)) return masses;
    if (dark) masses = 1.0 - masses.array();
    const double total = masses.sum();
    if (!(total > 0.0)) throw_invalid(path.string(), "must have a positive sum", dark ? "all white" : "all black");
    return masses / total;
}

/// One density_KKKK.png per time, white where a cell holds the most mass of all times, and the fields as numbers.
void write_frames(const std::filesystem::path& folder, const dynamic::DynamicResult& result,
                  const dynamic::Grid& grid) {
    const Index rows = grid.shape[0], cols = grid.shape[1], n_times = result.action.size();
    const Points shown = result.frames();
    const double most = shown.maxCoeff();
    for (Index k = 0; k < shown.rows(); ++k) {
        char name[32];
        std::snprintf(name, sizeof name, "density_%04d.png", int(k));
        const Eigen::Map<const Points> frame(shown.row(k).data(), rows, cols);
        io::write_png(folder / name, Points(frame / most));
    }
    const auto append = [](std::vector<double>& values, const Points& more) {
        values.insert(values.end(), more.data(), more.data() + more.size());
    };
    io::NamedArray density{"density", {n_times + 1, rows, cols}, {}};
    append(density.values, result.density);
    io::NamedArray momentum{"momentum", {2, n_times, rows, cols}, {}};
    for (const Points& axis : result.momentum) append(momentum.values, axis);
    io::NamedArray metrics{"metrics", {n_times, 2, 2}, {}};
    for (const Matrix& Q : result.metrics) append(metrics.values, Q);
    io::write_npz(folder / "fields.npz", {density, momentum, io::NamedArray::of("action", result.action), metrics});
}

int Dynamic::run() const {
    const DescribedGauge described = gauge.read();
    const Points density_0 = read_density(a, dark), density_1 = read_density(b, dark);
    if (density_0.rows() != density_1.rows() || density_0.cols() != density_1.cols())
        throw_invalid(b.string(), "must have the shape of " + a.string(),
                      std::to_string(density_1.rows()) + "x" + std::to_string(density_1.cols()));
    dynamic::Grid grid{.shape = {int(density_0.rows()), int(density_0.cols())},
                       .boundary = periodic ? dynamic::Boundary::Periodic : dynamic::Boundary::NoFlux};
    if (!mask.empty()) {
        const Points open = read_grid(mask);
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
    command
        ->add_option("a", solve->a,
                     "density, one mass per cell: .npy or text with two axes, or .png (brightness, scaled to sum 1)")
        ->required();
    command->add_option("b", solve->b, "density of the same shape and total")->required();
    solve->gauge.add_to(*command);
    add_flags(*command, solve->options);
    command->add_option("--mask", solve->mask, "non-zero (in a .png: not black) where mass may go");
    command->add_flag("--dark", solve->dark, "images carry their mass where they are dark");
    command->add_flag("--periodic", solve->periodic, "opposite sides are one");
    command->add_option("--frames", solve->frames, "folder for one density_KKKK.png per time, and fields.npz");
    command->add_flag("-v,--verbose", solve->verbose, "one line per certificate on standard error");
    command->footer("Example:\n  spectralot dynamic a.png b.png --gauge operator --frames out/");
    command->callback([solve, &action] { action = [solve] { return solve->run(); }; });
}

}  // namespace spectralot::cli
