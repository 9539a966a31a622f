#include "actors/config.hpp"

#include <cstddef>

namespace bmsd::actors {

namespace {

void lay_over(BatterySetup& setup, const std::vector<ConfigLine>& lines) {
  const auto take = [&setup](const ConfigLine& line) {
    if (auto applied = battery::apply_key(setup.settings, line.key, line.value); !applied) {
      setup.issues.push_back({line.where, applied.error().detail});
      const auto* key = battery::find_key(line.key);
      setup.safe = setup.safe && key != nullptr && !key->safety;
    }
  };
  battery::presets_first(
      lines, [](const ConfigLine& line) -> std::string_view { return line.key; }, take);
}

const std::vector<ConfigLine>& lines_of(const std::map<std::string, std::vector<ConfigLine>>& sections,
                                        const std::string& name) {
  static const std::vector<ConfigLine> kNone;
  auto it = sections.find(name);
  return it == sections.end() ? kNone : it->second;
}

} // namespace

BatterySetup DaemonConfig::setup_of(const std::string& port, const std::string& battery_id) const {
  BatterySetup setup;
  lay_over(setup, defaults);
  lay_over(setup, lines_of(port_lines, port));
  lay_over(setup, lines_of(battery_lines, battery_id));
  for (const auto& problem : battery::check(setup.settings)) {
    setup.issues.push_back({{}, problem.key + ": " + problem.text});
    setup.safe = setup.safe && !problem.safety;
  }
  return setup;
}

} // namespace bmsd::actors
