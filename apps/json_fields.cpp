#include "json_fields.hpp"

#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace spectralot::cli {

void JsonField::fail(const std::string& rule) const {
    std::string seen = value_.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    if (seen.size() > 60) seen.replace(60, std::string::npos, " …");
    throw_invalid(place_.empty() ? document_ : document_ + ": " + place_, rule, seen);
}

JsonField JsonField::child(const nlohmann::json& value, const std::string& step) const {
    JsonField field(value, document_);
    field.place_ = place_.empty() || step.starts_with('[') ? place_ + step : place_ + "." + step;
    return field;
}

bool JsonField::has(const std::string& key) const {
    return value_.is_object() && value_.contains(key);
}

JsonField JsonField::operator[](const std::string& key) const {
    if (!has(key)) fail("needs an object with the field \"" + key + "\"");
    return child(value_.at(key), key);
}

void JsonField::allow_only(std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, value] : value_.items()) {
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) child(value, key).fail("is not a known field");
    }
}

std::vector<JsonField> JsonField::items() const {
    if (!value_.is_array()) fail("must be an array");
    std::vector<JsonField> fields;
    fields.reserve(value_.size());
    for (const auto& item : value_) {
        fields.push_back(child(item, std::string("[").append(std::to_string(fields.size())).append("]")));
    }
    return fields;
}

std::string JsonField::text() const {
    if (!value_.is_string()) fail("must be a text");
    return value_.get<std::string>();
}

bool JsonField::boolean() const {
    if (!value_.is_boolean()) fail("must be true or false");
    return value_.get<bool>();
}

int JsonField::integer() const {
    constexpr auto low = std::numeric_limits<int>::min();
    constexpr auto high = std::numeric_limits<int>::max();
    const bool fits = value_.is_number_unsigned()  ? value_.get<std::uint64_t>() <= std::uint64_t{high}
                      : value_.is_number_integer() ? value_.get<std::int64_t>() >= low
                                                   : false;
    if (!fits) fail("must be an integer");
    return value_.get<int>();
}

double JsonField::number() const {
    if (!value_.is_number()) fail("must be a number");
    return value_.get<double>();
}

double JsonField::number_or_infinity() const {
    if (value_ == "inf") return infinity;
    if (!value_.is_number()) fail("must be a number or \"inf\"");
    return value_.get<double>();
}

std::vector<int> JsonField::integers() const {
    std::vector<int> values;
    for (const JsonField& item : items()) values.push_back(item.integer());
    return values;
}

std::vector<int> JsonField::indices(Index size) const {
    std::vector<int> values;
    for (const JsonField& item : items()) {
        const int index = item.integer();
        if (index < 0 || index >= size) item.fail("must be an index from 0 to " + std::to_string(size - 1));
        values.push_back(index);
    }
    return values;
}

std::vector<double> JsonField::numbers() const {
    std::vector<double> values;
    for (const JsonField& item : items()) values.push_back(item.number());
    return values;
}

Vector JsonField::vector() const {
    const std::vector<double> values = numbers();
    return Eigen::Map<const Vector>(values.data(), static_cast<Index>(values.size()));
}

Matrix JsonField::matrix() const {
    const std::vector<JsonField> rows = items();
    const std::size_t n_cols = rows.empty() ? 0 : rows.front().items().size();
    Matrix values(static_cast<Index>(rows.size()), static_cast<Index>(n_cols));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Vector row = rows[i].vector();
        if (row.size() != values.cols()) rows[i].fail("must be a row of " + std::to_string(n_cols) + " numbers");
        values.row(static_cast<Index>(i)) = row.transpose();
    }
    return values;
}

}  // namespace spectralot::cli
