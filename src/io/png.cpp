#include "spectralot/io/png.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/io/file.hpp"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstdint>
#include <cstring>
#include <vector>

namespace spectralot::io {
namespace {

constexpr std::uint64_t max_pixels = std::uint64_t(1) << 24;

/// libpng reports errors by a callback that may not return: it leaves the message here and jumps back. The functions
/// that can be jumped into hold nothing that needs a destructor.
struct Trouble {
    char message[160] = "";
    std::jmp_buf back;
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
    auto* trouble = static_cast<Trouble*>(png_get_error_ptr(png));
    std::strncpy(trouble->message, message, sizeof trouble->message - 1);
    std::longjmp(trouble->back, 1);
}

void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}

class Reader {
public:
    explicit Reader(std::string_view bytes)
        : bytes_(bytes),
          png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, &trouble_, on_error, on_warning)),
          info_(png_ ? png_create_info_struct(png_) : nullptr) {
        if (png_) png_set_read_fn(png_, this, take);
    }
    ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// Size of the image, whose rows will hold two 16-bit numbers per pixel: grey and opacity.
    bool header() {
        if (!png_ || !info_) return false;
        if (setjmp(trouble_.back)) return false;
        png_read_info(png_, info_);
        width = png_get_image_width(png_, info_);
        height = png_get_image_height(png_, info_);
        if (std::uint64_t(width) * height > max_pixels) return true;
        png_set_expand_16(png_);
        if (png_get_color_type(png_, info_) & PNG_COLOR_MASK_COLOR)
            png_set_rgb_to_gray_fixed(png_, PNG_ERROR_ACTION_NONE, -1, -1);
        png_set_add_alpha(png_, 0xffff, PNG_FILLER_AFTER);
        png_set_interlace_handling(png_);
        png_read_update_info(png_, info_);
        return true;
    }

    bool pixels(png_bytepp rows) {
        if (setjmp(trouble_.back)) return false;
        png_read_image(png_, rows);
        png_read_end(png_, nullptr);
        return true;
    }

    [[nodiscard]] std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
    [[nodiscard]] const char* message() const { return trouble_.message; }
    [[nodiscard]] std::size_t position() const { return position_; }

    png_uint_32 width = 0, height = 0;

private:
    static void take(png_structp png, png_bytep out, std::size_t n) {
        auto* self = static_cast<Reader*>(png_get_io_ptr(png));
        if (n > self->bytes_.size() - self->position_) png_error(png, "the file ends too early");
        std::memcpy(out, self->bytes_.data() + self->position_, n);
        self->position_ += n;
    }

    std::string_view bytes_;
    std::size_t position_ = 0;
    Trouble trouble_;
    png_structp png_;
    png_infop info_;
};

class Writer {
public:
    explicit Writer(std::string& out)
        : png_(png_create_write_struct(PNG_LIBPNG_VER_STRING, &trouble_, on_error, on_warning)),
          info_(png_ ? png_create_info_struct(png_) : nullptr) {
        if (png_) png_set_write_fn(png_, &out, put, nullptr);
    }
    ~Writer() { png_destroy_write_struct(&png_, &info_); }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    bool write(png_uint_32 width, png_uint_32 height, png_bytepp rows) {
        if (!png_ || !info_) return false;
        if (setjmp(trouble_.back)) return false;
        png_set_IHDR(png_, info_, width, height, 16, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_write_info(png_, info_);
        png_write_image(png_, rows);
        png_write_end(png_, info_);
        return true;
    }
    [[nodiscard]] const char* message() const { return trouble_.message; }

private:
    static void put(png_structp png, png_bytep bytes, std::size_t n) {
        static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<const char*>(bytes), n);
    }

    Trouble trouble_;
    png_structp png_;
    png_infop info_;
};

std::vector<png_bytep> row_starts(std::vector<png_byte>& pixels, std::size_t n_rows, std::size_t row_bytes) {
    std::vector<png_bytep> rows(n_rows);
    for (std::size_t i = 0; i < n_rows; ++i) rows[i] = pixels.data() + i * row_bytes;
    return rows;
}

}  // namespace

Points read_png(std::string_view bytes, const std::string& name) {
    Reader reader(bytes);
    const auto fail = [&] {
        throw FileError(name + ": byte " + std::to_string(reader.position()) + ": " + reader.message());
    };
    if (!reader.header()) fail();
    if (std::uint64_t(reader.width) * reader.height > max_pixels)
        throw_invalid(name, "an image must have at most 2^24 pixels",
                      std::to_string(reader.width) + "x" + std::to_string(reader.height));
    std::vector<png_byte> pixels(reader.row_bytes() * reader.height);
    std::vector<png_bytep> rows = row_starts(pixels, reader.height, reader.row_bytes());
    if (!reader.pixels(rows.data())) fail();

    Points values(Index(reader.height), Index(reader.width));
    for (Index i = 0; i < values.rows(); ++i) {
        for (Index j = 0; j < values.cols(); ++j) {
            const png_byte* at = rows[std::size_t(i)] + 4 * j;
            const double grey = at[0] * 256 + at[1], opacity = at[2] * 256 + at[3];
            values(i, j) = grey / 65535.0 * (opacity / 65535.0);
        }
    }
    return values;
}

Points read_png(const std::filesystem::path& path) {
    OpenFile file = open_for_reading(path);
    std::string bytes(file.size, '\0');
    file.stream.read(bytes.data(), std::streamsize(bytes.size()));
    if (std::uint64_t(file.stream.gcount()) != file.size) throw FileError(path.string() + ": cannot be read");
    return read_png(bytes, path.string());
}

void write_png(const std::filesystem::path& path, const Points& values) {
    if (values.size() == 0) throw_invalid("values", "an image must have pixels", "none");
    const auto n_rows = std::size_t(values.rows()), n_cols = std::size_t(values.cols());
    std::vector<png_byte> pixels(2 * n_rows * n_cols);
    for (std::size_t k = 0; k < n_rows * n_cols; ++k) {
        const double value = values.data()[k];
        const auto level = static_cast<unsigned>(value > 0.0 ? std::lround(65535.0 * std::min(value, 1.0)) : 0);
        pixels[2 * k] = png_byte(level >> 8);
        pixels[2 * k + 1] = png_byte(level & 0xff);
    }
    std::vector<png_bytep> rows = row_starts(pixels, n_rows, 2 * n_cols);
    std::string bytes;
    Writer writer(bytes);
    if (!writer.write(png_uint_32(n_cols), png_uint_32(n_rows), rows.data()))
        throw FileError(path.string() + ": " + writer.message());
    write_atomically(path, [&](std::ostream& out) { out.write(bytes.data(), std::streamsize(bytes.size())); });
}

}  // namespace spectralot::io
