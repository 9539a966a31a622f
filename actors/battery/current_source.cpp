#include "actors/battery/current_source.hpp"

#include "actors/battery/numbers.hpp"

#include <algorithm>
#include <cmath>

namespace bmsd::battery {

namespace {
constexpr double kMaxExternalCurrent = 10000.0; // A
}

CurrentSource::CurrentSource(const BatterySettings& settings)
    : mapped_(!(settings.current_reported == settings.current_measured)), external_(settings.external_current()),
      map_(settings.current_reported, settings.current_measured),
      charge_residue_(std::max(2.0, 0.01 * settings.charge.maximum)),
      discharge_residue_(std::max(2.0, 0.01 * settings.discharge.maximum)) {}

CurrentReading CurrentSource::read(std::optional<double> bms_current, const External& external,
                                   std::optional<bool> charge_fet, std::optional<bool> discharge_fet) const {
  CurrentReading reading;
  const auto from_sensor = finite(external.current);
  if (external_ && external.present && from_sensor && std::abs(*from_sensor) <= kMaxExternalCurrent) {
    reading.current = round3(*from_sensor);
  } else if (auto raw = finite(bms_current)) {
    reading.current = mapped_ ? round3(map_.extrapolated(*raw)) : *raw;
  }
  if (!reading.current) {
    return reading;
  }
  double& current = *reading.current;
  if (discharge_fet == false && current < 0.0) {
    reading.flows_against_fet = -current > discharge_residue_;
    current = reading.flows_against_fet ? current : 0.0;
  }
  if (charge_fet == false && current > 0.0) {
    reading.flows_against_fet = current > charge_residue_;
    current = reading.flows_against_fet ? current : 0.0;
  }
  return reading;
}

} // namespace bmsd::battery
