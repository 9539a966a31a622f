#include "app/sim/daly_sim.hpp"

#include "app/sim/encode.hpp"

#include <algorithm>

namespace bmsd::sim {

namespace {

constexpr std::uint8_t kStart = 0xA5;
constexpr std::size_t kFrameSize = 13, kLengthAt = 3, kDataAt = 4;
constexpr std::uint8_t kDataSize = 8;

constexpr std::uint8_t kPcHost = 0x40;   // the one of board 1
constexpr std::uint8_t kMostBoards = 16; // 0x40 to 0x4F
constexpr std::size_t kAllCellFrames = 16, kAllSensorFrames = 3, kCodeFrames = 5;
constexpr std::size_t kCellsInFrame = 3, kSensorsInFrame = 7, kCharactersInFrame = 7;

constexpr double kZeroCurrent = 3000;   // A, what raw 0 stands for
constexpr double kZeroTemperature = 40; // below 0 °C

struct FailureBit {
  Alarm alarm;
  unsigned byte, bit;
};

/// The simulated protections have tripped: second levels, where there are two.
constexpr FailureBit kFailureBits[] = {
    {Alarm::HighCellVoltage, 0, 1},
    {Alarm::LowCellVoltage, 0, 3},
    {Alarm::HighVoltage, 0, 5},
    {Alarm::LowVoltage, 0, 7},
    {Alarm::HighChargeTemperature, 1, 1},
    {Alarm::LowChargeTemperature, 1, 3},
    {Alarm::HighTemperature, 1, 5},
    {Alarm::LowTemperature, 1, 7},
    {Alarm::HighChargeCurrent, 2, 1},
    {Alarm::HighDischargeCurrent, 2, 3},
    {Alarm::LowSoc, 2, 7},
    {Alarm::CellImbalance, 3, 1},
    {Alarm::HighInternalTemperature, 4, 0},
    {Alarm::InternalFailure, 5, 0},
};

std::uint8_t sum(ByteView bytes) {
  unsigned total = 0;
  for (auto byte : bytes) {
    total += byte;
  }
  return static_cast<std::uint8_t>(total);
}

std::size_t frames_for(std::size_t items, std::size_t per_frame) {
  return (items + per_frame - 1) / per_frame;
}

/// The highest and the lowest value, each followed by its number from 1 on.
template <class Write>
Bytes extremes(const std::vector<double>& values, Write&& write) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  Encoder out;
  for (auto which : {high, low}) {
    write(out, *which);
    out.u8(static_cast<double>(which - values.begin() + 1));
  }
  return out.bytes;
}

Bytes pack(const Reading& reading) {
  Encoder out;
  out.u16be(reading.voltage, 0.1).u16be(0).u16be(kZeroCurrent - reading.current, 0.1).u16be(reading.soc, 0.1);
  return out.bytes;
}

Bytes fets(const Reading& reading, std::uint8_t life) {
  Encoder out;
  out.u8(reading.current > 0 ? 1 : reading.current < 0 ? 2 : 0).u8(reading.charge_on).u8(reading.discharge_on);
  out.u8(life).u32be(reading.remaining, 0.001);
  return out.bytes;
}

Bytes description(const Reading& reading) {
  Encoder out;
  out.u8(static_cast<double>(reading.cells.size())).u8(static_cast<double>(reading.cell_temperatures.size()));
  out.u8(reading.current > 0).u8(reading.current < 0).u8(0).u16be(reading.cycles);
  return out.bytes;
}

Bytes failures(const Reading& reading) {
  Bytes out(kDataSize);
  for (const auto& entry : kFailureBits) {
    out[entry.byte] = static_cast<std::uint8_t>(out[entry.byte] | reading.alarm(entry.alarm) << entry.bit);
  }
  return out;
}

} // namespace

// -- answers ------------------------------------------------------------------------

DalyAnswers::DalyAnswers(std::uint8_t board, std::string code, bool all_frames)
    : board_(board), code_(std::move(code)), all_frames_(all_frames) {}

Bytes DalyAnswers::frame(std::uint8_t id, ByteView fields) {
  std::copy(fields.begin(), fields.end(), data_.begin());
  Encoder out;
  out.u8(kStart).u8(board_).u8(id).u8(kDataSize).raw(data_);
  return out.u8(sum(out.bytes)).bytes;
}

Bytes DalyAnswers::read(std::uint8_t id, const Reading& reading) {
  switch (id) {
  case 0x50: return frame(id, Encoder().u32be(reading.capacity, 0.001).u32be(3.2, 0.001).bytes);
  case 0x53: return frame(id, Encoder().u8(1).u8(2).u8(24).u8(7).u8(20).zeros(3).bytes);
  case 0x57: return code_frames();
  case 0x90: return frame(id, pack(reading));
  case 0x91: return frame(id, extremes(reading.cells, [](Encoder& out, double volts) { out.u16be(volts, 0.001); }));
  case 0x92:
    return frame(id, extremes(reading.cell_temperatures,
                              [](Encoder& out, double celsius) { out.u8(celsius + kZeroTemperature); }));
  case 0x93: return frame(id, fets(reading, life_++));
  case 0x94: return frame(id, description(reading));
  case 0x95: return cell_frames(reading);
  case 0x96: return sensor_frames(reading);
  case 0x97: return frame(id, Encoder().u32le(reading.balancing).zeros(4).bytes);
  case 0x98: return frame(id, failures(reading));
  default: return {};
  }
}

