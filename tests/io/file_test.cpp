#include "spectralot/io/file.hpp"

#include "io/support.hpp"
#include "spectralot/core/errors.hpp"
#include "spectralot/io/npz.hpp"
#include "spectralot/io/table.hpp"

#include <filesystem>
#include <stdexcept>

namespace spectralot::io {
namespace {

TEST(WriteAtomically, AWriterThatThrowsLeavesTheOldContentAndNothingElse) {
    const TemporaryFolder folder;
    put(folder / "a.txt", "old");
    EXPECT_THROW(write_atomically(folder / "a.txt",
                                  [](std::ostream& out) {
                                      out << "half";
                                      throw std::runtime_error("stop");
                                  }),
                 std::runtime_error);
    EXPECT_EQ(contents(folder / "a.txt"), "old");
    EXPECT_EQ(folder.n_files(), 1U);
}

TEST(WriteAtomically, ReplacesTheContentAndLeavesOneFile) {
    const TemporaryFolder folder;
    put(folder / "a.txt", "old and long");
    write_atomically(folder / "a.txt", [](std::ostream& out) { out << "new"; });
    EXPECT_EQ(contents(folder / "a.txt"), "new");
    EXPECT_EQ(folder.n_files(), 1U);
}

TEST(WriteAtomically, ALinkKeepsPointingToItsTarget) {
    const TemporaryFolder folder;
    put(folder / "target", "old");
    std::filesystem::create_symlink(folder / "target", folder / "link");
    write_atomically(folder / "link", [](std::ostream& out) { out << "new"; });
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
    EXPECT_EQ(contents(folder / "target"), "new");
}

TEST(WriteAtomically, DevicesAreWrittenNotReplaced) {
    write_atomically("/dev/null", [](std::ostream& out) { out << "gone"; });
    EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(WriteAtomically, AFolderThatIsMissingOrInTheWayIsNamed) {
    const TemporaryFolder folder;
    const auto nothing = [](std::ostream&) {};
    EXPECT_NE(
        message_of<FileError>([&] { write_atomically(folder / "no/a.txt", nothing); }).find("no/a.txt: cannot write"),
        std::string::npos);
    EXPECT_NE(message_of<FileError>([&] { write_atomically(folder / "", nothing); }).find("is a directory"),
              std::string::npos);
}

TEST(WriteAtomically, AFullDeviceIsReported) {
    if (!std::filesystem::exists("/dev/full")) GTEST_SKIP();
    EXPECT_THROW(write_atomically("/dev/full", [](std::ostream& out) { out << std::string(1 << 20, 'x'); }), FileError);
}

TEST(Table, TheExtensionChoosesTheFormatAndBothHoldTheSameNumbers) {
    const TemporaryFolder folder;
    const Points points = (Points(2, 2) << 0.1, 2, 1.0 / 3, 4).finished();
    for (const char* name : {"p.npy", "p.csv", "p.txt", "p.tsv"}) {
        write_table(folder / name, points);
        EXPECT_EQ(read_points(folder / name), points) << name;
    }
    EXPECT_NE(message_of<InvalidArgument>([&] { read_table(folder / "p.dat"); }).find("got .dat"), std::string::npos);
}

TEST(Table, WeightsAreOneAxisOneColumnOrOneRow) {
    const TemporaryFolder folder;
    const Vector weights = (Vector(3) << 1, 2, 3).finished();
    for (const char* text : {"1\n2\n3\n", "1,2,3\n"}) {
        put(folder / "w.csv", text);
        EXPECT_EQ(read_weights(folder / "w.csv"), weights);
    }
    put(folder / "w.csv", "1,2\n3,4\n");
    EXPECT_NE(message_of<InvalidArgument>([&] { read_weights(folder / "w.csv"); }).find("got shape (2, 2)"),
              std::string::npos);
}

TEST(WriteNpz, IsAZipOfStoredArrays) {
    const TemporaryFolder folder;
    write_npz(folder / "run.npz",
              {NamedArray::of("times", Vector(Vector::LinSpaced(3, 0, 1))), {"points", {1, 2, 2}, {1, 2, 3, 4}}});
    const std::string bytes = contents(folder / "run.npz");
    EXPECT_EQ(bytes.substr(0, 4), std::string("PK\x03\x04"));
    EXPECT_NE(bytes.find("times.npy"), std::string::npos);
    EXPECT_NE(bytes.find("'shape': (1, 2, 2)"), std::string::npos) << "stored, not compressed";
    EXPECT_EQ(folder.n_files(), 1U);
}

TEST(WriteNpz, RefusesWhatCannotBeWritten) {
    const TemporaryFolder folder;
    EXPECT_THROW(write_npz(folder / "no/run.npz", {{"x", {1}, {1}}}), FileError);
    EXPECT_THROW(write_npz(folder / "run.npz", {{"x", {2}, {1}}}), InvalidArgument);
    EXPECT_EQ(folder.n_files(), 0U);
}

}  // namespace
}  // namespace spectralot::io
