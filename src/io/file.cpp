#include "spectralot/io/file.hpp"

#include "spectralot/core/errors.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

namespace spectralot::io {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& action, const std::string& reason) {
    throw FileError(path.string() + ": " + action + ": " + reason);
}

std::string last_error() {
    return errno != 0 ? std::strerror(errno) : "input/output error";
}

void write_to(const fs::path& target, const fs::path& path, const std::function<void(std::ostream&)>& write) {
    errno = 0;
    std::ofstream stream(target, std::ios::binary | std::ios::trunc);
    if (!stream) fail(path, "cannot write", last_error());
    write(stream);
    stream.close();
    if (!stream) fail(path, "cannot write", last_error());
}

/// Unique among the processes and threads that write to the same folder.
fs::path path_aside(const fs::path& target) {
    static std::atomic<unsigned> counter{0};
    fs::path aside = target;
    aside += ".part-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    return aside;
}

}  // namespace

void write_atomically(const fs::path& path, const std::function<void(std::ostream&)>& write) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) fail(path, "cannot write", "is a directory");
    if (fs::exists(status) && !fs::is_regular_file(status)) return write_to(path, path, write);

    const fs::path target = fs::exists(status) ? fs::canonical(path) : path;
    const fs::path aside = path_aside(target);
    try {
        write_to(aside, path, write);
        fs::rename(aside, target, error);
        if (error) fail(path, "cannot write", error.message());
    } catch (...) {
        fs::remove(aside, error);
        throw;
    }
}

OpenFile open_for_reading(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (error || !fs::exists(status)) fail(path, "cannot read", error ? error.message() : "no such file");
    if (!fs::is_regular_file(status)) fail(path, "cannot read", "not a regular file");
    OpenFile file;
    file.size = fs::file_size(path, error);
    errno = 0;
    file.stream.open(path, std::ios::binary);
    if (error || !file.stream) fail(path, "cannot read", error ? error.message() : last_error());
    return file;
}

}  // namespace spectralot::io
