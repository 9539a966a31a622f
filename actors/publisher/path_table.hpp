// From a battery's status to its D-Bus paths: rounded, compared, only what changed. And back: from a written path to
// a command.
//
// Pure, no D-Bus connection; one thread at a time. Best used on the thread of the dbus::Service it feeds (the I/O
// thread): changes() gives views into this object, which the service takes without a copy.
//
//   dbus::Service service(...);  service.add(table.items(status));  service.start();
//   each poll:  service.update(table.changes(status));
#pragma once

#include "actors/publisher/path_rows.hpp"
#include "messages/command.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bmsd::actors {

class PathTable {
public:
  PathTable(PublisherOptions options, Identity identity);

  /// The complete set, for the start of a service.
  std::vector<dbus::Item> items(const Status& status);
  /// What differs from the previous call of items() or changes(). Cells that become known later come as new paths.
  /// Valid until the next call of a member. No allocation while texts do not grow.
  std::span<const dbus::Change> changes(const Status& status);

  /// Both show with the next changes(). Another set of capabilities needs another table.
  void set_custom_name(std::string name);
  void set_identity(Identity identity);

  /// The command behind a write; nullopt: no such path here, or a value that is not allowed. /CustomName is none.
  std::optional<Command> command_for(std::string_view path, const dbus::Value& value) const;
  /// A command that came another way has succeeded: its switch shows with the next changes().
  void carried_out(CommandKind kind, double value);
  /// The service has stored an accepted write. A switch keeps it, others go back to their own value with the next
  /// changes() ("apply" and "clear" fall back to 0).
  void written(std::string_view path, const dbus::Value& value);

private:
  /// A path and what it said the last time. Small, since all of them are looked at in every poll, while few have
  /// changed: what else belongs to the path is in its Label.
  struct InLabel {
    bool operator==(const InLabel&) const = default;
  };
  struct Entry {
    const PathRow* row;
    std::uint32_t index;
    bool constant;
    bool told = false;                                                  ///< to the service
    std::variant<std::monostate, std::int32_t, double, InLabel> last{}; ///< rounded
  };
  struct Label {
    std::string path;
    std::size_t hash;
    std::string text{}; ///< the last one, of a path whose value is a text
  };

  PathSource source(const Status& status) const;
  void expand(const Status& status);
  void add(const PathRow& row, std::size_t index, std::string_view name);
  static dbus::ValueView value(const Entry& entry, const PathSource& from);
  /// True: not what was told.
  bool learn(std::size_t number, const dbus::ValueView& value);
  dbus::ValueView last(std::size_t number) const;
  /// Of the last value. A number's stays until texts_ is cleared.
  std::string_view text(std::size_t number);
  std::string json() const;
  /// Its number among the entries.
  std::optional<std::size_t> find(std::string_view path) const;

  PublisherOptions options_;
  Identity identity_;
  std::array<std::int32_t, 4> switches_{};
  int cell_count_ = 0;
  bool any_setting_ = false;
  bool constants_changed_ = false;
  std::vector<Entry> entries_; ///< /JsonData first
  std::vector<Label> labels_;  ///< of the entries, in the same order
  std::vector<dbus::Change> changes_;
  std::string texts_; ///< those of the changes, one behind the other; never grows beyond its reserve
};

} // namespace bmsd::actors
