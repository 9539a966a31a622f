#include "app/sim/jkbms_pb_sim.hpp"

#include "protocols/core/checksum.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/modbus.hpp"

#include <algorithm>

namespace bmsd::sim {

namespace modbus = protocols::modbus;

struct JkbmsPbSim::Firmware {
  std::string_view dialect, model, hardware, version;
  std::size_t padding_before, padding_behind; ///< zero bytes around the acknowledgement
  bool requests_voltages;
  bool discharge_cold_alarm;
};

namespace {

constexpr std::uint16_t kAbout = 0x161C, kSettings = 0x161E, kStatus = 0x1620;
constexpr std::uint16_t kChargeSwitch = 0x1070, kDischargeSwitch = 0x1074, kBalanceSwitch = 0x1078;

constexpr std::size_t kPayload = 300;
constexpr std::size_t kVendorOffset = 6; // the vendor counts from behind the header
constexpr double kRequestedFloat = 3.35; // V per cell
constexpr double kNotConnected = -200.0; // °C

/// Bits of "alarm" in the vendor's table of the status.
constexpr std::pair<unsigned, Alarm> kAlarmBits[] = {
    {1, Alarm::HighInternalTemperature},
    {3, Alarm::InternalFailure},
    {4, Alarm::HighCellVoltage},
    {5, Alarm::HighVoltage},
    {6, Alarm::HighChargeCurrent},
    {8, Alarm::HighChargeTemperature},
    {9, Alarm::LowChargeTemperature},
    {11, Alarm::LowCellVoltage},
    {12, Alarm::LowVoltage},
    {13, Alarm::HighDischargeCurrent},
    {15, Alarm::HighTemperature},
};
constexpr unsigned kDefaultPassCode = 19, kDischargeCold = 27;

/// Starts at the vendor's offset 0.
Encoder payload(std::uint8_t type, std::uint8_t counter) {
  Encoder out;
  out.u8(0x55).u8(0xAA).u8(0xEB).u8(0x90).u8(type).u8(counter);
  return out;
}

Encoder& at(Encoder& out, std::size_t vendor_offset) {
  return out.at(vendor_offset + kVendorOffset);
}

Bytes summed(Encoder& out) {
  out.at(kPayload - 1);
  out.u8(protocols::sum16(out.bytes) & 0xFF);
  return std::move(out.bytes);
}

} // namespace

JkbmsPbSim::JkbmsPbSim(Battery& battery, const DeviceOptions& options)
    : ModbusSlave(options.address != 0 ? static_cast<std::uint8_t>(options.address) : std::uint8_t{1}),
      battery_(battery), options_(options), firmware_([&]() -> const Firmware& {
        static constexpr Firmware kFirmwares[] = {
            {"v15", "JK_PB2A16S20P", "15A", "15.41", 1, 1, true, true},
            {"v19", "JK-PB2A16S20P", "19A", "19.05", 1, 0, true, true},
            {"v14", "JK_PB2A16S20P", "14A", "14.20", 0, 0, false, false},
        };
        const auto* found = std::find_if(std::begin(kFirmwares), std::end(kFirmwares),
                                         [&](const Firmware& one) { return one.dialect == options.dialect; });
        return found != std::end(kFirmwares) ? *found : kFirmwares[0];
      }()) {}

/// Not the Modbus that it looks like: only writes are known, and some are questions.
std::optional<Bytes> JkbmsPbSim::special(ByteView request) {
  ++counter_;
  if (request[1] != kWriteMultiple) {
    return Bytes{};
  }
  const auto reg = protocols::be16(request, 2);
  switch (reg) {
  case kAbout: return with_payload(about(), reg);
  case kSettings: return with_payload(settings(), reg);
  case kStatus: return with_payload(status(), reg);
  default: return std::nullopt;
  }
}

ModbusSlave::Data JkbmsPbSim::read(std::uint8_t, unsigned, unsigned) {
  return refuse(kIllegalFunction);
}

std::uint8_t JkbmsPbSim::write(std::uint8_t /*function*/, unsigned reg, ByteView data) {
  const bool known = reg == kChargeSwitch || reg == kDischargeSwitch || reg == kBalanceSwitch;
  if (!known || data.size() != 4) {
    return kIllegalAddress;
  }
  const bool on = std::any_of(data.begin(), data.end(), [](std::uint8_t byte) { return byte != 0; });
  if (reg == kChargeSwitch) {
    battery_.allow_charge(charge_switch_ = on);
  } else if (reg == kDischargeSwitch) {
    battery_.allow_discharge(discharge_switch_ = on);
  } else {
    battery_.enable_balancer(on);
  }
  return 0;
}

Bytes JkbmsPbSim::with_payload(Bytes payload, std::uint16_t reg) const {
  Encoder ack;
  ack.u8(address()).u8(kWriteMultiple).u16be(reg).u16be(1);
  Encoder out;
  out.raw(payload).zeros(firmware_.padding_before).raw(modbus::with_crc(ack.bytes)).zeros(firmware_.padding_behind);
  return out.bytes;
}

Bytes JkbmsPbSim::settings() const {
  const auto& config = battery_.config();
  const auto& limits = config.protections;
  const auto pair = [](Encoder& out, const Threshold& threshold, double unit) {
    out.s32le(threshold.trip, unit).s32le(threshold.release, unit);
  };
  Encoder out = payload(1, counter_);
  at(out, 0x00).u32le(3.5, 0.001); // sleep
  pair(at(out, 0x04), limits.cell_low, 0.001);
  pair(at(out, 0x0C), limits.cell_high, 0.001);
  at(out, 0x14).u32le(0.005, 0.001); // balance trigger
  at(out, 0x18).u32le(config.charge_voltage, 0.001).u32le(limits.cell_low.release, 0.001);
  if (firmware_.requests_voltages) {
    at(out, 0x20).u32le(config.charge_voltage, 0.001).u32le(kRequestedFloat, 0.001);
  }
  at(out, 0x28).u32le(limits.cell_low.trip, 0.001);
  at(out, 0x2C).u32le(config.max_charge_current(), 0.001).u32le(3).u32le(60);
  at(out, 0x38).u32le(config.max_discharge_current(), 0.001).u32le(300).u32le(60);
  at(out, 0x44).u32le(5).u32le(2.0, 0.001); // short circuit release, balance current
  pair(at(out, 0x4C), limits.charge_hot, 0.1);
  pair(at(out, 0x54), limits.discharge_hot, 0.1);
  pair(at(out, 0x5C), limits.charge_cold, 0.1);
  pair(at(out, 0x64), {100.0, 80.0}, 0.1);
  at(out, 0x6C).u32le(config.cells).u32le(charge_switch_).u32le(discharge_switch_);
  at(out, 0x78).u32le(battery_.reading().balancer_enabled);
  at(out, 0x7C).u32le(config.capacity, 0.001).u32le(1500).u32le(3.4, 0.001);
  at(out, 0x108).u32le(address());
  at(out, 0x114).u16le(0x0300).s8(-4).s8(6);
  return summed(out);
}

Bytes JkbmsPbSim::status() const {
  const Reading reading = battery_.reading();
  const auto cells = reading.cells.size();
  const auto [low, high] = std::minmax_element(reading.cells.begin(), reading.cells.end());

  std::uint32_t alarms = 1U << kDefaultPassCode;
  for (const auto& [bit, alarm] : kAlarmBits) {
    alarms |= static_cast<std::uint32_t>(reading.alarm(alarm)) << bit;
  }
  if (firmware_.discharge_cold_alarm) {
    alarms |= static_cast<std::uint32_t>(reading.alarm(Alarm::LowTemperature)) << kDischargeCold;
  }

  Encoder out = payload(2, counter_);
  for (double volts : reading.cells) {
    out.u16le(volts, 0.001);
  }
  at(out, 0x40).u32le(static_cast<double>((std::uint64_t{1} << cells) - 1));
  at(out, 0x44).u16le(reading.voltage / static_cast<double>(cells), 0.001).u16le(*high - *low, 0.001);
  out.u8(static_cast<double>(high - reading.cells.begin())).u8(static_cast<double>(low - reading.cells.begin()));
  at(out, 0x8A).s16le(reading.mos_temperature, 0.1);
  at(out, 0x90).u32le(reading.voltage, 0.001).u32le(std::abs(reading.voltage * reading.current), 0.001);
  out.s32le(reading.current, 0.001);
  out.s16le(reading.cell_temperatures.at(0), 0.1).s16le(reading.cell_temperatures.at(1), 0.1);
  out.u32le(alarms);
  out.s16le(reading.balancing != 0 ? -0.5 : 0.0, 0.001).u8(reading.balancing != 0 ? 2 : 0);
  out.u8(reading.soc).s32le(reading.remaining, 0.001).u32le(reading.capacity, 0.001).u32le(reading.cycles);
  out.u32le(reading.cycles * reading.capacity, 0.001).u8(100);
  at(out, 0xC0).u8(reading.charge_on).u8(reading.discharge_on);
  at(out, 0xD0).u8(0xEF); // sensor 4 is not fitted, sensor 5 not connected
  at(out, 0xE4).u16le(reading.voltage, 0.01);
  at(out, 0xF8).s16le(reading.mos_temperature, 0.1).s16le(kNotConnected, 0.1).s16le(kNotConnected, 0.1);
  return summed(out);
}

Bytes JkbmsPbSim::about() const {
  Encoder out = payload(3, counter_);
  out.text(firmware_.model, 16).text(firmware_.hardware, 8).text(firmware_.version, 8).u32le(48'570'884).u32le(22);
  out.text(options_.name, 16).text("1234", 16).text("240914", 8).text(options_.serial, 16);
  out.text("bmssim", 16).text("123456", 16); // user data, pass code of the settings
  at(out, 0xB2).u8(1);                       // protocol of the first UART
  return summed(out);
}

namespace {
constexpr std::string_view kDialects[] = {"v15", "v19", "v14"};
}

constinit const SimulatorInfo JkbmsPbSim::kInfo = {
    .key = "jkbms_pb",
    .about = "JK inverter BMS, PB series (RS485, 115200 baud); address 1 to 15, default 1",
    .baud = 115200,
    .max_capacity = 100'000.0,
    .addressed = true,
    .dialects = kDialects,
    .stream = make_stream<JkbmsPbSim>,
};

} // namespace bmsd::sim
