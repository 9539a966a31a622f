#include "actors/publisher/path_table.hpp"

#include "actors/publisher/path_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace bmsd::actors {

namespace {

/// Its value is made of all others.
constexpr PathRow kJsonRow{
    "/JsonData", {dbus::Type::text}, [](const PathConstants&, std::size_t) { return dbus::ValueView(); }};

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

std::shared_ptr<const dbus::WriteLimits> write_limits(std::string_view path) {
  dbus::WriteLimits limits;
  if (const WritePath* write = write_path(path)) {
    limits.min = write->min == 1 ? 0 : write->min; // "apply" and "clear" rest at 0
    limits.max = write->max;
  }
  return std::make_shared<const dbus::WriteLimits>(std::move(limits));
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
  return {{identity_, options_}, status, switches_, cell_count_, any_setting_};
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
  texts_.reserve(entries_.size() * sizeof(TextBuffer));
  if (first) {
    any_setting_ = std::any_of(kWritePaths.begin(), kWritePaths.end(), [&](const WritePath& write) {
      return write.path.starts_with("/Settings/") && find(write.path).has_value();
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
  entries_.push_back({&row, static_cast<std::uint32_t>(index), row.get.is_constant()});
  labels_.push_back({std::move(path), 0});
  labels_.back().hash = dbus::path_hash(labels_.back().path);
}

std::span<const dbus::Change> PathTable::changes(const Status& status) {
  expand(status);
  const auto from = source(status);
  changes_.clear();
  texts_.clear();
  const auto tell = [&](std::size_t number, const dbus::ValueView& value) {
    if (learn(number, value)) {
      const auto& label = labels_[number];
      changes_.push_back({label.path, last(number), text(number), dbus::Place{number, label.hash}});
    }
  };
  for (std::size_t number = 1; number < entries_.size(); ++number) {
    const auto& entry = entries_[number];
    if (!entry.constant || !entry.told || constants_changed_) {
      tell(number, value(entry, from));
    }
  }
  constants_changed_ = false;
  // Last, and only when something else is new.
  if (options_.json && !changes_.empty()) {
    tell(0, json());
  } else if (!entries_.front().told) {
    tell(0, {});
  }
  return changes_;
}

std::vector<dbus::Item> PathTable::items(const Status& status) {
  changes(status);
  texts_.clear();
  std::vector<dbus::Item> result;
  result.reserve(entries_.size());
  for (std::size_t number = 0; number < entries_.size(); ++number) {
    const auto& entry = entries_[number];
    const auto& label = labels_[number];
    auto& item = result.emplace_back(dbus::Item{label.path, type_of(*entry.row, entry.index, options_)});
    item.value = dbus::own(last(number));
    item.text = text(number);
    if (entry.row->writable) {
      item.writable = write_limits(label.path);
    }
  }
  return result;
}

/// Rounded, where it is a measurement.
dbus::ValueView PathTable::value(const Entry& entry, const PathSource& from) {
  const auto fresh = entry.row->get(from, entry.index);
  const auto& format = entry.row->format;
  return format.type == dbus::Type::real ? round_value(fresh, format.decimals) : fresh;
}

bool PathTable::learn(std::size_t number, const dbus::ValueView& value) {
  auto& entry = entries_[number];
  decltype(entry.last) last;
  if (const auto* real = std::get_if<double>(&value)) {
    last = *real;
  } else if (const auto* integer = std::get_if<std::int32_t>(&value)) {
    last = *integer;
  } else if (const auto* text = std::get_if<std::string_view>(&value)) {
    last = InLabel{};
    if (entry.last != last || labels_[number].text != *text) {
      labels_[number].text.assign(*text);
      entry.told = false;
    }
  }
  const bool told = std::exchange(entry.told, true);
  return std::exchange(entry.last, last) != last || !told;
}

dbus::ValueView PathTable::last(std::size_t number) const {
  const auto& last = entries_[number].last;
  if (std::holds_alternative<InLabel>(last)) {
    return labels_[number].text;
  }
  const auto* integer = std::get_if<std::int32_t>(&last);
  const auto* real = std::get_if<double>(&last);
  return integer ? dbus::ValueView(*integer) : real ? dbus::ValueView(*real) : dbus::ValueView();
}

std::string_view PathTable::text(std::size_t number) {
  const auto& row = *entries_[number].row;
  const auto value = last(number);
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    return *text;
  }
  const auto begin = texts_.size();
  if (row.repeat == PathRepeat::config) {
    texts_ += dbus::plain_text(dbus::own(value));
  } else {
    TextBuffer buffer;
    texts_ += format_value(value, row.format, buffer);
  }
  return std::string_view(texts_).substr(begin);
}

/// Everything but settings as nested objects, one level per path element.
std::string PathTable::json() const {
  nlohmann::json document;
  for (std::size_t number = 1; number < entries_.size(); ++number) {
    std::string_view path = labels_[number].path;
    if (path.starts_with("/Settings/")) {
      continue;
    }
    auto* node = &document;
    while (!path.empty()) {
      path.remove_prefix(1);
      auto end = std::min(path.find('/'), path.size());
      node = &(*node)[std::string(path.substr(0, end))];
      path.remove_prefix(end);
    }
    const auto value = last(number);
    if (auto* text = std::get_if<std::string_view>(&value); text && !text->empty()) {
      *node = *text;
    } else if (auto* integer = std::get_if<std::int32_t>(&value)) {
      *node = *integer;
    } else if (auto* real = std::get_if<double>(&value)) {
      *node = *real;
    }
  }
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void PathTable::set_custom_name(std::string name) {
  options_.custom_name = std::move(name);
  constants_changed_ = true;
}

void PathTable::set_identity(Identity identity) {
  identity_ = std::move(identity);
  constants_changed_ = true;
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
  const auto number = find(path);
  if (!number) {
    return;
  }
  learn(*number, dbus::view(value));
  constants_changed_ = true; // its own value comes again, also where that is one
  const WritePath* write = write_path(path);
  auto which = write ? switch_of(write->kind) : std::nullopt;
  if (auto* whole = std::get_if<std::int32_t>(&value); whole && which) {
    switches_[static_cast<std::size_t>(*which)] = *whole;
  }
  if (auto* name = std::get_if<std::string>(&value); name && path == "/CustomName") {
    options_.custom_name = *name;
  }
}

std::optional<std::size_t> PathTable::find(std::string_view path) const {
  auto found = std::find_if(labels_.begin(), labels_.end(), [&](const Label& label) { return label.path == path; });
  return found == labels_.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - labels_.begin()));
}

} // namespace bmsd::actors
