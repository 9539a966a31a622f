#include "app/limits.hpp"

#include "app/limits_plot.hpp"

#include <cmath>
#include <fstream>
#include <functional>
#include <iostream>

namespace bmsd::app {

namespace {

using battery::Controller;

template <class T>
std::optional<T> get(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return std::nullopt;
  }
  if constexpr (std::is_same_v<T, bool>) {
    return found->is_boolean() ? found->get<bool>() : found->get<double>() != 0.0;
  } else if (found->is_string()) {
    return static_cast<T>(std::stod(found->get<std::string>()));
  } else {
    return found->get<T>();
  }
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.is_null() ? std::string() : value.dump();
}

/// "high_cell_voltage" for "HighCellVoltage".
std::string snake_case(std::string_view name) {
  std::string result;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') {
      result += result.empty() ? "" : "_";
      c = static_cast<char>(c - 'A' + 'a');
    }
    result += c;
  }
  return result;
}

Json number(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json number(const std::optional<int>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json flag(const std::optional<bool>& value) {
  return value ? Json(*value ? 1 : 0) : Json(nullptr);
}
Json text(const std::string& value) {
  return value.empty() ? Json(nullptr) : Json(value);
}

Json raised(const Alarms& alarms) {
  Json object = Json::object();
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    if (const auto level = alarms.at(i); level.value_or(0) != 0) {
      object[std::string(kAlarmNames[i])] = *level;
    }
  }
  return object;
}

Json times_to_soc(const std::vector<TimeToSoc>& entries) {
  Json object = Json::object();
  for (const auto& entry : entries) {
    object[std::to_string(entry.percent)] = entry.seconds ? Json(entry.text) : Json(nullptr);
  }
  return object;
}

bool any_balancing(const Sample& sample) {
  bool any = sample.balancing.value_or(false);
  for (bool on : sample.balancing_cells) {
    any = any || on;
  }
  return any;
}

/// Names that are not simply a field of Status.
const std::map<std::string, std::function<Json(const Status&)>>& special_fields() {
  static const std::map<std::string, std::function<Json(const Status&)>> kFields = {
      {"exit", [](const Status& s) { return Json(s.given_up); }},
      {"bms_cable", [](const Status& s) { return Json(s.alarms[Alarm::BmsCable].value_or(0)); }},
      {"balancing", [](const Status& s) { return Json(any_balancing(s.sample) ? 1 : 0); }},
      {"alarms", [](const Status& s) { return raised(s.alarms); }},
      {"time_to_soc", [](const Status& s) { return times_to_soc(s.time_to_soc); }},
      {"mode", [](const Status& s) { return number(s.mode); }},
      {"absorption_timer_running", [](const Status& s) { return Json(s.absorption_timer_running ? 1 : 0); }},
      {"soc_reset_requested", [](const Status& s) { return Json(s.soc_reset_requested ? 1 : 0); }},
  };
  return kFields;
}

struct FieldReader {
  const std::string& wanted;
  Json& result;
  bool found = false;

  void operator()(std::string_view name, const auto& value) {
    using T = std::decay_t<decltype(value)>;
    if (name != wanted) {
      return;
    }
    found = true;
    if constexpr (std::is_same_v<T, std::optional<bool>>) {
      result = flag(value);
    } else if constexpr (std::is_same_v<T, std::optional<double>> || std::is_same_v<T, std::optional<int>>) {
      result = number(value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      result = text(value);
    } else if constexpr (std::is_arithmetic_v<T>) {
      result = value;
    }
  }
};

void write_csv(std::ostream& out, const Json& series, bool header) {
  const auto& fields = series.at("fields");
  if (header) {
    out << "series,t";
    for (const auto& name : fields) {
      out << ',' << text_of(name);
    }
    out << '\n';
  }
  for (const auto& step : series.at("steps")) {
    out << text_of(series.value("name", Json(""))) << ',' << step.at("t").dump();
    for (const auto& name : fields) {
      std::string cell = text_of(step.at("out").at(name.get<std::string>()));
      const bool quote = cell.find_first_of(",\"\n") != std::string::npos;
      for (std::size_t i = 0; quote && (i = cell.find('"', i)) != std::string::npos; i += 2) {
        cell.insert(i, 1, '"');
      }
      out << ',' << (quote ? "\"" + cell + "\"" : cell);
    }
    out << '\n';
  }
}

} // namespace

// -- one series -------------------------------------------------------------------

SeriesRunner::SeriesRunner(const Json& series, std::vector<std::string>& problems,
                           const std::map<std::string, std::string>& overrides) {
  t0_ = series.value("t0", 1'700'000'000.0);
  fields_ = series.value("fields", std::vector<std::string>{"cvl", "ccl", "dcl", "charge_mode", "charge_limitation",
                                                            "discharge_limitation", "soc"});
  history_fields_ = series.value("history_fields", std::vector<std::string>{});
  const Json config = series.value("config", Json::object());
  // A series without this key gives BMS voltages only where they are to be used.
  settings_.use_bms_voltage_limits = true;
  std::vector<std::pair<std::string, std::string>> given;
  for (const auto& [key, value] : config.items()) {
    given.emplace_back(key, text_of(value));
  }
  const auto lay_over = [&](const auto& lines) {
    battery::presets_first(
        lines, [](const auto& line) -> std::string_view { return line.first; },
        [&](const auto& line) {
          if (auto result = battery::apply_key(settings_, line.first, line.second); !result) {
            problems.push_back(result.error().detail);
          }
        });
  };
  lay_over(given);
  lay_over(overrides);
  for (const auto& problem : battery::check(settings_)) {
    problems.push_back(problem.key + ": " + problem.text);
  }
  if (series.contains("ess")) {
    const Json& ess = series.at("ess");
    ess_.emplace();
    ess_->hub4_mode = get<int>(ess, "Hub4Mode");
    ess_->battery_life_state = get<int>(ess, "State");
    ess_->minimum_soc_limit = get<double>(ess, "MinimumSocLimit");
    ess_->soc_limit = get<double>(ess, "SocLimit");
  }
  identity_.capabilities.soc_reset = true;
}

Now SeriesRunner::at(double t) const {
  Now now;
  now.steady = std::chrono::nanoseconds(std::llround(t * 1e9));
  now.wall = std::chrono::seconds(static_cast<std::int64_t>(std::floor(t0_ + t)));
  return now;
}

Json SeriesRunner::step(const Json& step) {
  const Now now = at(step.at("t").get<double>());
  Json action;
  const Json inputs = step.value("in", Json::object());
  for (const auto& [key, value] : inputs.items()) {
    (key == "action" ? action : inputs_[key]) = value;
  }
  if (!controller_) {
    controller_ = std::make_unique<Controller>(settings_, std::nullopt, now);
  }
  act(action, now);
  if (ess_) {
    controller_->set_ess(*ess_);
  }
  controller_->set_external(external());
  if (inputs_.value("poll", "ok") == "fail") {
    controller_->on_poll_failed(now);
  } else {
    controller_->on_sample(sample(), identity_, now);
  }
  while (controller_->take_bms_command()) {
    ++bms_soc_resets_;
  }
  last_ = now;
  return output();
}

void SeriesRunner::act(const Json& action, Now now) {
  if (!action.is_object()) {
    return;
  }
  const auto what = action.value("do", std::string());
  Command command;
  command.value = get<double>(action, "value").value_or(0.0);
  if (what == "restart") {
    // Through text, as a state file does.
    const std::string stored = to_json(controller_->saved_state(last_).settled()).dump();
    controller_ = std::make_unique<Controller>(settings_, battery::saved_state_from_json(Json::parse(stored)), now);
    bms_soc_resets_ = 0;
  } else if (what == "reset_soc_to") {
    command.kind = CommandKind::reset_soc_to;
    controller_->on_command(command, now);
    command.kind = CommandKind::reset_soc_apply;
    command.value = 1.0;
    controller_->on_command(command, now);
  } else if (what == "history_clear") {
    command.kind = CommandKind::history_clear;
    controller_->on_command(command, now);
  }
}

battery::External SeriesRunner::external() const {
  battery::External external;
  const auto found = inputs_.find("external");
  if (found != inputs_.end() && found->is_object()) {
    external.present = get<bool>(*found, "present").value_or(false);
    external.current = get<double>(*found, "current");
    external.soc = get<double>(*found, "soc");
  }
  return external;
}

Sample SeriesRunner::sample() const {
  Sample s;
  s.cell_count = get<int>(inputs_, "cell_count");
  s.capacity_full = get<double>(inputs_, "capacity");
  s.capacity_remaining = get<double>(inputs_, "capacity_remaining");
  s.current = get<double>(inputs_, "current");
  s.soc = get<double>(inputs_, "soc");
  double sum = 0.0;
  for (const auto& cell : inputs_.value("cell_voltages", Json::array())) {
    s.cell_voltages.push_back(cell.is_number() ? std::optional(cell.get<double>()) : std::nullopt);
    sum += cell.is_number() ? cell.get<double>() : 0.0;
  }
  s.voltage = get<double>(inputs_, "voltage");
  if (!s.voltage && !s.cell_voltages.empty()) {
    s.voltage = battery::round3(sum);
  }
  const Json temperatures = inputs_.value("temperatures", Json::object());
  for (std::size_t i = 0; i < battery::kSensorsThatCount; ++i) {
    s.temperatures.battery[i] = get<double>(temperatures, std::to_string(i + 1).c_str());
  }
  s.temperatures.mos = get<double>(temperatures, "mos");
  s.charge_enabled = get<bool>(inputs_, "charge_fet");
  s.discharge_enabled = get<bool>(inputs_, "discharge_fet");
  s.heating = get<bool>(inputs_, "heating");
  for (const auto& cell : inputs_.value("balancing", Json::array())) {
    s.balancing_cells.push_back(cell.is_boolean() ? cell.get<bool>() : cell.is_number() && cell != 0);
  }
  s.max_charge_current = get<double>(inputs_, "bms_max_charge_current");
  s.max_discharge_current = get<double>(inputs_, "bms_max_discharge_current");
  s.max_charge_voltage = get<double>(inputs_, "bms_max_voltage");
  s.battery_low_voltage = get<double>(inputs_, "bms_min_voltage");
  const Json alarms = inputs_.value("alarms", Json::object());
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    s.alarms.set(static_cast<Alarm>(i),
                 static_cast<AlarmLevel>(get<int>(alarms, snake_case(kAlarmNames[i]).c_str()).value_or(0)));
  }
  const Json history = inputs_.value("bms_history", Json::object());
  s.cycles = get<int>(history, "charge_cycles");
  s.total_ah_drawn = get<double>(history, "total_ah_drawn");
  s.charged_energy = get<double>(history, "charged_energy");
  s.discharged_energy = get<double>(history, "discharged_energy");
  return s;
}

Json SeriesRunner::field(const std::string& name) const {
  const Status& status = controller_->status();
  if (name == "bms_soc_resets") {
    return bms_soc_resets_;
  }
  if (const auto special = special_fields().find(name); special != special_fields().end()) {
    return special->second(status);
  }
  Json result = nullptr;
  Status::fields(status, FieldReader{name, result});
  return result;
}

Json SeriesRunner::output() const {
  Json out = Json::object();
  for (const auto& name : fields_) {
    out[name] = field(name);
  }
  if (!history_fields_.empty()) {
    Json& history = out["history"] = Json::object();
    for (const auto& name : history_fields_) {
      Json value = nullptr;
      History::fields(controller_->status().history, FieldReader{name, value});
      history[name] = value;
    }
  }
  return out;
}

// -- all series -------------------------------------------------------------------

int run_limits(std::istream& in, std::ostream& out, const LimitsOptions& options) {
  std::ostream& log = options.log ? *options.log : std::cerr;
  std::string line;
  int number = 0, failures = 0;
  bool first = true;
  while (std::getline(in, line)) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    try {
      Json series = Json::parse(line);
      std::vector<std::string> problems;
      SeriesRunner runner(series, problems, options.config);
      for (const auto& problem : problems) {
        log << "line " << number << ": " << problem << '\n';
      }
      Plot plot(series.value("name", std::string("series")));
      for (auto& step : series.at("steps")) {
        step["out"] = runner.step(step);
        if (first && !options.plot.empty()) {
          plot.add(step.at("t").get<double>(), runner.controller().status());
        }
      }
      if (options.csv) {
        write_csv(out, series, first);
      } else {
        out << series.dump() << '\n';
      }
      if (first && !options.plot.empty()) {
        std::ofstream file(options.plot);
        file << plot.svg();
        if (!file) {
          log << options.plot << ": cannot be written\n";
          ++failures;
        }
      }
      first = false;
    } catch (const std::exception& error) {
      log << "line " << number << ": " << error.what() << '\n';
      ++failures;
    }
  }
  return failures == 0 ? 0 : 1;
}

} // namespace bmsd::app
