#include "actors/publisher/path_table.hpp"

#include "actors/publisher/path_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace bmsd::actors {

namespace {

/// Its value is made of all others.
constexpr PathRow kJsonRow{
    "/JsonData", {dbus::Type::text}, [](const PathSource&, std::size_t) { return dbus::ValueView(); }};

struct WritePath {
  std::string_view path;
  CommandKind kind;
  int min, max;
};

constexpr std::array<WritePath, 7> kWritePaths = {{
    {"/Settings/ForceChargingOff", CommandKind::force_charging_off, 0, 1},
    {"/Settings/ForceDischargingOff", CommandKind::force_discharging_off, 0, 1},
    {"/Settings/TurnBalancingOff", CommandKind::turn_balancing_off, 0, 1},
    {"/Settings/TurnHeatingOff", CommandKind::turn_heating_off, 0, 1},
    {"/Settings/ResetSocTo", CommandKind::reset_soc_to, 0, 100},
    {"/Settings/ResetSocToApply", CommandKind::reset_soc_apply, 1, 1},
    {"/History/Clear", CommandKind::history_clear, 1, 7},
}};

const WritePath* write_path(std::string_view path) {
  auto found = std::find_if(kWritePaths.begin(), kWritePaths.end(), [&](const WritePath& w) { return w.path == path; });
  return found == kWritePaths.end() ? nullptr : &*found;
}

std::optional<Switch> switch_of(CommandKind kind) {
  switch (kind) {
  case CommandKind::force_charging_off: return Switch::charging;
  case CommandKind::force_discharging_off: return Switch::discharging;
  case CommandKind::turn_balancing_off: return Switch::balancing;
  case CommandKind::turn_heating_off: return Switch::heating;
  default: return std::nullopt;
  }
}

dbus::Type type_of(const PathRow& row, std::size_t index, const PublisherOptions& options) {
  if (row.repeat == PathRepeat::time_to_soc) {
    return options.time_to_soc_type == 1 ? dbus::Type::integer : dbus::Type::text;
  }
  if (row.repeat == PathRepeat::config) {
    const auto& value = options.config[index].second;
    return std::holds_alternative<std::int32_t>(value) ? dbus::Type::integer
           : std::holds_alternative<double>(value)     ? dbus::Type::real
                                                       : dbus::Type::text;
  }
  return row.format.type;
}

/// Keeps the memory of the old text.
void store(dbus::Value& place, const dbus::ValueView& value) {
  auto* text = std::get_if<std::string_view>(&value);
  auto* old = std::get_if<std::string>(&place);
  if (text && old) {
    old->assign(*text);
  } else {
    place = dbus::own(value);
  }
}

} // namespace

PathTable::PathTable(PublisherOptions options, Identity identity)
    : options_(std::move(options)), identity_(std::move(identity)) {
  if (options_.product_name.empty()) {
    options_.product_name = "SerialBattery(" + identity_.label + ")";
  }
  std::erase_if(options_.time_to_soc_points, [](int percent) { return percent < 0 || percent > 100; });
  std::erase_if(options_.config, [](const auto& entry) { return !dbus::is_object_path("/" + entry.first); });
}

PathSource PathTable::source(const Status& status) const {
  return {status, identity_, options_, switches_, cell_count_, any_setting_};
}

/// Makes the entries; later on, those of cells that have become known.
void PathTable::expand(const Status& status) {
  bool first = entries_.empty();
  int cells = std::max({cell_count_, identity_.cell_count.value_or(0), status.sample.cell_count.value_or(0),
                        static_cast<int>(status.sample.cell_voltages.size())});
  cells = std::min(cells, static_cast<int>(kMaxCells));
  if (!first && cells == cell_count_) {
    return;
  }
  if (first) {
    add(kJsonRow, 0, {});
  }
  auto known_cells = static_cast<std::size_t>(cell_count_);
  cell_count_ = cells;
  for (const auto& row : path_rows()) {
    if (!path_exists(row.when, options_, identity_.capabilities) || (!first && row.repeat != PathRepeat::cells)) {
      continue;
    }
    switch (row.repeat) {
    case PathRepeat::once: add(row, 0, {}); break;
    case PathRepeat::cells:
      for (auto n = known_cells; n < static_cast<std::size_t>(cells); ++n) {
        add(row, n, std::to_string(n + 1));
      }
      break;
    case PathRepeat::temperatures:
      for (std::size_t n = 0; n < options_.temperature_names.size(); ++n) {
        add(row, n, std::to_string(n + 1));
      }
      break;
    case PathRepeat::alarms:
      for (std::size_t n = 0; n < kAlarmCount; ++n) {
        add(row, n, kAlarmNames[n]);
      }
      break;
    case PathRepeat::time_to_soc:
      for (std::size_t n = 0; n < options_.time_to_soc_points.size(); ++n) {
        add(row, n, std::to_string(options_.time_to_soc_points[n]));
      }
      break;
    case PathRepeat::config:
      for (std::size_t n = 0; n < options_.config.size(); ++n) {
        add(row, n, options_.config[n].first);
      }
      break;
    }
  }
  if (first) {
    any_setting_ = std::any_of(kWritePaths.begin(), kWritePaths.end(), [&](const WritePath& write) {
      return write.path.starts_with("/Settings/") && find(write.path) != nullptr;
    });
  }
}

void PathTable::add(const PathRow& row, std::size_t index, std::string_view name) {
  std::string path(row.path);
  if (auto mark = path.find('#'); mark != std::string::npos) {
    path.replace(mark, 1, name);
  }
  if (find(path)) {
    return;
  }
  auto& entry = entries_.emplace_back();
  entry.row = &row;
  entry.index = index;
  entry.path = std::move(path);
  watches_.push_back({row.get, index, {}});
}

