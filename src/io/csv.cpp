#include "spectralot/io/csv.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/io/file.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

namespace spectralot::io {
namespace {

constexpr std::size_t max_line = std::size_t{1} << 24;  // a hostile file may have no line break at all
constexpr std::string_view blanks = " \t\r";

struct Field {
    std::string_view text;
    std::size_t column = 0;  ///< from 1
};

/// The start of a field, safe to show on a terminal.
std::string printable(std::string_view text) {
    std::string shown(text.substr(0, 40));
    std::replace_if(shown.begin(), shown.end(), [](char c) { return c < ' ' || c == 127; }, '?');
    return shown;
}

class Reader {
public:
    Reader(std::istream& stream, const std::string& name) : buffer_(*stream.rdbuf()), name_(name) {}

    Points read() {
        bool first = true;
        while (next_line()) {
            split();
            if (fields_.empty()) continue;
            const bool is_header = first && std::none_of(fields_.begin(), fields_.end(), looks_like_number);
            first = false;
            if (is_header) {
                separator_ = '\0';  // "mass of row" may stand above numbers with commas
            } else {
                append_row();
            }
        }
        const Index rows = n_columns_ == 0 ? 0 : static_cast<Index>(values_.size() / n_columns_);
        return Eigen::Map<const Points>(values_.data(), rows, static_cast<Index>(n_columns_));
    }

private:
    [[noreturn]] void fail(std::size_t column, const std::string& what) const {
        throw FileError(name_ + ":" + std::to_string(line_number_) + ":" + std::to_string(column) + ": " + what);
    }

    bool next_line() {
        using Traits = std::streambuf::traits_type;
        line_.clear();
        ++line_number_;
        auto c = buffer_.sbumpc();
        if (Traits::eq_int_type(c, Traits::eof())) return false;
        for (; !Traits::eq_int_type(c, Traits::eof()); c = buffer_.sbumpc()) {
            const char byte = Traits::to_char_type(c);
            if (byte == '\n') break;
            if (line_.size() == max_line) fail(line_.size(), "a line of more than 16 MiB");
            line_ += byte;
        }
        return true;
    }

    void split() {
        fields_.clear();
        std::string_view line = line_;
        line = line.substr(0, line.find('#'));
        if (line_number_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);  // byte order mark
        if (line.find_first_not_of(blanks) == std::string_view::npos) return;
        choose_separator(line);
        if (separator_ == ' ') return split_at_blanks(line);
        std::size_t begin = 0;
        while (true) {
            const std::size_t end = std::min(line.find(separator_, begin), line.size());
            add_field(line, begin, end);
            if (end == line.size()) return;
            begin = end + 1;
        }
    }

    /// The first row decides: a comma, a semicolon, or blanks.
    void choose_separator(std::string_view line) {
        const std::size_t mark = line.find_first_of(",;");
        if (mark == std::string_view::npos) {
            if (separator_ == '\0') separator_ = ' ';
            return;
        }
        if (separator_ == '\0') separator_ = line[mark];
        const std::size_t other = line.find_first_of(separator_ == ',' ? ";" : separator_ == ';' ? "," : ",;");
        if (other == std::string_view::npos) return;
        const std::string_view expected = separator_ == ',' ? "','" : separator_ == ';' ? "';'" : "blanks";
        fail(other + 1, std::string(line[other] == ',' ? "','" : "';'")
                            .append(" in a file whose fields are separated by ")
                            .append(expected)
                            .append(" (decimal commas are not read)"));
    }

    void split_at_blanks(std::string_view line) {
        std::size_t begin = line.find_first_not_of(blanks);
        while (begin != std::string_view::npos) {
            const std::size_t end = std::min(line.find_first_of(blanks, begin), line.size());
            add_field(line, begin, end);
            begin = line.find_first_not_of(blanks, end);
        }
    }

    void add_field(std::string_view line, std::size_t begin, std::size_t end) {
        while (begin < end && blanks.find(line[begin]) != std::string_view::npos) ++begin;
        while (end > begin && blanks.find(line[end - 1]) != std::string_view::npos) --end;
        fields_.push_back({line.substr(begin, end - begin), begin + 1});
    }

    static std::optional<double> number(std::string_view text) {
        if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
        double value = 0.0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
        return value;
    }

    /// A misspelt number in the first row must not turn the row into a header.
    static bool looks_like_number(const Field& field) {
        return field.text.empty() || std::string_view("+-.0123456789").find(field.text[0]) != std::string_view::npos ||
               number(field.text).has_value();
    }

    void append_row() {
        for (const Field& field : fields_) {
            const std::optional<double> value = number(field.text);
            if (!value) fail(field.column, "expected a number, got '" + printable(field.text) + "'");
            values_.push_back(*value);
        }
        if (n_columns_ == 0) n_columns_ = fields_.size();
        if (fields_.size() != n_columns_) {
            fail(fields_.back().column, "expected " + std::to_string(n_columns_) + " numbers in the row, got " +
                                            std::to_string(fields_.size()));
        }
    }

    std::streambuf& buffer_;
    std::string name_;
    std::string line_;
    std::size_t line_number_ = 0;
    char separator_ = '\0';
    std::vector<Field> fields_;
    std::vector<double> values_;
    std::size_t n_columns_ = 0;
};

}  // namespace

Points read_csv(std::istream& stream, const std::string& name) {
    return Reader(stream, name).read();
}

Points read_csv(const std::filesystem::path& path) {
    OpenFile file = open_for_reading(path);
    return read_csv(file.stream, path.string());
}

void write_csv(const std::filesystem::path& path, const Points& values, const std::string& header) {
    write_atomically(path, [&](std::ostream& out) {
        if (!header.empty()) out << header << '\n';
        for (Index i = 0; i < values.rows(); ++i) {
            for (Index j = 0; j < values.cols(); ++j) out << (j > 0 ? "," : "") << to_text(values(i, j));
            out << '\n';
        }
    });
}

}  // namespace spectralot::io
