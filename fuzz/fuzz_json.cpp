#include "fuzz.hpp"
#include "spectralot/io/json.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>

// What was read can be written, and reads back to the same tree.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace spectralot;
    return fuzz::feed(data, size, [](std::string_view text) {
        const nlohmann::json tree = io::parse_json(text, "fuzz.json");
        if (io::parse_json(io::to_text(tree), "again.json") != tree) std::abort();
    });
}
