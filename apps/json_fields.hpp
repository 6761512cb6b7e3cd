/// Reading typed fields of a JSON object with errors that name the field: "gauge.json: gauges[1].p: …".
#pragma once

#include "spectralot/core/types.hpp"

#include <nlohmann/json.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace spectralot::cli {

/// A value inside a document and the way to it. The accessors throw InvalidArgument "<place>: <rule>, got <value>".
class JsonField {
public:
    JsonField(const nlohmann::json& value, std::string document) : value_(value), document_(std::move(document)) {}

    [[nodiscard]] JsonField operator[](const std::string& key) const;
    [[nodiscard]] bool has(const std::string& key) const;
    /// Refuses keys outside the list: a misspelt optional field must not be ignored.
    void allow_only(std::initializer_list<std::string_view> keys) const;

    [[nodiscard]] std::vector<JsonField> items() const;
    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool boolean() const;
    [[nodiscard]] int integer() const;
    [[nodiscard]] double number() const;
    [[nodiscard]] double number_or_infinity() const;  ///< "inf" too
    [[nodiscard]] std::vector<int> integers() const;
    [[nodiscard]] std::vector<int> indices(Index size) const;  ///< from 0 to size - 1
    [[nodiscard]] std::vector<double> numbers() const;
    [[nodiscard]] Vector vector() const;
    [[nodiscard]] Matrix matrix() const;  ///< rows of equal length

    [[nodiscard]] const nlohmann::json& json() const { return value_; }
    [[noreturn]] void fail(const std::string& rule) const;

private:
    [[nodiscard]] JsonField child(const nlohmann::json& value, const std::string& step) const;

    const nlohmann::json& value_;
    std::string document_;
    std::string place_;
};

}  // namespace spectralot::cli
