/// Tables of real numbers from `.npy` and text files: clouds of points (n×d) and weights (n).
#pragma once

#include "spectralot/core/types.hpp"

#include <filesystem>

namespace spectralot::io {

/// What a file held, as doubles. A one-dimensional array of n numbers is stored as n×1 with n_axes = 1.
struct Table {
    Points values;
    int n_axes = 2;
};

/// By extension: `.npy` (npy.hpp), or `.csv`, `.tsv`, `.txt` (csv.hpp). Throws FileError for a missing or malformed
/// file, InvalidArgument for another extension or for an array that does not hold real numbers in one or two axes.
Table read_table(const std::filesystem::path& path);

/// A table with two axes; InvalidArgument naming the file otherwise.
Points read_points(const std::filesystem::path& path);

/// A table with one axis, one column or one row; InvalidArgument naming the file otherwise.
Vector read_weights(const std::filesystem::path& path);

/// `.npy` or text by extension, as in `read_table`.
void write_table(const std::filesystem::path& path, const Points& values);

}  // namespace spectralot::io
