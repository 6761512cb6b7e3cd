#include "spectralot/io/csv.hpp"

#include "io/support.hpp"
#include "spectralot/core/errors.hpp"

#include <cmath>
#include <sstream>

namespace spectralot::io {
namespace {

Points parse(const std::string& text) {
    std::istringstream stream(text);
    return read_csv(stream, "x.csv");
}

std::string error_of(const std::string& text) {
    return message_of<FileError>([&] { parse(text); });
}

TEST(ReadCsv, EverySeparatorGivesTheSameTable) {
    const Points expected = (Points(2, 2) << 1, -2.5, 3e-3, 4).finished();
    for (const char* text : {"1,-2.5\n3e-3,4\n", "1;-2.5\n3e-3;4", "1 -2.5\n  3e-3\t4  \n", " 1 , -2.5\r\n+3e-3 ,4\r\n",
                             "x,y\n1,-2.5\n3e-3,4\n", "# made by hand\n\n1,-2.5 # first\n\n3e-3,4\n",
                             "x of row; y\n1;-2.5\n3e-3;4\n", "the point\n1 -2.5\n3e-3 4\n",
                             "\xef\xbb\xbf"
                             "1,-2.5\n3e-3,4\n"}) {
        EXPECT_EQ(parse(text), expected) << text;
    }
}

TEST(ReadCsv, OneColumnNeedsNoSeparator) {
    EXPECT_EQ(parse("w\n1\n2\n"), (Points(2, 1) << 1, 2).finished());
}

TEST(ReadCsv, NoRowsGiveAnEmptyTable) {
    for (const char* text : {"", "\n\n", "# nothing\n", "x,y\n"}) EXPECT_EQ(parse(text).size(), 0) << text;
}

TEST(ReadCsv, NotANumberAndInfinityAreReadForTheCheckThatNamesThem) {
    const Points values = parse("1,nan\n-inf,inf\n");
    EXPECT_TRUE(std::isnan(values(0, 1)));
    EXPECT_EQ(values(1, 1), infinity);
}

TEST(ReadCsv, ErrorsCarryFileLineAndColumn) {
    EXPECT_EQ(error_of("1,2\n3,abc\n"), "x.csv:2:3: expected a number, got 'abc'");
    EXPECT_EQ(error_of("1,2\n3, 4 5\n"), "x.csv:2:4: expected a number, got '4 5'");
    EXPECT_EQ(error_of("1,2\n3,\n"), "x.csv:2:3: expected a number, got ''");
    EXPECT_EQ(error_of("1 2\n3\n"), "x.csv:2:1: expected 2 numbers in the row, got 1");
    EXPECT_EQ(error_of("x,y\n1,2\nx,y\n"), "x.csv:3:1: expected a number, got 'x'");
    EXPECT_EQ(error_of("1e999\n2\n"), "x.csv:1:1: expected a number, got '1e999'");
    EXPECT_EQ(error_of("1.0.0,2\n1,2\n"), "x.csv:1:1: expected a number, got '1.0.0'");
    EXPECT_EQ(error_of("1\n2\x01\n"), "x.csv:2:1: expected a number, got '2?'");
}

TEST(ReadCsv, DecimalCommasAreRefusedRatherThanMisread) {
    EXPECT_EQ(error_of("1,5;2,5\n").find("x.csv:1:4: ';'"), 0U);
    EXPECT_EQ(error_of("1;2\n1,5;2\n").find("x.csv:2:2: ','"), 0U);
    EXPECT_EQ(error_of("1 2\n1,5 2\n").find("x.csv:2:2: ','"), 0U);
}

TEST(ReadCsv, ALineWithoutEndIsRefused) {
    EXPECT_NE(error_of(std::string((std::size_t{1} << 24) + 1, '1')).find("16 MiB"), std::string::npos);
}

TEST(WriteCsv, ReadsBackToTheSameBits) {
    const TemporaryFolder folder;
    const Points points = (Points(2, 3) << 0.1, 1.0 / 3, 1e-300, -5e-324, 1.7976931348623157e308, 0).finished();
    write_csv(folder / "p.csv", points, "x,y,z");
    EXPECT_EQ(contents(folder / "p.csv").substr(0, 6), "x,y,z\n");
    EXPECT_EQ(read_csv(folder / "p.csv"), points);
}

}  // namespace
}  // namespace spectralot::io
