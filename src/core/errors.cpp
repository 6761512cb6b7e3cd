#include "spectralot/core/errors.hpp"

#include <charconv>

namespace spectralot {

void throw_invalid(const std::string& argument, const std::string& rule, const std::string& seen) {
    throw InvalidArgument(argument + ": " + rule + ", got " + seen);
}

std::string to_text(double value) {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
    return {buffer, end};
}

}  // namespace spectralot
