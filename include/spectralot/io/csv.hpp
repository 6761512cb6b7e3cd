/// Text tables of numbers: one row per line, separated by commas, semicolons, or spaces and tabs.
///
/// `#` starts a comment, empty lines are skipped, and a first line of words alone is a header. Numbers are read to
/// the nearest double and written as the shortest text that reads back to the same double.
#pragma once

#include "spectralot/core/types.hpp"

#include <filesystem>
#include <istream>
#include <string>

namespace spectralot::io {

/// Throws FileError as "file:line:column: what" for a field that is not a number, rows of different length, or two
/// kinds of separator in one file (a decimal comma, most likely). A file without rows gives a 0×0 table.
Points read_csv(const std::filesystem::path& path);

/// The same from a stream; `name` stands for the file in messages.
Points read_csv(std::istream& stream, const std::string& name);

/// Comma separated, written atomically; `header` is the first line unless empty.
void write_csv(const std::filesystem::path& path, const Points& values, const std::string& header = {});

}  // namespace spectralot::io
