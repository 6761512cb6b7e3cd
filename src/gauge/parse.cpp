#include "spectralot/gauge/parse.hpp"

#include "spectralot/core/errors.hpp"
#include "spectralot/gauge/gauges.hpp"

#include <charconv>
#include <optional>

namespace spectralot {

namespace {

/// The whole text as a number.
template <class Number>
std::optional<Number> read(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

Gauge parse_gauge(const std::string& text) {
    if (text == "trace") return trace_gauge();
    if (text == "operator") return operator_gauge();
    const size_t colon = std::min(text.find(':'), text.size());
    const std::string_view kind = std::string_view(text).substr(0, colon);
    const std::string_view number = std::string_view(text).substr(std::min(colon + 1, text.size()));
    if (kind == "schatten")
        if (const auto p = read<double>(number); p && *p >= 0.5) return Schatten{.p = *p};
    if (kind == "ky-fan")
        if (const auto k = read<int>(number); k && *k >= 1) return KyFan{.k = *k};
    throw_invalid("gauge", "must be schatten:P (P >= 1/2 or inf), trace, operator or ky-fan:K (K >= 1)",
                  '"' + text + '"');
}

}  // namespace spectralot
