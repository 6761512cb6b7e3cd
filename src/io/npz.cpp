#include "spectralot/io/npz.hpp"

#include "io/npy_header.hpp"
#include "spectralot/core/errors.hpp"

#include <zip.h>

#include <functional>
#include <memory>
#include <numeric>

namespace spectralot::io {
namespace {

/// One member of the archive, kept until libzip has read it on closing.
std::string npy_bytes(const NamedArray& array) {
    const Index count = std::accumulate(array.shape.begin(), array.shape.end(), Index{1}, std::multiplies<>());
    if (count != static_cast<Index>(array.values.size())) {
        throw_invalid(array.name, "the shape must match the " + std::to_string(array.values.size()) + " values",
                      "a shape of " + std::to_string(count));
    }
    std::string bytes = npy_header(array.shape);
    bytes.append(reinterpret_cast<const char*>(array.values.data()), array.values.size() * sizeof(double));
    return bytes;
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& reason) {
    throw FileError(path.string() + ": cannot write: " + reason);
}

struct Discard {
    void operator()(zip_t* archive) const { zip_discard(archive); }
};

}  // namespace

NamedArray NamedArray::of(std::string name, const Vector& values) {
    return {std::move(name), {values.size()}, {values.begin(), values.end()}};
}

NamedArray NamedArray::of(std::string name, const Points& values) {
    return {std::move(name), {values.rows(), values.cols()}, {values.data(), values.data() + values.size()}};
}

void write_npz(const std::filesystem::path& path, const std::vector<NamedArray>& arrays) {
    std::vector<std::string> members;
    members.reserve(arrays.size());
    for (const NamedArray& array : arrays) members.push_back(npy_bytes(array));
    int code = 0;
    std::unique_ptr<zip_t, Discard> archive(zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
    if (!archive) {
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        const std::string reason = zip_error_strerror(&error);
        zip_error_fini(&error);
        fail(path, reason);
    }
    for (std::size_t i = 0; i < arrays.size(); ++i) {
        zip_source_t* const source = zip_source_buffer(archive.get(), members[i].data(), members[i].size(), 0);
        const std::string name = arrays[i].name + ".npy";
        const zip_int64_t index = source ? zip_file_add(archive.get(), name.c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
        if (index < 0) zip_source_free(source);
        if (index < 0 ||
            zip_set_file_compression(archive.get(), static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0) != 0) {
            fail(path, zip_strerror(archive.get()));
        }
    }
    // libzip writes to a file aside and renames it.
    if (zip_close(archive.get()) != 0) fail(path, zip_strerror(archive.get()));
    [[maybe_unused]] const zip_t* const closed = archive.release();  // closed, hence already freed
}

}  // namespace spectralot::io
