/// One walk over an options struct (`visit_fields`) gives its flags and its JSON.
#pragma once

#include "spectralot/flow/run.hpp"
#include "spectralot/transport/solve.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <type_traits>

namespace spectralot::cli {

/// The names of an enumeration, from the `names` beside its definition.
template <class Enum>
std::map<std::string, Enum> enum_names() {
    std::map<std::string, Enum> all;
    for (const auto& [name, value] : names(Enum{})) all.emplace(name, value);
    return all;
}

template <class Enum>
std::string enum_name(Enum wanted) {
    for (const auto& [name, value] : names(wanted)) {
        if (value == wanted) return std::string(name);
    }
    return {};
}

/// The field `n_steps` becomes --n-steps and --steps.
inline std::string flag_names(std::string field) {
    std::replace(field.begin(), field.end(), '_', '-');
    return field.starts_with("n-") ? "--" + field + ",--" + field.substr(2) : "--" + field;
}

/// One flag per field of `options`, which must outlive the parsing.
template <class Options>
void add_flags(CLI::App& app, Options& options) {
    visit_fields(options, [&](const char* name, auto& field, const char* help) {
        using Field = std::remove_reference_t<decltype(field)>;
        if constexpr (std::is_enum_v<Field>) {
            app.add_option(flag_names(name), field, help)
                ->transform(CLI::CheckedTransformer(enum_names<Field>()))
                ->default_str(enum_name(field));
        } else {
            app.add_option(flag_names(name), field, help)->capture_default_str();
        }
    });
}

template <class Options>
nlohmann::ordered_json to_json(Options options) {
    nlohmann::ordered_json object;
    visit_fields(options, [&](const char* name, const auto& field, const char*) {
        using Field = std::remove_cvref_t<decltype(field)>;
        if constexpr (std::is_enum_v<Field>) {
            object[name] = enum_name(field);
        } else {
            object[name] = field;  // infinity, "no limit", becomes null
        }
    });
    return object;
}

}  // namespace spectralot::cli
