#include "fuzz.hpp"
#include "spectralot/io/npy.hpp"

#include <sstream>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    spectralot::fuzz::feed(data, size, [](std::string_view text) {
        std::istringstream stream{std::string(text)};
        spectralot::io::read_npy(stream, text.size(), "fuzz.npy");
    });
    return spectralot::fuzz::feed(data, size, [](std::string_view text) {
        std::istringstream stream{std::string(text)};
        spectralot::io::read_npy_array(stream, text.size(), "fuzz.npy");
    });
}
