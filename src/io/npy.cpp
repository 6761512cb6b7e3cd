#include "spectralot/io/npy.hpp"

#include "io/npy_header.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/io/file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>

namespace spectralot::io {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written in the machine's byte order");

constexpr std::string_view magic("\x93NUMPY", 6);

struct Descriptor {
    char kind = 0;  ///< f, i, u or b
    std::size_t item_size = 0;
    bool swapped = false;
};

struct Header {
    std::string type;
    bool fortran_order = false;
    std::vector<std::uint64_t> shape;
    std::uint64_t data_begin = 0;
};

/// Reads the header's text, the Python literal {'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }.
class HeaderParser {
public:
    HeaderParser(std::string_view text, std::uint64_t begin, std::string name)
        : text_(text), begin_(begin), name_(std::move(name)) {}

    Header parse() {
        Header header;
        bool has_type = false, has_order = false, has_shape = false;
        expect('{');
        while (!accept('}')) {
            const std::string key = quoted();
            expect(':');
            if (key == "descr" && !has_type) {
                header.type = type();
                has_type = true;
            } else if (key == "fortran_order" && !has_order) {
                header.fortran_order = boolean();
                has_order = true;
            } else if (key == "shape" && !has_shape) {
                header.shape = tuple();
                has_shape = true;
            } else {
                fail("unexpected key '" + key + "'");
            }
            if (!accept(',')) {
                expect('}');
                break;
            }
        }
        skip_space();
        if (position_ != text_.size()) fail("text after the header");
        if (!has_type || !has_order || !has_shape) fail("a header without descr, fortran_order or shape");
        return header;
    }

private:
    [[noreturn]] void fail(const std::string& what) const {
        throw FileError(name_ + ": byte " + std::to_string(begin_ + position_) + ": " + what);
    }
    void skip_space() {
        while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) ++position_;
    }
    bool accept(char c) {
        skip_space();
        if (position_ == text_.size() || text_[position_] != c) return false;
        ++position_;
        return true;
    }
    void expect(char c) {
        if (!accept(c)) fail(std::string("expected '") + c + "' in the header");
    }
    std::string quoted() {
        if (!accept('\'')) fail("expected a quoted word in the header");
        const std::size_t end = text_.find('\'', position_);
        if (end == std::string_view::npos) fail("a quoted word without end");
        const std::string word(text_.substr(position_, end - position_));
        position_ = end + 1;
        return word;
    }
    std::string type() {
        skip_space();
        if (text_.substr(position_, 1) == "[") {
            throw_invalid(name_, "the array must hold real numbers", "a structured type");
        }
        return quoted();
    }
    bool boolean() {
        skip_space();
        for (const std::string_view word : {"True", "False"}) {
            if (text_.substr(position_, word.size()) == word) {
                position_ += word.size();
                return word == "True";
            }
        }
        fail("expected True or False in the header");
    }
    std::vector<std::uint64_t> tuple() {
        std::vector<std::uint64_t> sizes;
        expect('(');
        while (!accept(')')) {
            skip_space();
            std::uint64_t size = 0;
            const char* const first = text_.data() + position_;
            const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), size);
            if (error != std::errc{}) fail("expected a size in the shape");
            position_ += static_cast<std::size_t>(end - first);
            sizes.push_back(size);
            if (!accept(',')) {
                expect(')');
                break;
            }
        }
        return sizes;
    }

    std::string_view text_;
    std::uint64_t begin_;
    std::string name_;
    std::size_t position_ = 0;
};

/// Reads exactly `buffer.size()` bytes; `size` is the stream's own size, known to be large enough.
void read_exactly(std::istream& stream, char* buffer, std::uint64_t count, const std::string& name) {
    stream.read(buffer, static_cast<std::streamsize>(count));
    if (static_cast<std::uint64_t>(stream.gcount()) != count) throw FileError(name + ": cannot read to the end");
}