Bytes DalyAnswers::acknowledge(std::uint8_t id, std::uint8_t value) {
  return frame(id, Encoder().u8(value).bytes);
}

/// Behind the last cell the frame keeps its older content; frames without any cell hold zeros.
Bytes DalyAnswers::cell_frames(const Reading& reading) {
  const std::size_t needed = frames_for(reading.cells.size(), kCellsInFrame);
  Bytes out;
  for (std::size_t i = 0; i < (all_frames_ ? kAllCellFrames : needed); ++i) {
    Encoder fields;
    fields.u8(static_cast<double>(i + 1));
    for (std::size_t cell = i * kCellsInFrame; cell < std::min(reading.cells.size(), (i + 1) * kCellsInFrame); ++cell) {
      fields.u16be(reading.cells[cell], 0.001);
    }
    if (i >= needed) {
      fields.zeros(2 * kCellsInFrame);
    }
    const Bytes one = frame(0x95, fields.bytes);
    out.insert(out.end(), one.begin(), one.end());
  }
  return out;
}

Bytes DalyAnswers::sensor_frames(const Reading& reading) {
  const auto& sensors = reading.cell_temperatures;
  Bytes out;
  for (std::size_t i = 0; i < (all_frames_ ? kAllSensorFrames : frames_for(sensors.size(), kSensorsInFrame)); ++i) {
    Encoder fields;
    fields.u8(static_cast<double>(i + 1));
    for (std::size_t sensor = i * kSensorsInFrame; sensor < std::min(sensors.size(), (i + 1) * kSensorsInFrame);
         ++sensor) {
      fields.u8(sensors[sensor] + kZeroTemperature);
    }
    const Bytes one = frame(0x96, fields.at(kSensorsInFrame).bytes);
    out.insert(out.end(), one.begin(), one.end());
  }
  return out;
}

Bytes DalyAnswers::code_frames() {
  const Encoder code = Encoder().text(code_, kCodeFrames * kCharactersInFrame);
  Bytes out;
  for (std::size_t i = 0; i < kCodeFrames; ++i) {
    const ByteView part = ByteView(code.bytes).subspan(i * kCharactersInFrame, kCharactersInFrame);
    const Bytes one = frame(0x57, Encoder().u8(static_cast<double>(i + 1)).raw(part).bytes);
    out.insert(out.end(), one.begin(), one.end());
  }
  return out;
}

// -- requests -----------------------------------------------------------------------

namespace {

std::uint8_t host_of(const DeviceOptions& options) {
  return static_cast<std::uint8_t>(options.address == 0 ? kPcHost : options.address);
}

/// Bluetooth and GPRS are other hosts of board 1.
std::uint8_t board_number(std::uint8_t host) {
  const bool wired = host >= kPcHost && host < kPcHost + kMostBoards;
  return static_cast<std::uint8_t>(wired ? host - kPcHost + 1 : 1);
}

} // namespace

DalySim::DalySim(Battery& battery, const DeviceOptions& options)
    : battery_(battery), host_(host_of(options)),
      answers_(board_number(host_), options.serial, options.dialect == "bluetooth") {}

StreamDevice::Answer DalySim::answer(ByteView line) {
  if (line.empty()) {
    return {};
  }
  if (line[0] != kStart || (line.size() > kLengthAt && line[kLengthAt] != kDataSize)) {
    return {1, {}};
  }
  if (line.size() < kFrameSize) {
    return {};
  }
  if (line[kFrameSize - 1] != sum(line.first(kFrameSize - 1))) {
    return {1, {}};
  }
  return {kFrameSize, line[1] == host_ ? execute(line[2], line.subspan(kDataAt, kDataSize)) : Bytes()};
}

Bytes DalySim::execute(std::uint8_t id, ByteView data) {
  const bool on = data[0] != 0;
  switch (id) {
  case 0xD9: battery_.allow_discharge(on); return answers_.acknowledge(id, data[0]);
  case 0xDA: battery_.allow_charge(on); return answers_.acknowledge(id, data[0]);
  case 0x21: {
    const int permille = data[6] << 8 | data[7];
    if (permille > 1000) {
      return answers_.acknowledge(id, 0);
    }
    battery_.set_remaining(battery_.config().capacity * permille / 1000);
    return answers_.acknowledge(id, 1);
  }
  default: return answers_.read(id, battery_.reading());
  }
}

namespace {

constexpr std::string_view kDialects[] = {"wire", "bluetooth"};

} // namespace

constinit const SimulatorInfo DalySim::kInfo = {
    .key = "daly",
    .about = "Daly Smart BMS (serial, 9600 baud); dialect bluetooth sends all cell frames",
    .baud = 9600,
    .max_capacity = 5000,
    .addressed = true,
    .dialects = kDialects,
    .stream = make_stream<DalySim>,
};

} // namespace bmsd::sim
