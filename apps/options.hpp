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

inline const std::map<std::string, flow::Clock> clock_names = {{"force", flow::Clock::Force},
                                                               {"coordinate", flow::Clock::Coordinate}};

inline std::string clock_name(flow::Clock clock) {
    for (const auto& [name, value] : clock_names) {
        if (value == clock) return name;
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
        if constexpr (std::is_same_v<Field, flow::Clock>) {
            app.add_option(flag_names(name), field, help)
                ->transform(CLI::CheckedTransformer(clock_names))
                ->default_str(clock_name(field));
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
        if constexpr (std::is_same_v<Field, flow::Clock>) {
            object[name] = clock_name(field);
        } else {
            object[name] = field;  // infinity, "no limit", becomes null
        }
    });
    return object;
}

}  // namespace spectralot::cli