Header read_header(std::istream& stream, std::uint64_t size, const std::string& name) {
    std::array<unsigned char, 12> start{};
    const std::uint64_t n_start = std::min<std::uint64_t>(size, 10);
    read_exactly(stream, reinterpret_cast<char*>(start.data()), n_start, name);
    if (n_start < 10 || std::memcmp(start.data(), magic.data(), magic.size()) != 0) {
        throw FileError(name + ": byte 0: not a .npy file");
    }
    const int version = start[6];
    if (version < 1 || version > 3) {
        throw FileError(name + ": byte 6: .npy version 1, 2 or 3 expected, got " + std::to_string(version));
    }
    std::uint64_t begin = 10;
    std::uint64_t length = start[8] | std::uint64_t{start[9]} << 8;
    if (version > 1) {
        begin = 12;
        if (size < begin) throw FileError(name + ": byte 10: truncated header");
        read_exactly(stream, reinterpret_cast<char*>(start.data()) + 10, 2, name);
        length |= std::uint64_t{start[10]} << 16 | std::uint64_t{start[11]} << 24;
    }
    if (length > size - begin) {
        throw FileError(name + ": byte " + std::to_string(begin) + ": truncated header, " + std::to_string(length) +
                        " bytes announced, " + std::to_string(size - begin) + " present");
    }
    // NumPy itself refuses longer headers: a legal one for numbers is about 100 bytes.
    if (length > 10000) throw FileError(name + ": byte 8: a header of " + std::to_string(length) + " bytes");
    std::string text(length, '\0');
    read_exactly(stream, text.data(), length, name);
    Header header = HeaderParser(text, begin, name).parse();
    header.data_begin = begin + length;
    return header;
}

Descriptor parse_type(const std::string& type, const std::string& name) {
    Descriptor result;
    std::string_view text = type;
    if (!text.empty() && std::string_view("<>|=").find(text[0]) != std::string_view::npos) {
        result.swapped = text[0] == '>';
        text.remove_prefix(1);
    }
    static constexpr std::array<std::string_view, 11> known = {"f4", "f8", "i1", "i2", "i4", "i8",
                                                               "u1", "u2", "u4", "u8", "b1"};
    if (std::find(known.begin(), known.end(), text) == known.end()) {
        throw_invalid(name, "the array must hold real numbers (float32, float64, integers or bool)",
                      "dtype '" + type + "'");
    }
    result.kind = text[0];
    result.item_size = static_cast<std::size_t>(text[1] - '0');
    return result;
}

template <class T>
double convert(const char* bytes, bool swapped) {
    std::array<char, sizeof(T)> item;
    std::memcpy(item.data(), bytes, sizeof(T));
    if (swapped) std::reverse(item.begin(), item.end());
    return static_cast<double>(std::bit_cast<T>(item));
}

using Converter = double (*)(const char*, bool);

Converter converter(const Descriptor& type) {
    switch (type.kind) {
        case 'f': return type.item_size == 4 ? convert<float> : convert<double>;
        case 'i':
            switch (type.item_size) {
                case 1: return convert<std::int8_t>;
                case 2: return convert<std::int16_t>;
                case 4: return convert<std::int32_t>;
                default: return convert<std::int64_t>;
            }
        default:
            switch (type.item_size) {
                case 1: return convert<std::uint8_t>;  // bool too: one byte, 0 or 1
                case 2: return convert<std::uint16_t>;
                case 4: return convert<std::uint32_t>;
                default: return convert<std::uint64_t>;
            }
    }
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
    std::string text = "(";
    for (const std::uint64_t size : shape) text += std::to_string(size) + ", ";
    return text + ")";
}

/// Compares the shape with the bytes that are there; divides, so that no product can overflow.
void check_size(const Header& header, std::size_t item_size, std::uint64_t n_bytes, const std::string& name) {
    const std::uint64_t n_items = n_bytes / item_size;
    std::uint64_t count = 1;
    bool fits = true;
    if (std::find(header.shape.begin(), header.shape.end(), 0U) != header.shape.end()) count = 0;
    for (const std::uint64_t size : header.shape) {
        if (count == 0) break;
        fits = fits && size <= n_items / count;
        if (!fits) break;
        count *= size;
    }
    const bool indexable = std::all_of(header.shape.begin(), header.shape.end(), [](std::uint64_t size) {
        return size <= static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
    });
    if (fits && indexable && count * item_size == n_bytes) return;
    throw FileError(name + ": byte " + std::to_string(header.data_begin) + ": shape " + shape_text(header.shape) +
                    " of " + std::to_string(item_size) + "-byte numbers does not match the " + std::to_string(n_bytes) +
                    " bytes that follow");
}

