#include "protocols/core/modbus.hpp"
#include "protocols/core/modbus_registers.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <random>

namespace bmsd::protocols {
namespace {

using modbus::at;
using test::hex;

constexpr std::array kTable = {
    field(&Sample::voltage, at(5043), Wire::u16be).per_unit(10),
    field(&Sample::capacity_remaining, at(5044), Wire::u32be).per_unit(1000),
    field(&Sample::soc, at(120), Wire::u8).within(0, 100),
    field(&Sample::soh, at(120) + 1, Wire::u8),
};

TEST(ModbusRegisters, a_value_is_known_once_all_of_it_was_read) {
  modbus::Registers registers;
  registers.store(5043, hex("01e60000"));
  Sample sample;
  ASSERT_TRUE(decode(kTable, registers, sample));
  EXPECT_EQ(sample.voltage, 48.6);
  EXPECT_FALSE(sample.capacity_remaining) << "its second register is missing";
  EXPECT_EQ(registers.value(5044), 0);
  EXPECT_FALSE(registers.value(5044, Wire::u32be));

  registers.store(5045, hex("b654"));
  ASSERT_TRUE(decode(kTable, registers, sample));
  EXPECT_EQ(sample.capacity_remaining, 46.676);
  registers.clear();
  EXPECT_FALSE(registers.value(5043));
}

TEST(ModbusRegisters, bytes_of_a_register_and_texts) {
  modbus::Registers registers;
  registers.store(120, hex("5a63"));
  registers.store(7, hex("52454e4f47592000"));
  Sample sample;
  ASSERT_TRUE(decode(kTable, registers, sample));
  EXPECT_EQ(sample.soc, 90);
  EXPECT_EQ(sample.soh, 99);
  EXPECT_EQ(registers.text(7, 4), "RENOGY");
  EXPECT_EQ(registers.text(7, 5), "");
}

TEST(ModbusRegisters, an_impossible_value_names_its_register) {
  modbus::Registers registers;
  registers.store(120, hex("6563"));
  Sample sample;
  const auto result = decode(kTable, registers, sample);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{Fault::implausible, "raw value 101 of register 120"}));
}

TEST(ModbusRegisters, any_order_of_any_pieces_gives_the_same) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    constexpr std::uint16_t kFirst = 65500, kCount = 36; // up to the last register there is
    std::array<std::optional<std::uint16_t>, kCount> truth;
    modbus::Registers registers;
    for (int piece = 0; piece < 8; ++piece) {
      const unsigned begin = random() % kCount, size = random() % (kCount - begin + 1);
      Bytes data;
      for (unsigned i = begin; i < begin + size; ++i) {
        truth[i] = static_cast<std::uint16_t>(random());
        data.push_back(static_cast<std::uint8_t>(*truth[i] >> 8));
        data.push_back(static_cast<std::uint8_t>(*truth[i]));
      }
      registers.store(static_cast<std::uint16_t>(kFirst + begin), data);
    }
    for (unsigned i = 0; i < kCount; ++i) {
      const auto value = registers.value(static_cast<std::uint16_t>(kFirst + i));
      ASSERT_EQ(value.has_value(), truth[i].has_value());
      ASSERT_EQ(value.value_or(0), truth[i].value_or(0));
      if (i + 1 < kCount && truth[i] && truth[i + 1]) {
        ASSERT_EQ(registers.value(static_cast<std::uint16_t>(kFirst + i), Wire::u32be),
                  static_cast<std::int64_t>(*truth[i]) << 16 | *truth[i + 1]);
      }
    }
  }
}

TEST(ModbusRegisters, a_recording_of_other_reads_fills_them) {
  modbus::Registers registers;
  Sample out;
  const auto play = [&](std::string_view tx, std::string_view rx) {
    return test::run(registers.replay(hex(tx), out), [&](const Bytes&) { return hex(rx); });
  };
  EXPECT_TRUE(play("300313b600022548", "300304000186a0e928"));
  EXPECT_EQ(registers.value(5046, Wire::u32be), 100000);
  EXPECT_TRUE(out.extra.empty());

  const Bytes write = modbus::write_single(1, 0x1467, 5).tx;
  EXPECT_TRUE(play(to_hex(write), to_hex(write)));
  EXPECT_EQ(std::get<bool>(out.extra.at(0).value), true);
  EXPECT_FALSE(registers.value(0x1467)) << "acknowledged is not read";

  EXPECT_EQ(play("010300000001840a", "018302c0f1").error().fault, Fault::refused);
  EXPECT_EQ(play("010300000001840a", "01030200017985").error().fault, Fault::checksum);
  EXPECT_EQ(play("dda50300fffd77", "").error().fault, Fault::unsupported);
}

} // namespace
} // namespace bmsd::protocols
