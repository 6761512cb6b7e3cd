/// JSON files: read with limits on size and depth, written with one row of numbers per line.
///
/// Not part of <spectralot/spectralot.hpp>: whoever includes it needs nlohmann-json ≥ 3.11.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace spectralot::io {

struct JsonLimits {
    std::size_t max_bytes = std::size_t{1} << 29;  ///< 512 MiB of text
    int max_depth = 64;                            ///< arrays and objects inside each other
};

/// Throws FileError with file, line, column and byte for text that is not JSON, that exceeds a limit, or that holds
/// a number beyond the range of double.
nlohmann::json read_json(const std::filesystem::path& path, const JsonLimits& limits = {});

/// The same from memory; `name` stands for the file in messages.
nlohmann::json parse_json(std::string_view text, const std::string& name, const JsonLimits& limits = {});

/// Objects indented by two spaces, an array of numbers on one line, an array of arrays one row per line. Numbers read
/// back to the same double; infinity and NaN become null. Ends with a line break.
std::string to_text(const nlohmann::ordered_json& value);

/// `to_text`, written atomically.
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& value);

}  // namespace spectralot::io