std::span<const dbus::Change> PathTable::changes(const Status& status) {
  expand(status);
  const auto from = source(status);
  changes_.clear();
  const auto tell = [&](std::size_t place, const dbus::ValueView& fresh) {
    if (auto& entry = entries_[place]; refresh(entry, fresh)) {
      changes_.push_back({entry.path, dbus::view(entry.value), entry.text, place});
    }
  };
  for (std::size_t place = 1; place < watches_.size(); ++place) {
    auto& watch = watches_[place];
    if (const auto fresh = watch.get(from, watch.index); is_news(watch, fresh)) {
      tell(place, fresh);
    }
  }
  // Last, and only when something else is new.
  if (options_.json && !changes_.empty()) {
    tell(0, json());
  } else if (!entries_.front().known) {
    tell(0, {});
  }
  return changes_;
}

bool PathTable::is_news(Watch& watch, const dbus::ValueView& fresh) {
  decltype(watch.last) number;
  if (const auto* real = std::get_if<double>(&fresh)) {
    number = *real;
  } else if (const auto* integer = std::get_if<std::int32_t>(&fresh)) {
    number = *integer;
  } else if (std::holds_alternative<std::string_view>(fresh)) {
    watch.known = false;
    return true;
  }
  if (watch.known && watch.last == number) {
    return false;
  }
  watch.last = number;
  watch.known = true;
  return true;
}

std::vector<dbus::Item> PathTable::items(const Status& status) {
  changes(status);
  auto limit = [](const WritePath* write, int WritePath::*member) {
    return write ? std::optional<dbus::Value>(write->*member) : std::nullopt;
  };
  std::vector<dbus::Item> result;
  result.reserve(entries_.size());
  for (const auto& entry : entries_) {
    bool writable = entry.row->writable;
    // "Apply" and "clear" rest at 0.
    const WritePath* write = writable ? write_path(entry.path) : nullptr;
    auto type = type_of(*entry.row, entry.index, options_);
    auto min = write && write->min == 1 ? std::optional<dbus::Value>(0) : limit(write, &WritePath::min);
    result.push_back({entry.path, type, entry.value, entry.text, writable, min, limit(write, &WritePath::max), {}});
  }
  return result;
}

bool PathTable::refresh(Entry& entry, const dbus::ValueView& fresh) {
  const auto& format = entry.row->format;
  bool rounds = format.type == dbus::Type::real;
  auto value = rounds ? round_value(fresh, format.decimals) : fresh;
  if (entry.known && dbus::equal(entry.value, value)) {
    return false;
  }
  entry.known = true;
  store(entry.value, value);
  if (entry.row->repeat == PathRepeat::config) {
    entry.text = dbus::plain_text(entry.value);
  } else {
    TextBuffer buffer;
    entry.text.assign(format_value(value, format, buffer));
  }
  return true;
}

/// Everything but settings as nested objects, one level per path element.
std::string PathTable::json() const {
  nlohmann::json document;
  for (const auto& entry : entries_) {
    std::string_view path = entry.path;
    if (entry.row == &kJsonRow || path.starts_with("/Settings/")) {
      continue;
    }
    auto* node = &document;
    while (!path.empty()) {
      path.remove_prefix(1);
      auto end = std::min(path.find('/'), path.size());
      node = &(*node)[std::string(path.substr(0, end))];
      path.remove_prefix(end);
    }
    if (auto* text = std::get_if<std::string>(&entry.value); text && !text->empty()) {
      *node = *text;
    } else if (auto* integer = std::get_if<std::int32_t>(&entry.value)) {
      *node = *integer;
    } else if (auto* number = std::get_if<double>(&entry.value)) {
      *node = *number;
    }
  }
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void PathTable::set_custom_name(std::string name) {
  options_.custom_name = std::move(name);
}

void PathTable::set_identity(Identity identity) {
  identity_ = std::move(identity);
}

std::optional<Command> PathTable::command_for(std::string_view path, const dbus::Value& value) const {
  const WritePath* write = write_path(path);
  auto whole = dbus::convert(value, dbus::Type::integer);
  if (!write || !find(path) || !whole) {
    return std::nullopt;
  }
  int number = std::get<std::int32_t>(*whole);
  bool only_full = write->kind == CommandKind::reset_soc_to && !options_.calculated_soc &&
                   identity_.capabilities.soc_reset_only_full;
  if (number < write->min || number > write->max || (only_full && number != 100)) {
    return std::nullopt;
  }
  return Command{write->kind, static_cast<double>(number)};
}

void PathTable::carried_out(CommandKind kind, double value) {
  if (const auto which = switch_of(kind)) {
    switches_[static_cast<std::size_t>(*which)] = value != 0 ? 1 : 0;
  }
}

void PathTable::written(std::string_view path, const dbus::Value& value) {
  Entry* entry = find(path);
  if (!entry) {
    return;
  }
  entry->value = value;
  entry->text = dbus::plain_text(value);
  watches_[static_cast<std::size_t>(entry - entries_.data())].known = false; // its own value comes again
  const WritePath* write = write_path(path);
  auto which = write ? switch_of(write->kind) : std::nullopt;
  if (auto* number = std::get_if<std::int32_t>(&value); number && which) {
    switches_[static_cast<std::size_t>(*which)] = *number;
  }
  if (auto* name = std::get_if<std::string>(&value); name && path == "/CustomName") {
    options_.custom_name = *name;
  }
}

PathTable::Entry* PathTable::find(std::string_view path) {
  auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.path == path; });
  return found == entries_.end() ? nullptr : &*found;
}

const PathTable::Entry* PathTable::find(std::string_view path) const {
  auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.path == path; });
  return found == entries_.end() ? nullptr : &*found;
}

} // namespace bmsd::actors
