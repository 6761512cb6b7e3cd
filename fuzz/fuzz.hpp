/// What every fuzz target shares: a reader may refuse its input with one of two exceptions, and do nothing else.
#pragma once

#include "spectralot/core/errors.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace spectralot::fuzz {

template <class Reader>
int feed(const std::uint8_t* data, std::size_t size, Reader&& read) {
    try {
        read(std::string_view(reinterpret_cast<const char*>(data), size));
    } catch (const FileError&) {
    } catch (const InvalidArgument&) {
    }
    return 0;
}

}  // namespace spectralot::fuzz
