#include "app/sim/hlpdatabms4s_sim.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

namespace bmsd::sim {

namespace {

constexpr std::size_t kCells = 4;
constexpr std::size_t kLongestCommand = 40;
constexpr std::size_t kSettingsLength = 700;
constexpr std::string_view kEnd = "\r\n";

/// The first that applies is what it beeps.
constexpr std::pair<Alarm, int> kBeeps[] = {
    {Alarm::HighVoltage, 5},          {Alarm::HighCellVoltage, 5},       {Alarm::LowVoltage, 4},
    {Alarm::LowCellVoltage, 4},       {Alarm::HighChargeTemperature, 3}, {Alarm::HighTemperature, 3},
    {Alarm::LowChargeTemperature, 2}, {Alarm::LowTemperature, 2},
};

int beep(const Reading& reading) {
  const auto* found =
      std::find_if(std::begin(kBeeps), std::end(kBeeps), [&](const auto& code) { return reading.alarm(code.first); });
  return found != std::end(kBeeps) ? found->second : 0;
}

template <class... Values>
std::string print(const char* format, Values... values) {
  char text[128];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

double cell(const Reading& reading, std::size_t i) {
  return i < reading.cells.size() ? reading.cells[i] : 0.0;
}

bool is_text(std::uint8_t byte) {
  return byte >= 0x20 && byte < 0x7F;
}

} // namespace

std::string hlpdatabms4s_measurement(const Reading& reading, bool tenths) {
  std::string out;
  for (std::size_t i = 0; i < kCells; ++i) {
    out += print("%.3f,", cell(reading, i));
  }
  const int soc = static_cast<int>(std::lround(reading.soc));
  const int code = beep(reading);
  out += print("%.3f,%d,%d,%d,13.1,%d,0,%d,%d", reading.current, soc, reading.charge_on ? 1 : 0,
               reading.discharge_on ? 1 : 0, soc, code, code != 0 ? 1 : 0);
  for (std::size_t i = 0; i < reading.cell_temperatures.size(); ++i) {
    out += print(tenths ? ",b%zu %.1f" : ",b%zu %.0f", i + 1, reading.cell_temperatures[i]);
  }
  return out + print(",a1 %.0f", reading.mos_temperature);
}

std::string hlpdatabms4s_settings(const BatteryConfig& config, char decimal) {
  std::string out = print("BatterySize= %ld VoltHigh= %.2f VoltLow= %.2f", std::lround(config.capacity),
                          config.protections.cell_high.trip, config.protections.cell_low.trip);
  std::replace(out.begin(), out.end(), '.', decimal);
  while (out.size() < kSettingsLength) {
    out += " ."; // settings that nobody asks for
  }
  return out;
}

HlpdataBms4sSim::HlpdataBms4sSim(Battery& battery, const DeviceOptions& options)
    : battery_(battery), new_(options.dialect == "4.2") {}

StreamDevice::Answer HlpdataBms4sSim::answer(ByteView line) {
  const auto end = std::find_if_not(line.begin(), line.end(), is_text);
  const auto length = static_cast<std::size_t>(end - line.begin());
  if (length > kLongestCommand) {
    return {1, {}};
  }
  if (end == line.end()) {
    return {};
  }
  if (*end != '\n') { // no text: what came before it is no command either
    return {length + 1, {}};
  }
  const std::string command(line.begin(), end);
  const std::string reply = command + std::string(kEnd) + respond(command);
  return {length + 1, {reply.begin(), reply.end()}};
}

std::string HlpdataBms4sSim::respond(std::string_view command) const {
  const Reading reading = battery_.reading();
  const auto end = std::string(kEnd);
  if (command.empty()) {
    return {};
  }
  if (command == "pv") {
    return (new_ ? "BMS4S 4.2.89" : "BMS4S 1.4.55") + end;
  }
  if (command == "ps") {
    return hlpdatabms4s_settings(battery_.config(), new_ ? '.' : ',') + end;
  }
  if (command == "m1") {
    return hlpdatabms4s_measurement(reading, new_) + end;
  }
  if (command == "p") {
    const double sum = std::accumulate(reading.cells.begin(), reading.cells.end(), 0.0);
    return print("U=%.3f %.3f %.3f %.3f %.3f I=%.3f SoC=%.0f", cell(reading, 0), cell(reading, 1), cell(reading, 2),
                 cell(reading, 3), sum, reading.current, reading.soc) +
           end;
  }
  return "?" + end;
}

namespace {

constexpr std::string_view kDialects[] = {"1.4", "4.2"};

} // namespace

constinit const SimulatorInfo HlpdataBms4sSim::kInfo = {
    .key = "hlpdatabms4s",
    .about = "HLP Data BMS4S (serial console, 9600 baud); the first four cells",
    .baud = 9600,
    .max_capacity = 9'999.0,
    .min_cells = 4,
    .max_cells = 4,
    .dialects = kDialects,
    .stream = make_stream<HlpdataBms4sSim>,
};

} // namespace bmsd::sim
