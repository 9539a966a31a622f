#include "transports/dbus/item_tree.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bmsd::dbus {

namespace {

bool set_text(std::string& place, std::string_view text) {
  if (place == text) {
    return false;
  }
  if (is_clean(text)) {
    place.assign(text);
    return true;
  }
  auto cleaned = clean(text);
  return std::exchange(place, cleaned) != cleaned;
}

template <class Number>
bool set_number(Value& place, Number number) {
  auto* old = std::get_if<Number>(&place);
  if (old && *old == number) {
    return false;
  }
  place = number;
  return true;
}

bool set_value(Value& place, const ValueView& value) {
  if (auto* number = std::get_if<double>(&value); number && std::isfinite(*number)) {
    return set_number(place, *number);
  }
  if (auto* number = std::get_if<std::int32_t>(&value)) {
    return set_number(place, *number);
  }
  if (auto* text = std::get_if<std::string_view>(&value)) {
    if (auto* old = std::get_if<std::string>(&place)) {
      return set_text(*old, *text);
    }
    place = clean(*text);
    return true;
  }
  return std::exchange(place, Value()).index() != 0;
}

} // namespace

Item* ItemTree::find(std::string_view path) {
  const auto hash = path_hash(path);
  for (std::size_t number = 0; number < hashes_.size(); ++number) {
    if (hashes_[number] == hash && items_[number].path == path) {
      return &items_[number];
    }
  }
  return nullptr;
}

Item* ItemTree::find(std::string_view path, const std::optional<Place>& place) {
  const bool there = place && place->number < hashes_.size() && hashes_[place->number] == place->hash;
  return there ? &items_[place->number] : find(path);
}

bool ItemTree::is_node(std::string_view path) const {
  return path == "/" || std::any_of(items_.begin(), items_.end(),
                                    [&](const Item& item) { return !relative(path, item.path).empty(); });
}

std::vector<std::string_view> ItemTree::children(std::string_view path) const {
  std::vector<std::string_view> names;
  below(path, [&](const Item&, std::string_view key) {
    auto name = key.substr(0, key.find('/'));
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  });
  return names;
}

Item* ItemTree::add(Item item) {
  if (!is_object_path(item.path) || item.path == "/") {
    return nullptr;
  }
  Item* place = find(item.path);
  if (!place) {
    place = &items_.emplace_back();
    place->path = item.path;
    hashes_.push_back(path_hash(place->path));
  }
  place->type = item.type;
  place->writable = std::move(item.writable);
  assign(*place, view(item.value), item.text);
  return place;
}

bool ItemTree::assign(Item& item, const ValueView& value, std::string_view text) {
  bool changed = set_value(item.value, value);
  bool invalid = std::holds_alternative<std::monostate>(item.value);
  return set_text(item.text, invalid ? kInvalidText : text) || changed;
}

std::string_view ItemTree::relative(std::string_view node, std::string_view path) {
  if (node == "/") {
    return path.substr(1);
  }
  bool inside = path.size() > node.size() && path[node.size()] == '/' && path.starts_with(node);
  return inside ? path.substr(node.size() + 1) : std::string_view();
}

} // namespace bmsd::dbus
