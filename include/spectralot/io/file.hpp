/// Writing a file so that nobody ever sees half of it, and opening one with an error that names it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ostream>

namespace spectralot::io {

/// Calls `write` with a stream to a file aside (same folder), then renames it to `path`: readers see the old content
/// or the new one, and nothing is left behind when `write` throws. A symbolic link keeps pointing to the same file;
/// a device such as /dev/stdout is written directly. Throws FileError naming the file.
///
///     io::write_atomically("plan.csv", [&](std::ostream& out) { out << "row,col,mass\n"; });
void write_atomically(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write);

/// A regular file opened for reading, and its size in bytes. Throws FileError: missing, unreadable, a folder, a pipe.
struct OpenFile {
    std::ifstream stream;
    std::uint64_t size = 0;
};
OpenFile open_for_reading(const std::filesystem::path& path);

}  // namespace spectralot::io
