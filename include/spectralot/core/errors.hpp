/// The two kinds of trouble that throw: a wrong argument, and a demand for a result that was not reached.
#pragma once

#include <stdexcept>
#include <string>

namespace spectralot {

/// The caller is wrong (shape, sign, NaN, range). The message names the argument, the rule and the value seen.
class InvalidArgument : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

/// Thrown by `require_solved` only: the computation stopped before its certificate closed.
class NotSolved : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A file is missing, unreadable, truncated or malformed. The message names the file and the position.
class FileError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// `InvalidArgument` with the message "<argument>: <rule>, got <seen>".
[[noreturn]] void throw_invalid(const std::string& argument, const std::string& rule, const std::string& seen);

/// A double as the shortest text that reads back to it ("inf" and "nan" included).
std::string to_text(double value);

}  // namespace spectralot
