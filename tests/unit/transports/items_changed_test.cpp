// The hand-made ItemsChanged, read back by a reader of its own. Other libraries read it in integration/dbus; here it
// runs under the sanitizers.
#include "transports/dbus/items_changed.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>

namespace bmsd::dbus {
namespace {

using Entries = std::map<std::string, Value>;
using Items = std::vector<std::pair<std::string, Entries>>;

/// D-Bus Specification 0.41, Message Protocol: every length, every padding byte and every terminator is looked at.
class Reader {
public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool at(std::size_t end) const { return at_ == end; }
  std::size_t position() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

  std::uint8_t byte() {
    if (at_ >= bytes_.size()) {
      throw std::runtime_error("ends too early");
    }
    return bytes_[at_++];
  }
  void align(std::size_t to) {
    while (at_ % to != 0) {
      if (byte() != 0) {
        throw std::runtime_error("padding is not 0");
      }
    }
  }
  template <class Number>
  Number number() {
    align(sizeof(Number));
    std::array<std::uint8_t, sizeof(Number)> raw{};
    for (auto& each : raw) {
      each = byte();
    }
    return std::bit_cast<Number>(raw);
  }
  std::string text(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
      text += static_cast<char>(byte());
    }
    if (byte() != 0) {
      throw std::runtime_error("text without a terminator");
    }
    return text;
  }
  std::string string() { return text(number<std::uint32_t>()); }
  std::string signature() { return text(byte()); }

  Value variant() {
    const auto type = signature();
    if (type == "d") {
      return number<double>();
    }
    if (type == "i") {
      return number<std::int32_t>();
    }
    if (type == "s") {
      return string();
    }
    if (type != "ai" || number<std::uint32_t>() != 0) {
      throw std::runtime_error("a variant of type " + type);
    }
    return {};
  }

private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

Items read(std::span<const std::uint8_t> message) {
  Reader reader(message);
  EXPECT_EQ(reader.byte(), std::endian::native == std::endian::little ? 'l' : 'B');
  EXPECT_EQ(reader.byte(), 4) << "a signal";
  EXPECT_EQ(reader.byte(), 1) << "that wants no reply";
  EXPECT_EQ(reader.byte(), 1) << "protocol version";
  const auto body_size = reader.number<std::uint32_t>();
  EXPECT_NE(reader.number<std::uint32_t>(), 0U) << "serial";
  std::map<int, std::string> fields;
  const auto fields_size = reader.number<std::uint32_t>();
  for (const auto end = reader.position() + fields_size; !reader.at(end);) {
    reader.align(8);
    const auto code = reader.byte();
    const auto type = reader.signature();
    fields[code] = type + " " + (type == "g" ? reader.signature() : reader.string());
  }
  EXPECT_EQ(fields, (std::map<int, std::string>{
                        {1, "o /"}, {2, "s com.victronenergy.BusItem"}, {3, "s ItemsChanged"}, {8, "g a{sa{sv}}"}}));
  reader.align(8);
  EXPECT_EQ(reader.left(), body_size);

  Items items;
  const auto size = reader.number<std::uint32_t>();
  reader.align(8);
  for (const auto end = reader.position() + size; !reader.at(end);) {
    reader.align(8);
    auto& [path, entries] = items.emplace_back();
    path = reader.string();
    const auto entries_size = reader.number<std::uint32_t>();
    reader.align(8);
    for (const auto entries_end = reader.position() + entries_size; !reader.at(entries_end);) {
      reader.align(8);
      const auto key = reader.string();
      EXPECT_TRUE(entries.emplace(key, reader.variant()).second) << key << " twice";
    }
  }
  EXPECT_EQ(reader.left(), 0U);
  return items;
}

Item item(const std::string& path, Value value, std::string text) {
  return {path, Type::real, std::move(value), std::move(text)};
}

TEST(ItemsChanged, WithoutItems) {
  ItemsChanged signal;
  EXPECT_EQ(read(signal.finish()), Items());
}

TEST(ItemsChanged, EveryTypeOfValue) {
  ItemsChanged signal;
  signal.add(item("/Dc/0/Voltage", 13.25, "13.25V"), false);
  signal.add(item("/State", 9, "9"), true);
  signal.add(item("/CustomName", std::string("House"), "House"), false);
  signal.add(item("/Serial", std::string(), ""), false);
  signal.add(item("/TimeToGo", Value(), "---"), false);
  signal.add(item("/Dc/0/Current", std::numeric_limits<double>::quiet_NaN(), "nan"), false);
  signal.add(item("/Dc/0/Power", -std::numeric_limits<double>::infinity(), "inf"), false);
  signal.add(item("/Least", std::numeric_limits<std::int32_t>::min(), "x"), false);
  EXPECT_EQ(read(signal.finish()),
            (Items{{"/Dc/0/Voltage", {{"Value", 13.25}, {"Text", std::string("13.25V")}}},
                   {"/State", {{"Value", 9}, {"Text", std::string("9")}}},
                   {"/CustomName", {{"Value", std::string("House")}, {"Text", std::string("House")}}},
                   {"/Serial", {{"Value", std::string()}, {"Text", std::string()}}},
                   {"/TimeToGo", {{"Value", Value()}, {"Text", std::string("---")}}},
                   {"/Dc/0/Current", {{"Value", Value()}, {"Text", std::string("nan")}}},
                   {"/Dc/0/Power", {{"Value", Value()}, {"Text", std::string("inf")}}},
                   {"/Least", {{"Value", std::numeric_limits<std::int32_t>::min()}, {"Text", std::string("x")}}}}));
}

TEST(ItemsChanged, LimitsWhereTheyAreWanted) {
  auto limited = item("/A", 5, "5");
  limited.writable = std::make_shared<const WriteLimits>(WriteLimits{0, 10.5, std::string("seven")});
  auto half = item("/B", 5, "5");
  half.writable = std::make_shared<const WriteLimits>(WriteLimits{.max = 7});
  ItemsChanged signal;
  signal.add(limited, true);
  signal.add(limited, false);
  signal.add(half, true);
  const Entries plain = {{"Value", 5}, {"Text", std::string("5")}};
  auto all = plain;
  all.insert({{"Min", 0}, {"Max", 10.5}, {"Default", std::string("seven")}});
  auto max = plain;
  max.emplace("Max", 7);
  EXPECT_EQ(read(signal.finish()), (Items{{"/A", all}, {"/A", plain}, {"/B", max}}));
}

/// The buffer has room for about 500 bytes at first; then each add() must see to it.
TEST(ItemsChanged, AnyLengthOfPathTextValueAndLimits) {
  for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 400U, 480U, 511U, 512U, 513U, 5'000U, 100'000U}) {
    const std::string text(size, 'x');
    const auto limit = std::make_shared<const WriteLimits>(WriteLimits{text, text, text});
    for (int which = 0; which < 16; ++which) {
      ItemsChanged signal;
      Item long_item = item("/" + (which & 1 ? text : ""), which & 2 ? Value(text) : Value(1.5), which & 4 ? text : "");
      long_item.writable = which & 8 ? limit : nullptr;
      signal.add(long_item, true);
      signal.add(item("/Behind", 1, "1"), false);
      const auto items = read(signal.finish());
      ASSERT_EQ(items.size(), 2U);
      EXPECT_EQ(items[0].first, long_item.path);
      EXPECT_EQ(items[0].second.at("Value"), long_item.value);
      EXPECT_EQ(items[0].second.at("Text"), Value(long_item.text));
      EXPECT_EQ(items[0].second.size(), which & 8 ? 5U : 2U);
      if (which & 8) {
        EXPECT_EQ(items[0].second.at("Default"), Value(text));
      }
      EXPECT_EQ(items[1].second.at("Value"), Value(1));
    }
  }
}

