#include "spectralot/io/table.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/io/csv.hpp"
#include "spectralot/io/npy.hpp"

#include <string>

namespace spectralot::io {
namespace {

enum class Format { Npy, Text };

Format format_of(const std::filesystem::path& path) {
    const std::string extension = path.extension().string();
    if (extension == ".npy") return Format::Npy;
    if (extension == ".csv" || extension == ".tsv" || extension == ".txt") return Format::Text;
    throw_invalid(path.string(), "the file must be a .npy, .csv, .tsv or .txt file",
                  extension.empty() ? "no extension" : extension);
}

std::string shape_text(const Table& table) {
    const std::string rows = std::to_string(table.values.rows());
    return table.n_axes == 1 ? "(" + rows + ",)" : "(" + rows + ", " + std::to_string(table.values.cols()) + ")";
}

}  // namespace

Table read_table(const std::filesystem::path& path) {
    return format_of(path) == Format::Npy ? read_npy(path) : Table{read_csv(path)};
}

Points read_points(const std::filesystem::path& path) {
    Table table = read_table(path);
    if (table.n_axes != 2) throw_invalid(path.string(), "points must have shape (n, d)", "shape " + shape_text(table));
    return std::move(table.values);
}

Vector read_weights(const std::filesystem::path& path) {
    const Table table = read_table(path);
    if (table.values.rows() > 1 && table.values.cols() > 1) {
        throw_invalid(path.string(), "weights must have shape (n,)", "shape " + shape_text(table));
    }
    return Eigen::Map<const Vector>(table.values.data(), table.values.size());
}

void write_table(const std::filesystem::path& path, const Points& values) {
    format_of(path) == Format::Npy ? write_npy(path, values) : write_csv(path, values);
}

}  // namespace spectralot::io
