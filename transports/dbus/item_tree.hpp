// The paths of one service with their values. Pure data; one thread at a time.
#pragma once

#include "transports/dbus/value.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace bmsd::dbus {

class ItemTree {
public:
  /// nullptr: there is no such leaf. Pointers stay valid as long as the tree.
  Item* find(std::string_view path);
  /// Looks at that place first.
  Item* find(std::string_view path, const std::optional<Place>& place);
  /// True for "/" and for every proper prefix of a path.
  bool is_node(std::string_view path) const;
  /// Names of the direct children, each once.
  std::vector<std::string_view> children(std::string_view path) const;
  /// A new leaf, or a new definition of a known one. nullptr: not an object path.
  Item* add(Item item);
  /// Puts value and text in place, cleaned. False: both are as before. Reuses the memory of the old ones.
  static bool assign(Item& item, const ValueView& value, std::string_view text);
  /// In the order of creation.
  const std::deque<Item>& items() const { return items_; }
  /// Calls visit(item, key) for each leaf below a node; the key is relative, without leading slash.
  template <class Visitor>
  void below(std::string_view node, Visitor&& visit) const {
    for (const auto& item : items_) {
      if (auto key = relative(node, item.path); !key.empty()) {
        visit(item, key);
      }
    }
  }

private:
  /// Empty: `path` is not below `node`.
  static std::string_view relative(std::string_view node, std::string_view path);

  std::deque<Item> items_;
  std::vector<std::size_t> hashes_; ///< of their paths
};

} // namespace bmsd::dbus