TEST(ItemsChanged, EveryAlignmentOfWhatFollows) {
  ItemsChanged signal;
  Items expected;
  for (std::size_t length = 1; length <= 40; ++length) {
    const std::string path = "/" + std::string(length, 'p'), text(length % 11, 't');
    const Value value = length % 4 == 0   ? Value()
                        : length % 4 == 1 ? Value(0.5 * static_cast<double>(length))
                        : length % 4 == 2 ? Value(static_cast<std::int32_t>(length))
                                          : Value(text);
    signal.add(item(path, value, text), false);
    expected.push_back({path, {{"Value", value}, {"Text", text}}});
  }
  EXPECT_EQ(read(signal.finish()), expected);
}

TEST(ItemsChanged, IsUsedAgainAndAgain) {
  ItemsChanged signal;
  std::optional<std::uint32_t> last;
  for (const std::size_t count : {200U, 1U, 0U, 50U, 1'000U, 2U}) {
    signal.clear();
    Items expected;
    for (std::size_t n = 0; n < count; ++n) {
      const auto path = "/Voltages/Cell" + std::to_string(n + 1);
      signal.add(item(path, 3.3, "3.300V"), false);
      expected.push_back({path, {{"Value", 3.3}, {"Text", std::string("3.300V")}}});
    }
    const auto message = signal.finish();
    std::uint32_t serial = 0;
    std::memcpy(&serial, &message[8], sizeof serial);
    EXPECT_NE(std::exchange(last, serial), serial) << "each message has its own";
    EXPECT_EQ(read(message), expected);
  }
}

} // namespace
} // namespace bmsd::dbus
