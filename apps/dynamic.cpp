#include "arguments.hpp"
#include "json_fields.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "result_json.hpp"
#include "spectralot/io/npy.hpp"
#include "spectralot/io/npz.hpp"
#include "spectralot/io/png.hpp"
#include "spectralot/io/table.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

namespace spectralot::cli {
namespace {

struct Dynamic {
    std::filesystem::path a, b, mask, frames;
    GaugeArguments gauge;
    dynamic::DynamicOptions options;
    std::vector<double> lengths;
    bool periodic = false, dark = false, verbose = false;

    int run() const;
};

bool is_image(const std::filesystem::path& path) {
    return path.extension() == ".png" || path.extension() == ".PNG";
}

io::Array read_grid(const std::filesystem::path& path) {
    if (path.extension() == ".npy") return io::read_npy_array(path);
    const Points table = is_image(path) ? io::read_png(path) : io::read_points(path);
    return {{table.rows(), table.cols()}, Eigen::Map<const Vector>(table.data(), table.size())};
}

/// One mass per cell. An image has no unit of mass: scaled to the sum 1.
io::Array read_density(const std::filesystem::path& path, bool dark) {
    io::Array masses = read_grid(path);
    if (!is_image(path)) return masses;
    if (dark) masses.values = 1.0 - masses.values.array();
    const double total = masses.values.sum();
    if (!(total > 0.0)) throw_invalid(path.string(), "must have a positive sum", dark ? "all white" : "all black");
    masses.values /= total;
    return masses;
}

std::string text_of(const std::vector<Index>& shape) {
    std::string text;
    for (const Index n : shape) text += (text.empty() ? "" : "x") + std::to_string(n);
    return text;
}

/// Masses as a picture, the largest of all times white. One axis: bars. Three: sums along the third.
std::vector<Points> pictures(const Points& frames, const std::vector<Index>& shape) {
    constexpr Index height = 64;
    const Index rows = shape[0], cols = shape.size() > 1 ? shape[1] : 1;
    std::vector<Points> images;
    double most = 0.0;
    for (Index k = 0; k < frames.rows(); ++k) {
        const Eigen::Map<const Points> lines(frames.row(k).data(), rows * cols, frames.cols() / (rows * cols));
        const Vector sums = lines.rowwise().sum();
        most = std::max(most, sums.maxCoeff());
        images.emplace_back(Eigen::Map<const Points>(sums.data(), rows, cols));
    }
    for (Points& image : images) {
        image /= most;
        if (shape.size() > 1) continue;
        Points bars(height, rows);
        for (Index i = 0; i < height; ++i)
            for (Index j = 0; j < rows; ++j) bars(i, j) = image(j, 0) * double(height) + 0.5 >= double(height - i) ? 1.0 : 0.0;
        image = bars;
    }
    return images;
}

/// One density_KKKK.png per time, and the fields as numbers.
void write_frames(const std::filesystem::path& folder, const dynamic::DynamicResult& result,
                  const std::vector<Index>& shape) {
    const std::vector<Points> images = pictures(result.frames(), shape);
    for (std::size_t k = 0; k < images.size(); ++k) {
        char name[32];
        std::snprintf(name, sizeof name, "density_%04d.png", int(k));
        io::write_png(folder / name, images[k]);
    }
    const auto array = [](const std::string& name, std::vector<Index> axes, const std::vector<Index>& more) {
        axes.insert(axes.end(), more.begin(), more.end());
        return io::NamedArray{name, std::move(axes), {}};
    };
    const auto append = [](std::vector<double>& values, const Points& more) {
        values.insert(values.end(), more.data(), more.data() + more.size());
    };
    const Index n_times = result.action.size(), d = Index(shape.size());
    io::NamedArray density = array("density", {n_times + 1}, shape);
    append(density.values, result.density);
    io::NamedArray momentum = array("momentum", {d, n_times}, shape);
    for (const Points& axis : result.momentum) append(momentum.values, axis);
    io::NamedArray metrics = array("metrics", {n_times}, {d, d});
    for (const Matrix& Q : result.metrics) append(metrics.values, Q);
    io::write_npz(folder / "fields.npz", {density, momentum, io::NamedArray::of("action", result.action), metrics});
}

int Dynamic::run() const {
    const DescribedGauge described = gauge.read();
    const io::Array density_0 = read_density(a, dark), density_1 = read_density(b, dark);
    const std::vector<Index>& shape = density_0.shape;
    if (density_1.shape != shape)
        throw_invalid(b.string(), "must have the shape of " + a.string(), text_of(density_1.shape));
    dynamic::Grid grid{.shape = {shape.begin(), shape.end()},
                       .lengths = lengths,
                       .boundary = periodic ? dynamic::Boundary::Periodic : dynamic::Boundary::NoFlux};
    if (!mask.empty()) {
        const io::Array open = read_grid(mask);
        if (open.shape != shape)
            throw_invalid(mask.string(), "must have the shape of " + a.string(), text_of(open.shape));
        for (const double value : open.values) grid.mask.push_back(value != 0.0);
    }
    if (!frames.empty()) {
        std::error_code error;
        std::filesystem::create_directories(frames, error);
        if (error) throw FileError(frames.string() + ": cannot create the folder: " + error.message());
    }

    const InterruptGuard guard;
    const dynamic::DynamicResult result = [&] {
        ProgressLine line(ProgressLine::Kind::Bracket, options.max_iter, verbose);
        return dynamic::solve(density_0.values, density_1.values, grid, described.gauge, options, line.observer());
    }();
    if (!frames.empty()) write_frames(frames, result, shape);

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
    auto* command = app.add_subcommand("dynamic", "dynamic form between two densities on a grid of 1, 2 or 3 axes");
    auto solve = std::make_shared<Dynamic>();
    command
        ->add_option("a", solve->a,
                     "density, one mass per cell: .npy with 1 to 3 axes, text, or .png (brightness, scaled to sum 1)")
        ->required();
    command->add_option("b", solve->b, "density of the same shape and total")->required();
    solve->gauge.add_to(*command);
    add_flags(*command, solve->options);
    command->add_option("--mask", solve->mask, "non-zero (in a .png: not black) where mass may go");
    command->add_option("--lengths", solve->lengths, "sides of the box, separated by commas (1 each)")->delimiter(',');
    command->add_flag("--dark", solve->dark, "images carry their mass where they are dark");
    command->add_flag("--periodic", solve->periodic, "opposite sides are one");
    command->add_option("--frames", solve->frames, "folder for one density_KKKK.png per time, and fields.npz");
    command->add_flag("-v,--verbose", solve->verbose, "one line per certificate on standard error");
    command->footer("Example:\n  spectralot dynamic a.png b.png --gauge operator --frames out/");
    command->callback([solve, &action] { action = [solve] { return solve->run(); }; });
}

}  // namespace spectralot::cli
