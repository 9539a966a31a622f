#include "app/sim/ecs_sim.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

namespace bmsd::sim {

namespace {

constexpr std::uint16_t kMeter500A = 500, kLiProActiveV2 = 103;
constexpr std::int64_t kSocQuirkBelow = 65'535; // 0.001 %

/// The first that applies is the state of the charge or discharge output.
using States = std::initializer_list<std::pair<Alarm, std::uint16_t>>;
constexpr States kChargeStates = {
    {Alarm::HighVoltage, 1},           {Alarm::HighCellVoltage, 1},      {Alarm::HighChargeCurrent, 2},
    {Alarm::HighChargeTemperature, 4}, {Alarm::LowChargeTemperature, 6},
};
constexpr States kDischargeStates = {
    {Alarm::LowVoltage, 1},      {Alarm::LowCellVoltage, 1}, {Alarm::HighDischargeCurrent, 2},
    {Alarm::HighTemperature, 4}, {Alarm::LowTemperature, 6},
};

std::uint16_t state(const Reading& reading, const States& states) {
  const auto* found = std::find_if(states.begin(), states.end(), [&](const auto& s) { return reading.alarm(s.first); });
  return found != states.end() ? found->second : std::uint16_t{0};
}

Encoder word(double value, double unit = 1) {
  return Encoder().s16be(value, unit);
}

/// 32 bits, the low word first.
Encoder two_words(double value, double unit) {
  const auto raw = static_cast<std::uint32_t>(static_cast<std::int32_t>(std::lround(value / unit)));
  return Encoder().u16be(raw & 0xFFFF).u16be(raw >> 16);
}

} // namespace

EcsSim::EcsSim(Battery& battery, const DeviceOptions& options)
    : ModbusSlave(options.address != 0 ? static_cast<std::uint8_t>(options.address) : std::uint8_t{1}),
      battery_(battery), single_(options.dialect == "single") {}

bool EcsSim::is_mine(std::uint8_t address) const {
  return address >= this->address() && address <= this->address() + battery_.cells().size();
}

ModbusSlave::Data EcsSim::read(std::uint8_t function, unsigned first, unsigned count) {
  if (function != kReadHolding) {
    return refuse(kIllegalFunction);
  }
  const Reading reading = battery_.reading();
  const Registers all = asked() == address() ? meter(reading) : board(reading, asked() - address() - 1U);
  if (single_ && count > (all.contains(first + 1) ? 2U : 1U)) {
    return refuse(kIllegalAddress);
  }
  return slice(all, first, count);
}

Registers EcsSim::meter(const Reading& reading) const {
  Registers out;
  for (unsigned reg = 100; reg < 140; ++reg) { // the others between them mean something, too
    out[reg] = 0;
  }
  const auto& limits = battery_.config();
  Encoder soc = two_words(reading.soc, 0.001);
  if (single_ && std::lround(reading.soc * 1000) < kSocQuirkBelow) {
    soc.bytes[2] = soc.bytes[3] = 0xFF;
  }
  place(out, 0, word(kMeter500A));
  place(out, 2, two_words(123'456, 1));
  place(out, 30, word(-limits.max_discharge_current()));
  place(out, 31, word(limits.max_charge_current()));
  place(out, 46, two_words(reading.capacity, 0.001));
  place(out, 102, word(reading.cell_temperatures.front(), 0.01));
  place(out, 103, word(reading.cell_temperatures.back(), 0.01));
  place(out, 108, two_words(reading.voltage, 0.001));
  place(out, 114, two_words(reading.current, 0.001));
  place(out, 128, soc);
  place(out, 130, word(state(reading, kChargeStates)));
  place(out, 131, word(state(reading, kDischargeStates)));
  return out;
}

Registers EcsSim::board(const Reading& reading, std::size_t cell) const {
  Registers out;
  const auto& sensors = reading.cell_temperatures;
  place(out, 0, word(kLiProActiveV2));
  place(out, 100, word(reading.cells[cell], 0.001));
  place(out, 101, word(sensors[cell % sensors.size()], 0.01));
  place(out, 102, word((reading.balancing >> cell & 1U) != 0 ? 80 : 20));
  return out;
}

namespace {

constexpr std::string_view kDialects[] = {"rows", "single"};

} // namespace

constinit const SimulatorInfo EcsSim::kInfo = {
    .key = "ecs",
    .about = "ECS GreenMeter with a LiPro board on each cell (RS485, 19200 baud, even parity)",
    .baud = 19200,
    .max_capacity = 2'147'483.0,
    .addressed = true,
    .dialects = kDialects,
    .stream = make_stream<EcsSim>,
};

} // namespace bmsd::sim
