#include "app/sim/pylontech_can_sim.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bmsd::sim {

namespace {

constexpr std::uint32_t kGroupStep = 0x1000; // hub: id of group g = id + 0x1000 g, as 29 bit frame
constexpr double kForceChargeBelow = 8.0;    // % at which the battery asks to be charged

/// Builds one frame from its fields in order.
class FrameBuilder {
public:
  explicit FrameBuilder(std::uint32_t id) { frame_.id = id; }
  FrameBuilder& byte(unsigned value) {
    frame_.data.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  FrameBuilder& word(double value, double unit) {
    const auto raw = static_cast<std::int32_t>(std::clamp(std::round(value / unit), -32768.0, 65535.0));
    return byte(static_cast<unsigned>(raw) & 0xFF).byte(static_cast<unsigned>(raw) >> 8 & 0xFF);
  }
  FrameBuilder& text(std::string_view characters, char padding) {
    for (std::size_t i = 0; i < 8; ++i) {
      byte(static_cast<unsigned char>(i < characters.size() ? characters[i] : padding));
    }
    return *this;
  }
  CanFrame done() const { return frame_; }

private:
  CanFrame frame_;
};

CanFrame limits(const Reading& r) {
  return FrameBuilder(0x351)
      .word(std::floor(r.max_charge_voltage / 0.1 + 1e-6), 1.0)
      .word(std::clamp(r.max_charge_current, 0.0, 3276.7), 0.1)
      .word(std::clamp(r.max_discharge_current, 0.0, 3276.7), 0.1)
      .word(r.low_voltage, 0.1)
      .done();
}

CanFrame charge_state(const Reading& r) {
  return FrameBuilder(0x355).word(r.soc, 1.0).word(100.0, 1.0).done();
}

double mean_temperature(const Reading& r) {
  return std::accumulate(r.cell_temperatures.begin(), r.cell_temperatures.end(), 0.0) /
         static_cast<double>(r.cell_temperatures.size());
}

CanFrame measurements(const Reading& r) {
  return FrameBuilder(0x356).word(r.voltage, 0.01).word(r.current, 0.1).word(mean_temperature(r), 0.1).done();
}

CanFrame classic_alarms(const Reading& r) {
  const bool hot = r.alarm(Alarm::HighTemperature) || r.alarm(Alarm::HighChargeTemperature);
  const bool cold = r.alarm(Alarm::LowTemperature) || r.alarm(Alarm::LowChargeTemperature);
  const unsigned first = (r.alarm(Alarm::HighVoltage) || r.alarm(Alarm::HighCellVoltage) ? 1U << 1 : 0U) |
                         (r.alarm(Alarm::LowVoltage) || r.alarm(Alarm::LowCellVoltage) ? 1U << 2 : 0U) |
                         (hot ? 1U << 3 : 0U) | (cold ? 1U << 4 : 0U) |
                         (r.alarm(Alarm::HighDischargeCurrent) ? 1U << 7 : 0U);
  const unsigned second =
      (r.alarm(Alarm::HighChargeCurrent) ? 1U : 0U) | (r.alarm(Alarm::InternalFailure) ? 1U << 3 : 0U);
  return FrameBuilder(0x359).byte(first).byte(second).byte(0).byte(0).byte(1).byte('P').byte('N').done();
}

/// 01 = active, 10 = quiet, 00 = not supported; four pairs a byte, the lowest bits first.
CanFrame victron_alarms(const Reading& r) {
  const auto pair = [&r](std::initializer_list<Alarm> alarms) {
    return std::any_of(alarms.begin(), alarms.end(), [&r](Alarm alarm) { return r.alarm(alarm); }) ? 0b01U : 0b10U;
  };
  const auto byte = [](unsigned a, unsigned b, unsigned c, unsigned d) { return a | b << 2 | c << 4 | d << 6; };
  const unsigned none = 0;
  return FrameBuilder(0x35A)
      .byte(byte(none, pair({Alarm::HighVoltage, Alarm::HighCellVoltage}),
                 pair({Alarm::LowVoltage, Alarm::LowCellVoltage}), pair({Alarm::HighTemperature})))
      .byte(byte(pair({Alarm::LowTemperature}), pair({Alarm::HighChargeTemperature}),
                 pair({Alarm::LowChargeTemperature}), pair({Alarm::HighDischargeCurrent})))
      .byte(byte(pair({Alarm::HighChargeCurrent}), none, none, pair({Alarm::InternalFailure})))
      .byte(byte(pair({Alarm::CellImbalance}), none, none, none))
      .byte(0xA8) // the same fields as warnings, all quiet
      .byte(0xAA)
      .byte(0x82)
      .byte(0x02)
      .done();
}

CanFrame requests(const Reading& r) {
  return FrameBuilder(0x35C)
      .byte((r.charge_on ? 0x80U : 0U) | (r.discharge_on ? 0x40U : 0U) | (r.soc < kForceChargeBelow ? 0x20U : 0U))
      .byte(0)
      .done();
}

CanFrame extremes(const Reading& r) {
  const auto [low, high] = std::minmax_element(r.cells.begin(), r.cells.end());
  const auto [cold, hot] = std::minmax_element(r.cell_temperatures.begin(), r.cell_temperatures.end());
  return FrameBuilder(0x373)
      .word(*low, 0.001)
      .word(*high, 0.001)
      .word(*cold + 273.0, 1.0)
      .word(*hot + 273.0, 1.0)
      .done();
}

CanFrame energies(const Reading& r) {
  FrameBuilder frame(0x378);
  for (double kilowatt_hours : {r.charged_energy, r.discharged_energy}) {
    const auto tenths = static_cast<std::uint32_t>(kilowatt_hours * 10.0);
    for (unsigned shift = 0; shift < 32; shift += 8) {
      frame.byte(tenths >> shift & 0xFF);
    }
  }
  return frame.done();
}

/// Text of up to 16 characters in two frames.
void put_long_text(std::vector<CanFrame>& out, std::uint32_t id, std::string_view text) {
  out.push_back(FrameBuilder(id).text(text.substr(0, 8), '\0').done());
  out.push_back(FrameBuilder(id + 1).text(text.size() > 8 ? text.substr(8, 8) : "", '\0').done());
}

} // namespace

PylontechCanSim::PylontechCanSim(Battery& battery, const DeviceOptions& options)
    : battery_(battery), options_(options) {}

std::vector<CanFrame> PylontechCanSim::frames() {
  return encode(battery_.reading());
}

std::vector<CanFrame> PylontechCanSim::encode(const Reading& reading) const {
  std::vector<CanFrame> out = {limits(reading), charge_state(reading), measurements(reading)};
  if (options_.dialect == "victron") {
    out.push_back(victron_alarms(reading));
    out.push_back(FrameBuilder(0x35E).text("bmssim", '\0').done());
    out.push_back(
        FrameBuilder(0x35F).byte('L').byte('i').byte(1).byte(0).word(reading.remaining, 1.0).word(0, 1).done());
    put_long_text(out, 0x370, options_.name);
    const double blocking_charge = reading.charge_on ? 0 : 1;
    const double blocking_discharge = reading.discharge_on ? 0 : 1;
    out.push_back(
        FrameBuilder(0x372).word(1, 1).word(blocking_charge, 1).word(blocking_discharge, 1).word(0, 1).done());
    out.push_back(extremes(reading));
    out.push_back(energies(reading));
    out.push_back(FrameBuilder(0x379).word(reading.capacity, 1.0).done());
    put_long_text(out, 0x380, options_.serial);
    out.push_back(FrameBuilder(0x382).text("SIM", '\0').done());
  } else {
    out.push_back(classic_alarms(reading));
    out.push_back(requests(reading));
    out.push_back(FrameBuilder(0x35E).text("PYLON", ' ').done());
  }
  for (auto& frame : out) {
    if (options_.address > 0) {
      frame.id += kGroupStep * options_.address;
      frame.extended = true;
    }
  }
  return out;
}

namespace {
constexpr std::string_view kDialects[] = {"pylon", "victron"};
} // namespace

constinit const SimulatorInfo PylontechCanSim::kInfo = {
    .key = "pylontech_can",
    .about = "Pylontech low voltage and relatives (CAN, 500 kbit/s); address = hub group",
    .can_bitrate = 500'000,
    .max_capacity = 6500.0,
    .addressed = true,
    .dialects = kDialects,
    .broadcast = make_broadcast<PylontechCanSim>,
};

} // namespace bmsd::sim
