#include "fuzz.hpp"
#include "spectralot/io/png.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return spectralot::fuzz::feed(data, size,
                                  [](std::string_view bytes) { spectralot::io::read_png(bytes, "fuzz.png"); });
}
