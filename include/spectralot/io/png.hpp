/// PNG images as matrices of numbers in [0, 1], by libpng: black 0, white 1, the first row on top.
///
/// Read: every PNG of at most 2^24 pixels. Colours become their luminance (libpng's weights, no gamma), transparent
/// pixels lose that share of it. Written: 16-bit grey.
#pragma once

#include "spectralot/core/types.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace spectralot::io {

/// Throws FileError with the file and byte for anything that is not a whole, valid PNG, InvalidArgument for too many
/// pixels.
Points read_png(const std::filesystem::path& path);

/// The same from the bytes of a file; `name` stands for it in messages.
Points read_png(std::string_view bytes, const std::string& name);

/// Values are clipped to [0, 1] (NaN becomes 0) and rounded to 1/65535; written atomically.
void write_png(const std::filesystem::path& path, const Points& values);

}  // namespace spectralot::io
