#include "spectralot/io/json.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/io/file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace spectralot::io {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// nlohmann's text without its tag "[json.exception.parse_error.101] parse error at …: ", shortened.
std::string reason(const json::exception& error) {
    std::string text = error.what();
    const std::size_t tag = text.find("] ");
    if (tag != std::string::npos) text.erase(0, tag + 2);
    const std::size_t place = text.find(": ");
    if (text.starts_with("parse error at ") && place != std::string::npos) text.erase(0, place + 2);
    constexpr std::size_t longest = 200;
    if (text.size() > longest) text.replace(longest, std::string::npos, " …");
    return text;
}

/// Builds the tree; unlike json::parse it limits the depth and knows the byte of every error.
class Builder : public nlohmann::json_sax<json> {
public:
    Builder(std::string_view text, const std::string& name, int max_depth)
        : text_(text), name_(name), max_depth_(max_depth) {}

    json take() { return std::move(root_); }

    bool null() override { return put(nullptr); }
    bool boolean(bool value) override { return put(value); }
    bool number_integer(number_integer_t value) override { return put(value); }
    bool number_unsigned(number_unsigned_t value) override { return put(value); }
    bool number_float(number_float_t value, const string_t&) override { return put(value); }
    bool string(string_t& value) override { return put(std::move(value)); }
    bool binary(binary_t&) override { return false; }  // no such thing in JSON text
    bool key(string_t& value) override {
        key_ = std::move(value);
        return true;
    }
    bool start_object(std::size_t) override { return open(json::object()); }
    bool start_array(std::size_t) override { return open(json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t byte, const std::string&, const json::exception& error) override {
        const std::string_view before = text_.substr(0, byte > 0 ? byte - 1 : 0);
        const auto line = std::count(before.begin(), before.end(), '\n') + 1;
        const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 = 0
        throw FileError(name_ + ":" + std::to_string(line) + ":" + std::to_string(before.size() - line_begin + 1) +
                        ": byte " + std::to_string(byte) + ": " + reason(error));
    }

private:
    json* add(json value) {
        if (open_.empty()) return &(root_ = std::move(value));
        json& parent = *open_.back();
        if (parent.is_object()) return &(parent[key_] = std::move(value));
        parent.push_back(std::move(value));
        return &parent.back();
    }
    bool put(json value) {
        add(std::move(value));
        return true;
    }
    bool open(json value) {
        if (static_cast<int>(open_.size()) == max_depth_) {
            throw FileError(name_ + ": JSON nested deeper than " + std::to_string(max_depth_));
        }
        open_.push_back(add(std::move(value)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::string_view text_;
    std::string name_;
    int max_depth_;
    json root_;
    std::vector<json*> open_;  ///< from the root to the container being filled
    std::string key_;
};

bool is_flat(const ordered_json& array) {
    return std::none_of(array.begin(), array.end(), [](const ordered_json& item) { return item.is_structured(); });
}

void append(std::string& text, const ordered_json& value, std::size_t indent) {
    const bool is_array = value.is_array();
    if (!value.is_structured() || value.empty()) {
        text += value.dump();
        return;
    }
    const bool one_line = is_array && is_flat(value);
    const auto break_line = [&](std::size_t n_spaces) { text.append(1, '\n').append(n_spaces, ' '); };
    text += is_array ? '[' : '{';
    bool first = true;
    for (const auto& [key, item] : value.items()) {
        if (!first) text += one_line ? ", " : ",";
        if (!one_line) break_line(indent + 2);
        if (!is_array) text += ordered_json(key).dump() + ": ";
        append(text, item, indent + 2);
        first = false;
    }
    if (!one_line) break_line(indent);
    text += is_array ? ']' : '}';
}

}  // namespace

json parse_json(std::string_view text, const std::string& name, const JsonLimits& limits) {
    if (text.size() > limits.max_bytes) {
        throw FileError(name + ": " + std::to_string(text.size()) + " bytes of JSON, at most " +
                        std::to_string(limits.max_bytes) + " are read");
    }
    Builder builder(text, name, limits.max_depth);
    json::sax_parse(text, &builder);
    return builder.take();
}

json read_json(const std::filesystem::path& path, const JsonLimits& limits) {
    OpenFile file = open_for_reading(path);
    if (file.size > limits.max_bytes) {
        throw FileError(path.string() + ": " + std::to_string(file.size) + " bytes of JSON, at most " +
                        std::to_string(limits.max_bytes) + " are read");
    }
    std::string text(file.size, '\0');
    file.stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.stream.gcount()));
    return parse_json(text, path.string(), limits);
}

std::string to_text(const ordered_json& value) {
    std::string text;
    append(text, value, 0);
    return text + "\n";
}

void write_json(const std::filesystem::path& path, const ordered_json& value) {
    write_atomically(path, [&](std::ostream& out) { out << to_text(value); });
}

}  // namespace spectralot::io
