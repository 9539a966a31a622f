#include "actors/config.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace bmsd::actors {

namespace {

/// Whether the name of a key stands there, not as a part of another one.
bool mentions(std::string_view text, std::string_view name) {
  const auto inside = [&](std::size_t at) {
    return at < text.size() && (text[at] == '_' || (text[at] >= 'A' && text[at] <= 'Z'));
  };
  for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    if ((at == 0 || !inside(at - 1)) && !inside(at + name.size())) {
      return true;
    }
  }
  return false;
}

/// Lays the lines of sections over one another, and remembers where each key was set.
class Layers {
public:
  BatterySetup setup;

  void lay_over(const std::vector<ConfigLine>& lines) {
    battery::presets_first(
        lines, [](const ConfigLine& line) -> std::string_view { return line.key; },
        [this](const ConfigLine& line) { take(line); });
  }

  void check() {
    for (const auto& problem : battery::check(setup.settings)) {
      setup.issues.push_back({where_of(problem), problem.key + ": " + problem.text});
      setup.safe = setup.safe && !problem.safety;
    }
  }

private:
  struct Place {
    const battery::KeyInfo* key;
    std::string_view where;
  };

  void take(const ConfigLine& line) {
    const auto* key = battery::find_key(line.key);
    auto applied = line.problem.empty() ? battery::apply_key(setup.settings, line.key, line.value)
                                        : Result<void>(Error{Fault::rejected, line.problem});
    if (!applied) {
      setup.issues.push_back({line.where, applied.error().detail});
      setup.safe = setup.safe && key != nullptr && !key->safety;
    }
    if (key != nullptr) {
      places_.push_back({key, line.where});
    }
  }

  /// The last line that set the key, else one that it contradicts.
  std::string where_of(const battery::ConfigProblem& problem) const {
    for (const bool itself : {true, false}) {
      const auto place = std::find_if(places_.rbegin(), places_.rend(), [&](const Place& each) {
        return itself ? each.key->name == problem.key : mentions(problem.text, each.key->name);
      });
      if (place != places_.rend()) {
        return std::string(place->where);
      }
    }
    return {};
  }

  std::vector<Place> places_;
};

const std::vector<ConfigLine>& lines_of(const std::map<std::string, std::vector<ConfigLine>>& sections,
                                        const std::string& name) {
  static const std::vector<ConfigLine> kNone;
  auto it = sections.find(name);
  return it == sections.end() ? kNone : it->second;
}

} // namespace

void PortConfig::expect(const std::vector<std::string>& protocols) {
  if (protocols.size() == 1) {
    protocol = protocols.front();
  } else {
    search_among = protocols;
  }
}

BatterySetup DaemonConfig::setup_of(const std::string& port, const std::string& battery_id) const {
  Layers layers;
  layers.lay_over(defaults);
  layers.lay_over(lines_of(port_lines, port));
  layers.lay_over(lines_of(battery_lines, battery_id));
  layers.check();
  return std::move(layers.setup);
}

} // namespace bmsd::actors
