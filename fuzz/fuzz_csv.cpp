#include "fuzz.hpp"
#include "spectralot/io/csv.hpp"

#include <sstream>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return spectralot::fuzz::feed(data, size, [](std::string_view text) {
        std::istringstream stream{std::string(text)};
        spectralot::io::read_csv(stream, "fuzz.csv");
    });
}
