#include "spectralot/io/png.hpp"

#include "io/support.hpp"
#include "spectralot/core/errors.hpp"

#include <limits>

namespace spectralot::io {
namespace {

Points ramp() {
    Points values(3, 5);
    for (Index k = 0; k < values.size(); ++k) values.data()[k] = double(k) / double(values.size() - 1);
    return values;
}

}  // namespace

TEST(Png, RoundTripIsExactToTheSixteenthBit) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder / "ramp.png";
    write_png(path, ramp());
    const Points back = read_png(path);
    ASSERT_EQ(back.rows(), 3);
    ASSERT_EQ(back.cols(), 5);
    EXPECT_LE((back - ramp()).cwiseAbs().maxCoeff(), 0.5 / 65535.0 + 1e-15);
    write_png(path, back);
    EXPECT_EQ(read_png(path), back);

    Points wild = ramp();
    wild(0, 0) = -3.0;
    wild(0, 1) = std::numeric_limits<double>::quiet_NaN();
    wild(2, 4) = 7.0;
    write_png(path, wild);
    EXPECT_EQ(read_png(path)(0, 0), 0.0);
    EXPECT_EQ(read_png(path)(0, 1), 0.0);
    EXPECT_EQ(read_png(path)(2, 4), 1.0);
    EXPECT_THROW(write_png(path, Points(0, 3)), InvalidArgument);
}

TEST(Png, EveryTruncationAndEveryFlippedByteOfTheHeaderIsRefused) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder / "broken.png";
    write_png(path, ramp());
    const std::string whole = contents(path);
    for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_THROW(read_png(whole.substr(0, n), "broken.png"), FileError);
    for (std::size_t n = 0; n < 33; ++n) {  // signature, IHDR and its checksum
        std::string changed = whole;
        changed[n] = char(changed[n] ^ 0x10);
        EXPECT_THROW(read_png(changed, "broken.png"), FileError) << n;
    }
    try {
        read_png(whole.substr(0, 40), "broken.png");
        FAIL();
    } catch (const FileError& error) {
        EXPECT_NE(std::string(error.what()).find("broken.png: byte"), std::string::npos) << error.what();
    }
    EXPECT_THROW(read_png(std::filesystem::path("no-such.png")), FileError);
}

}  // namespace spectralot::io
