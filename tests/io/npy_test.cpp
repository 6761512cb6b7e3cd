#include "spectralot/io/npy.hpp"

#include "io/support.hpp"
#include "spectralot/core/errors.hpp"

#include <algorithm>
#include <cstring>
#include <sstream>
#include <vector>

namespace spectralot::io {
namespace {

/// A .npy file put together by hand.
std::string file_with(const std::string& dict, const std::string& data, int version = 1) {
    std::string header = dict + "\n";
    std::string file("\x93NUMPY", 6);
    file += static_cast<char>(version);
    file += '\0';
    for (int byte = 0; byte < (version == 1 ? 2 : 4); ++byte) {
        file += static_cast<char>(header.size() >> (8 * byte) & 0xff);
    }
    return file + header + data;
}

std::string dict(const std::string& type, const std::string& shape, const std::string& fortran = "False") {
    return "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

template <class T>
std::string bytes_of(const std::vector<T>& items, bool swapped = false) {
    std::string bytes;
    for (const T item : items) {
        char raw[sizeof(T)];
        std::memcpy(raw, &item, sizeof(T));
        if (swapped) std::reverse(raw, raw + sizeof(T));
        bytes.append(raw, sizeof(T));
    }
    return bytes;
}

Table parse(const std::string& file) {
    std::istringstream stream(file);
    return read_npy(stream, file.size(), "x.npy");
}

template <class T>
void expect_counted_to_six(const std::string& type) {
    SCOPED_TRACE(type);
    Points expected(2, 3);
    expected << 1, 2, 3, 4, 5, 6;
    const bool swapped = type[0] == '>';
    EXPECT_EQ(parse(file_with(dict(type, "(2, 3)"), bytes_of<T>({1, 2, 3, 4, 5, 6}, swapped))).values, expected);
    EXPECT_EQ(parse(file_with(dict(type, "(2, 3)", "True"), bytes_of<T>({1, 4, 2, 5, 3, 6}, swapped))).values,
              expected);
}

TEST(ReadNpy, EveryNumberTypeByteOrderAndLayoutGivesTheSameTable) {
    expect_counted_to_six<double>("<f8");
    expect_counted_to_six<double>(">f8");
    expect_counted_to_six<float>("<f4");
    expect_counted_to_six<float>(">f4");
    expect_counted_to_six<std::int8_t>("|i1");
    expect_counted_to_six<std::int16_t>(">i2");
    expect_counted_to_six<std::int32_t>("<i4");
    expect_counted_to_six<std::int64_t>(">i8");
    expect_counted_to_six<std::uint8_t>("|u1");
    expect_counted_to_six<std::uint16_t>("<u2");
    expect_counted_to_six<std::uint32_t>(">u4");
    expect_counted_to_six<std::uint64_t>("<u8");
}

TEST(ReadNpy, BooleansAreZeroAndOne) {
    EXPECT_EQ(parse(file_with(dict("|b1", "(2,)"), std::string("\x01\x00", 2))).values,
              (Points(2, 1) << 1, 0).finished());
}

TEST(ReadNpy, EveryFormatVersionIsRead) {
    for (const int version : {1, 2, 3}) {
        EXPECT_EQ(parse(file_with(dict("<f8", "(1, 1)"), bytes_of<double>({7}), version)).values(0, 0), 7.0) << version;
    }
}

TEST(ReadNpy, OneAxisBecomesAColumnAndIsRemembered) {
    const Table table = parse(file_with(dict("<f8", "(3,)"), bytes_of<double>({1, 2, 3})));
    EXPECT_EQ(table.n_axes, 1);
    EXPECT_EQ(table.values, (Points(3, 1) << 1, 2, 3).finished());
}

TEST(ReadNpy, ThreeAxesComeInTheOrderOfTheLastOne) {
    const auto read = [](const std::string& file) {
        std::istringstream stream(file);
        return read_npy_array(stream, file.size(), "x.npy");
    };
    Vector expected(12);
    std::vector<float> ordered, fortran;
    for (int c = 0; c < 12; ++c) ordered.push_back(float(expected[c] = c));
    for (int k = 0; k < 3; ++k)
        for (int j = 0; j < 2; ++j)
            for (int i = 0; i < 2; ++i) fortran.push_back(float(6 * i + 3 * j + k));
    for (const auto& [data, order] : {std::pair{ordered, "False"}, std::pair{fortran, "True"}}) {
        const Array array = read(file_with(dict("<f4", "(2, 2, 3)", order), bytes_of<float>(data)));
        EXPECT_EQ(array.shape, (std::vector<Index>{2, 2, 3}));
        EXPECT_EQ(array.values, expected);
    }
    EXPECT_EQ(read(file_with(dict("<f8", "(3,)"), bytes_of<double>({1, 2, 3}))).values, Vector::LinSpaced(3, 1, 3));
    const std::string four = file_with(dict("<f8", "(1, 1, 1, 1)"), bytes_of<double>({1}));
    EXPECT_NE(message_of<InvalidArgument>([&] { read(four); }).find("1 to 3 axes"), std::string::npos);
}

TEST(ReadNpy, EmptyArraysKeepTheirShape) {
    EXPECT_EQ(parse(file_with(dict("<f8", "(0, 5)"), "")).values.cols(), 5);
}

TEST(ReadNpy, WrongContentIsTheCallersMistake) {
    const auto message = [](const std::string& type, const std::string& shape) {
        return message_of<InvalidArgument>([&] { parse(file_with(dict(type, shape), std::string(16, '\0'))); });
    };
    EXPECT_NE(message("<c16", "(1,)").find("x.npy: the array must hold real numbers"), std::string::npos);
    EXPECT_NE(message("<c16", "(1,)").find("got dtype '<c16'"), std::string::npos);
    EXPECT_NE(message("|O", "(2,)").find("dtype '|O'"), std::string::npos);
    EXPECT_NE(message("<U4", "(1,)").find("dtype '<U4'"), std::string::npos);
    EXPECT_NE(message("<f8", "()").find("one or two axes, got shape ()"), std::string::npos);
    EXPECT_NE(message("<f8", "(1, 1, 2)").find("one or two axes"), std::string::npos);
    const std::string structured = "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (2,), }";
    EXPECT_NE(
        message_of<InvalidArgument>([&] { parse(file_with(structured, std::string(16, '\0'))); }).find("structured"),
        std::string::npos);
}

TEST(ReadNpy, EveryTruncationIsReportedWithTheFile) {
    const std::string file = file_with(dict("<f8", "(2, 3)"), bytes_of<double>({1, 2, 3, 4, 5, 6}));
    for (std::size_t size = 0; size < file.size(); ++size) {
        const std::string message = message_of<FileError>([&] { parse(file.substr(0, size)); });
        EXPECT_EQ(message.find("x.npy: byte "), 0U) << size << ": " << message;
    }
}

TEST(ReadNpy, BytesAfterTheArrayAreAnError) {
    EXPECT_NE(message_of<FileError>([] {
                  parse(file_with(dict("<f8", "(1,)"), std::string(9, '\0')));
              }).find("does not match the 9 bytes that follow"),
              std::string::npos);
}

TEST(ReadNpy, ShapesBeyondTheFileAreRefusedBeforeAnyAllocation) {
    for (const char* shape : {"(1000000000, 1000000000)", "(4294967296, 4294967296)", "(18446744073709551615, 8)",
                              "(99999999999999999999999,)", "(0, 9223372036854775808)", "(-1,)"}) {
        EXPECT_THROW(parse(file_with(dict("<f8", shape), std::string(8, '\0'))), FileError) << shape;
    }
}

TEST(ReadNpy, MalformedHeadersAreRefused) {
    for (const char* header : {"", "{", "{}", "{'descr': '<f8', 'shape': (1,)}", "{'descr': '<f8'", "{'descr: '<f8'}",
                               "{'descr': '<f8', 'fortran_order': Maybe, 'shape': (1,)}",
                               "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
                               "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} extra",
                               "{'descr': '<f8', 'fortran_order': False, 'shape': (1 1)}"}) {
        EXPECT_THROW(parse(file_with(header, std::string(8, '\0'))), FileError) << header;
    }
    EXPECT_THROW(parse(file_with(dict("<f8", "(1,)"), std::string(8, '\0'), 4)), FileError);
}

TEST(ReadNpy, MissingFilesAndFoldersAreNamed) {
    const TemporaryFolder folder;
    EXPECT_NE(message_of<FileError>([&] { read_npy(folder / "none.npy"); }).find("none.npy: cannot read"),
              std::string::npos);
    EXPECT_THROW(read_npy(folder / ""), FileError);
}

TEST(WriteNpy, ReadsBackToTheSameBitsAndStartsOnA64ByteBoundary) {
    const TemporaryFolder folder;
    Points points(3, 2);
    points << 0.1, -0.0, 1e-308, 1e300, 4.9e-324, std::numeric_limits<double>::infinity();
    write_npy(folder / "p.npy", points);
    EXPECT_EQ(read_npy(folder / "p.npy").values, points);
    EXPECT_EQ((contents(folder / "p.npy").size() - 6 * sizeof(double)) % 64, 0U);
    const Vector weights = Vector::LinSpaced(5, 0.0, 1.0);
    write_npy(folder / "w.npy", weights);
    const Table table = read_npy(folder / "w.npy");
    EXPECT_EQ(table.n_axes, 1);
    EXPECT_EQ(table.values.col(0), weights);
}

}  // namespace
}  // namespace spectralot::io
