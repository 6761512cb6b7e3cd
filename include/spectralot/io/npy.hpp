/// NumPy's `.npy` arrays of real numbers, read as doubles and written as little-endian float64.
///
/// Format: numpy.lib.format, versions 1.0, 2.0 and 3.0. Read: float32, float64, signed and unsigned integers of 1 to
/// 8 bytes, bool; either byte order; C or Fortran order; one or two axes, or up to three. 64-bit integers beyond 2^53
/// are rounded.
#pragma once

#include "spectralot/core/types.hpp"
#include "spectralot/io/table.hpp"

#include <cstdint>
#include <filesystem>
#include <istream>
#include <string>
#include <vector>

namespace spectralot::io {

/// Throws FileError with file and byte for a malformed header, and unless exactly the promised bytes follow it;
/// InvalidArgument for complex, object or structured data and for more than two axes. Nothing is allocated before
/// the shape has been compared with the size of the file.
Table read_npy(const std::filesystem::path& path);

/// The same from a stream of `size` bytes; `name` stands for the file in messages.
Table read_npy(std::istream& stream, std::uint64_t size, const std::string& name);

/// Up to three axes, C order.
struct Array {
    std::vector<Index> shape;
    Vector values;
};

/// As read_npy, for one to three axes.
Array read_npy_array(const std::filesystem::path& path);
Array read_npy_array(std::istream& stream, std::uint64_t size, const std::string& name);

/// (n, d), C order, written atomically.
void write_npy(const std::filesystem::path& path, const Points& values);
/// (n,), written atomically.
void write_npy(const std::filesystem::path& path, const Vector& values);

}  // namespace spectralot::io
