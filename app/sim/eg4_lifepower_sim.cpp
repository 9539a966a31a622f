#include "app/sim/eg4_lifepower_sim.hpp"

#include "app/sim/encode.hpp"

#include <algorithm>

namespace bmsd::sim {

namespace {

constexpr std::uint8_t kEnd = 0x0D, kRevovStart = 0x7C, kHighestAddress = 15;
constexpr std::size_t kHead = 4, kFraming = 6;
constexpr double kZeroCurrent = 300; // A, what raw 0 stands for; charging counts down
constexpr double kZeroCelsius = 50;
constexpr unsigned kCellSensors = 4;
constexpr unsigned kHighCellFlag = 1U << 15;
constexpr unsigned kMosMark = 0x8000, kEnvironmentMark = 0x2000;

struct StateBit {
  Alarm alarm;
  unsigned bit;
};
constexpr StateBit kStateBits[] = {
    {Alarm::HighChargeCurrent, 3}, {Alarm::HighDischargeCurrent, 3},  {Alarm::HighVoltage, 4},
    {Alarm::LowVoltage, 5},        {Alarm::HighChargeTemperature, 6}, {Alarm::LowChargeTemperature, 7},
};

std::uint8_t checksum(ByteView bytes) {
  std::uint8_t sum = 0, exclusive = 0;
  for (auto byte : bytes) {
    sum = static_cast<std::uint8_t>(sum + byte);
    exclusive = static_cast<std::uint8_t>(exclusive ^ byte);
  }
  return sum ^ exclusive;
}

unsigned state_bits(const Reading& reading) {
  unsigned bits = reading.current > 0 ? 1U : reading.current < 0 ? 2U : 0U;
  for (const auto& entry : kStateBits) {
    bits |= static_cast<unsigned>(reading.alarm(entry.alarm)) << entry.bit;
  }
  return bits;
}

double marked(double celsius, unsigned mark) {
  return std::round(celsius + kZeroCelsius) + mark;
}

} // namespace

Bytes eg4_lifepower_frame(std::uint8_t start, std::uint8_t address, std::uint8_t command, ByteView data) {
  Encoder out;
  out.u8(start).u8(address).u8(command).u8(static_cast<double>(data.size())).raw(data);
  return out.u8(checksum(out.bytes)).u8(kEnd).bytes;
}

Bytes eg4_lifepower_status(const Reading& reading, const double* environment) {
  Encoder out;
  out.u8(1).u8(static_cast<double>(reading.cells.size()));
  const auto highest = std::max_element(reading.cells.begin(), reading.cells.end());
  for (const double& volts : reading.cells) {
    const bool flagged = reading.alarm(Alarm::HighCellVoltage) && volts == *highest;
    out.u16be(std::round(volts * 1000) + (flagged ? kHighCellFlag : 0));
  }
  out.u8(2).u8(1).u16be(kZeroCurrent - reading.current, 0.01);
  out.u8(3).u8(1).u16be(reading.soc, 0.01);
  out.u8(4).u8(1).u16be(reading.capacity, 0.01);
  out.u8(5).u8(environment != nullptr ? kCellSensors + 2 : kCellSensors);
  for (unsigned i = 0; i < kCellSensors; ++i) {
    out.u16be(marked(reading.cell_temperatures[i % reading.cell_temperatures.size()], 0));
  }
  if (environment != nullptr) {
    out.u16be(marked(reading.mos_temperature, kMosMark)).u16be(marked(*environment, kEnvironmentMark));
  }
  out.u8(6).u8(5).u16be(0).u16be(state_bits(reading)).zeros(6);
  out.u8(7).u8(1).u16be(reading.cycles);
  out.u8(8).u8(1).u16be(reading.voltage, 0.01);
  out.u8(9).u8(1).u16be(100, 0.01);
  out.u8(10).u8(1).u16be(0);
  return out.bytes;
}

Eg4LifepowerSim::Eg4LifepowerSim(Battery& battery, const DeviceOptions& options, std::uint8_t start)
    : battery_(battery), start_(start), address_(static_cast<std::uint8_t>(options.address != 0 ? options.address : 1)),
      name_(options.name), serial_(options.serial) {}

StreamDevice::Answer Eg4LifepowerSim::answer(ByteView line) {
  if (line.empty()) {
    return {};
  }
  if (line[0] != start_ || (line.size() > 1 && line[1] > kHighestAddress)) {
    return {1, {}};
  }
  if (line.size() < kHead || line.size() < line[3] + kFraming) {
    return {};
  }
  const ByteView request = line.first(line[3] + kFraming);
  if (request.back() != kEnd || request[request.size() - 2] != checksum(request.first(request.size() - 2))) {
    return {1, {}};
  }
  return {request.size(), request[1] == address_ && request[3] == 0 ? respond(request[2]) : Bytes{}};
}

Bytes Eg4LifepowerSim::respond(std::uint8_t command) const {
  const auto reply = [&](ByteView data) { return eg4_lifepower_frame(start_, address_, command, data); };
  const auto text = [&](const std::string& characters) {
    return reply(
        Encoder().text(characters, std::max<std::size_t>(std::min<std::size_t>(characters.size(), 32), 1)).bytes);
  };
  switch (command) {
  case 0x01:
    return reply(
        eg4_lifepower_status(battery_.reading(), start_ == kRevovStart ? nullptr : &battery_.config().temperature));
  case 0x33: return text(name_);
  case 0x42: return text(serial_);
  default: return {};
  }
}

constinit const SimulatorInfo Eg4LifepowerSim::kInfo = {
    .key = "eg4_lifepower",
    .about = "EG4 LifePower4 V1, Tian Power (serial, 9600 baud); address 1 to 15, default 1",
    .baud = 9600,
    .max_capacity = 655.35,
    .addressed = true,
    .stream = make_stream<Eg4LifepowerSim>,
};

constinit const SimulatorInfo RevovSim::kInfo = {
    .key = "revov",
    .about = "Revov, Tian Power with first byte 7C (serial, 9600 baud); address 1 to 15, default 1",
    .baud = 9600,
    .max_capacity = 655.35,
    .addressed = true,
    .stream = make_stream<RevovSim>,
};

} // namespace bmsd::sim
