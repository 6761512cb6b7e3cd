/// Several named arrays of doubles in one `.npz` file that `numpy.load` opens.
#pragma once

#include "spectralot/core/types.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace spectralot::io {

/// A named array in C order; the product of `shape` is the number of values.
struct NamedArray {
    std::string name;
    std::vector<Index> shape;
    std::vector<double> values;

    static NamedArray of(std::string name, const Vector& values);
    static NamedArray of(std::string name, const Points& values);
};

/// Writes the arrays uncompressed, atomically. Throws FileError naming the file, InvalidArgument when a shape and
/// its values disagree.
void write_npz(const std::filesystem::path& path, const std::vector<NamedArray>& arrays);

}  // namespace spectralot::io