/// The numbers of a file, behind a header that has been checked against its size.
class Contents {
public:
    Contents(std::istream& stream, std::uint64_t size, std::string name, std::size_t most_axes)
        : name_(std::move(name)), header_(read_header(stream, size, name_)), type_(parse_type(header_.type, name_)) {
        const std::size_t n_axes = header_.shape.size();
        if (n_axes == 0 || n_axes > most_axes) {
            throw_invalid(name_,
                          most_axes == 2 ? "the array must have one or two axes" : "the array must have 1 to 3 axes",
                          "shape " + shape_text(header_.shape));
        }
        n_bytes_ = size - header_.data_begin;
        check_size(header_, type_.item_size, n_bytes_, name_);
        for (const std::uint64_t axis : header_.shape) shape_.push_back(static_cast<Index>(axis));
    }

    [[nodiscard]] const std::vector<Index>& shape() const { return shape_; }

    /// Into C order.
    void read(std::istream& stream, double* out) const {
        if (type_.kind == 'f' && type_.item_size == 8 && !type_.swapped && !header_.fortran_order) {
            read_exactly(stream, reinterpret_cast<char*>(out), n_bytes_, name_);
            return;
        }
        std::string bytes(n_bytes_, '\0');
        read_exactly(stream, bytes.data(), n_bytes_, name_);
        const Converter to_double = converter(type_);
        // The axes in the order in which the file runs through them, the fastest first.
        std::vector<Index> sizes(shape_.rbegin(), shape_.rend()), strides, at(shape_.size(), 0);
        Index stride = 1;
        for (const Index axis : sizes) {
            strides.push_back(stride);
            stride *= axis;
        }
        if (header_.fortran_order) {
            std::reverse(sizes.begin(), sizes.end());
            std::reverse(strides.begin(), strides.end());
        }
        Index to = 0;
        for (std::uint64_t from = 0; from < n_bytes_; from += type_.item_size) {
            out[to] = to_double(bytes.data() + from, type_.swapped);
            for (std::size_t a = 0; a < sizes.size(); ++a) {
                to += strides[a];
                if (++at[a] < sizes[a]) break;
                to -= sizes[a] * strides[a];
                at[a] = 0;
            }
        }
    }

private:
    std::string name_;
    Header header_;
    Descriptor type_;
    std::uint64_t n_bytes_ = 0;
    std::vector<Index> shape_;
};

void write_values(std::ostream& out, const std::vector<Index>& shape, const double* data, Index count) {
    out << npy_header(shape);
    out.write(reinterpret_cast<const char*>(data),
              static_cast<std::streamsize>(count) * std::streamsize{sizeof(double)});
}

}  // namespace

std::string npy_header(const std::vector<Index>& shape) {
    std::string sizes;
    for (const Index size : shape) sizes += std::to_string(size) + (shape.size() == 1 ? "," : ", ");
    if (shape.size() > 1) sizes.resize(sizes.size() - 2);
    std::string text = "{'descr': '<f8', 'fortran_order': False, 'shape': (" + sizes + "), }";
    constexpr std::size_t prefix = 10;  // magic, version, length
    text.append(63 - (prefix + text.size()) % 64, ' ').append(1, '\n');
    std::string header(magic);
    for (const std::size_t byte : {std::size_t{1}, std::size_t{0}, text.size() & 0xff, text.size() >> 8}) {
        header += static_cast<char>(byte);
    }
    return header + text;
}

Table read_npy(std::istream& stream, std::uint64_t size, const std::string& name) {
    const Contents contents(stream, size, name, 2);
    const std::vector<Index>& shape = contents.shape();
    Table table{Points(shape[0], shape.size() == 2 ? shape[1] : 1), static_cast<int>(shape.size())};
    contents.read(stream, table.values.data());
    return table;
}

Array read_npy_array(std::istream& stream, std::uint64_t size, const std::string& name) {
    const Contents contents(stream, size, name, 3);
    Index count = 1;
    for (const Index axis : contents.shape()) count *= axis;
    Array array{contents.shape(), Vector(count)};
    contents.read(stream, array.values.data());
    return array;
}

Table read_npy(const std::filesystem::path& path) {
    OpenFile file = open_for_reading(path);
    return read_npy(file.stream, file.size, path.string());
}

Array read_npy_array(const std::filesystem::path& path) {
    OpenFile file = open_for_reading(path);
    return read_npy_array(file.stream, file.size, path.string());
}

void write_npy(const std::filesystem::path& path, const Points& values) {
    write_atomically(path, [&](std::ostream& out) {
        write_values(out, {values.rows(), values.cols()}, values.data(), values.size());
    });
}

void write_npy(const std::filesystem::path& path, const Vector& values) {
    write_atomically(path,
                     [&](std::ostream& out) { write_values(out, {values.size()}, values.data(), values.size()); });
}

}  // namespace spectralot::io
