#include "spectralot/io/json.hpp"

#include "io/support.hpp"
#include "spectralot/core/errors.hpp"

#include <nlohmann/json.hpp>

#include <limits>

namespace spectralot::io {
namespace {

std::string error_of(const std::string& text, const JsonLimits& limits = {}) {
    return message_of<FileError>([&] { parse_json(text, "x.json", limits); });
}

TEST(ParseJson, BuildsTheSameTreeAsTheLibrary) {
    const std::string text =
        R"({"a": [1, -2, 3.5, true, null, "é\n"], "b": {"c": [], "d": {}}, "a2": [[1], [2, [3]]]})";
    EXPECT_EQ(parse_json(text, "x.json"), nlohmann::json::parse(text));
    EXPECT_EQ(parse_json("7", "x.json"), 7);
}

TEST(ParseJson, ErrorsCarryFileLineColumnAndByte) {
    EXPECT_EQ(error_of("{\n  \"a\": 1,\n  oops\n}").find("x.json:3:3: byte 15: syntax error"), 0U)
        << error_of("{\n  \"a\": 1,\n  oops\n}");
    EXPECT_EQ(error_of("").find("x.json:1:1: byte 1: "), 0U) << error_of("");
    EXPECT_NE(error_of("[1e999]").find("number overflow"), std::string::npos);
    EXPECT_NE(error_of("[NaN]").find("syntax error"), std::string::npos);
    EXPECT_NE(error_of("[1] trailing").find("syntax error"), std::string::npos);
    EXPECT_NE(error_of("\"\xff\"").find("x.json:1:2"), std::string::npos) << error_of("\"\xff\"");
    EXPECT_LT(error_of(std::string(100000, 'x')).size(), 400U);
}

TEST(ParseJson, EveryTruncationIsAnError) {
    const std::string text = R"({"a": [1, {"b": "c"}], "d": true})";
    for (std::size_t size = 0; size < text.size(); ++size) error_of(text.substr(0, size));
}

TEST(ParseJson, DepthAndSizeAreLimited) {
    EXPECT_NE(error_of(std::string(1000000, '[')).find("nested deeper than 64"), std::string::npos);
    EXPECT_NO_THROW(parse_json(std::string(64, '[') + std::string(64, ']'), "x.json"));
    EXPECT_NE(error_of("[1, 2]", {.max_bytes = 5}).find("at most 5"), std::string::npos);
}

TEST(ReadJson, NamesTheFile) {
    const TemporaryFolder folder;
    put(folder / "x.json", "{\"k\": 2}");
    EXPECT_EQ(read_json(folder / "x.json").at("k"), 2);
    EXPECT_NE(message_of<FileError>([&] { read_json(folder / "y.json"); }).find("y.json: cannot read"),
              std::string::npos);
}

TEST(WriteJson, OneRowPerLineAndTheSameDoublesBack) {
    const nlohmann::ordered_json value = {{"name", "x"},
                                          {"Q", {{0.1, 1.0 / 3}, {5e-324, 1.7976931348623157e308}}},
                                          {"empty", nlohmann::ordered_json::array()},
                                          {"inner", {{"k", 2}}},
                                          {"bad", std::numeric_limits<double>::infinity()}};
    EXPECT_EQ(to_text(value), R"({
  "name": "x",
  "Q": [
    [0.1, 0.3333333333333333],
    [5e-324, 1.7976931348623157e+308]
  ],
  "empty": [],
  "inner": {
    "k": 2
  },
  "bad": null
}
)");
    const TemporaryFolder folder;
    write_json(folder / "x.json", value);
    EXPECT_EQ(read_json(folder / "x.json").at("Q"), nlohmann::json(value.at("Q")));
}

}  // namespace
}  // namespace spectralot::io
