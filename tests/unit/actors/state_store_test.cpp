#include "actors/state_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace bmsd::actors {
namespace {

class StateStoreTest : public ::testing::Test {
protected:
  StateStoreTest() {
    char name[] = "/tmp/bmsd-store.XXXXXX";
    dir_ = ::mkdtemp(name);
  }
  ~StateStoreTest() override { std::filesystem::remove_all(dir_); }

  void write(const std::string& file, const std::string& text) { std::ofstream(dir_ / file) << text; }

  std::filesystem::path dir_;
};

TEST_F(StateStoreTest, WhatIsSavedComesBack) {
  ASSERT_TRUE(StateStore(dir_).save("battery_a", {{"soc", 61.5}}));
  EXPECT_EQ((*StateStore(dir_).load("battery_a"))["soc"], 61.5);
  EXPECT_FALSE(StateStore(dir_).load("battery_b"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "battery_a.json.new")) << "no temporary file stays";
}

TEST_F(StateStoreTest, EqualContentIsNotWrittenAgain) {
  StateStore store(dir_);
  ASSERT_TRUE(store.save("a", {{"x", 1}}));
  ASSERT_TRUE(store.flush());
  const auto file = dir_ / "a.json";
  std::filesystem::remove(file);
  ASSERT_TRUE(store.save("a", {{"x", 1}}));
  ASSERT_TRUE(store.flush());
  EXPECT_FALSE(std::filesystem::exists(file));
  ASSERT_TRUE(store.save("a", {{"x", 2}}));
  ASSERT_TRUE(store.flush());
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(StateStoreTest, WhatWaitsForTheDiskIsWhatCounts) {
  StateStore store(dir_);
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(store.save("a", {{"x", i}}));
    EXPECT_EQ((*store.load("a"))["x"], i);
    ASSERT_TRUE(store.save("b", {{"x", -i}}));
  }
  ASSERT_TRUE(store.flush());
  EXPECT_EQ((*StateStore(dir_).load("a"))["x"], 199);
  EXPECT_EQ((*StateStore(dir_).load("b"))["x"], -199);
}

TEST_F(StateStoreTest, WhatIsNoFileIsSetAside) {
  int damages = 0;
  const auto load = [&](const char* name) {
    StateStore store(dir_);
    store.on_damage = [&] { ++damages; };
    EXPECT_FALSE(store.load(name)) << name;
    ASSERT_TRUE(store.save(name, {{"x", 1}}));
    ASSERT_TRUE(store.flush()) << name;
    EXPECT_TRUE(StateStore(dir_).load(name)) << name;
    EXPECT_TRUE(std::filesystem::exists(dir_ / (std::string(name) + ".json.damaged")));
  };
  std::filesystem::create_directories(dir_ / "a.json" / "full");
  load("a");
  ASSERT_EQ(::mkfifo((dir_ / "b.json").c_str(), 0600), 0);
  load("b");
  std::filesystem::create_symlink("/dev/zero", dir_ / "c.json");
  load("c");
  write("d.json", std::string(2 << 20, ' '));
  load("d");
  std::filesystem::remove(dir_ / "d.json");
  std::filesystem::create_directories(dir_ / "d.json" / "full"); // while d.json.damaged is a file
  load("d");
  EXPECT_EQ(damages, 5);
}

TEST_F(StateStoreTest, ADamagedFileIsSetAside) {
  for (const std::string text : {"", "{\"soc\": 61", "[1]", "\xff\xfe\x00", "null"}) {
    write("a.json", text);
    EXPECT_FALSE(StateStore(dir_).load("a")) << text;
    EXPECT_FALSE(std::filesystem::exists(dir_ / "a.json"));
    EXPECT_TRUE(std::filesystem::exists(dir_ / "a.json.damaged"));
  }
  ASSERT_TRUE(StateStore(dir_).save("a", {{"x", 1}})) << "and the store goes on";
}

TEST_F(StateStoreTest, ADirectoryThatCannotBeWrittenIsAnError) {
  write("file", "");
  StateStore store(dir_ / "file");
  EXPECT_TRUE(store.save("a", {{"x", 1}}));
  const auto saved = store.flush();
  ASSERT_FALSE(saved);
  EXPECT_NE(saved.error().detail.find("cannot create"), std::string::npos);
  EXPECT_FALSE(store.is_kept("a"));
  EXPECT_FALSE(store.save("a", {{"x", 1}})) << "the attempt before failed";
  std::filesystem::remove(dir_ / "file");
  EXPECT_FALSE(store.save("a", {{"x", 2}}));
  EXPECT_TRUE(store.flush()) << "and the store goes on";
  EXPECT_TRUE(store.is_kept("a"));
}

TEST_F(StateStoreTest, WithoutDirectoryItKeepsThingsInMemory) {
  StateStore store("");
  ASSERT_TRUE(store.save("a", {{"x", 1}}));
  EXPECT_EQ((*store.load("a"))["x"], 1);
}

TEST(Sanitized, KeepsLettersAndDigits) {
  EXPECT_EQ(sanitized("/dev/pts/3"), "_dev_pts_3");
  EXPECT_EQ(sanitized("80_5.0Ah"), "80_5_0Ah");
  EXPECT_EQ(sanitized("ä"), "__");
}

} // namespace
} // namespace bmsd::actors
