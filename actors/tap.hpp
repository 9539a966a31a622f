// Where copies of messages leave for the debug actor.
#pragma once

#include "messages/command.hpp"
#include "messages/frame.hpp"
#include "messages/identity.hpp"
#include "messages/lifecycle.hpp"
#include "messages/sample.hpp"
#include "messages/status.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace bmsd::actors {

struct Polled;
struct Published;
struct Traced;

/// The messages that people can watch.
template <class T>
concept Traceable = std::is_same_v<T, Polled> || std::is_same_v<T, Published> || std::is_same_v<T, Command> ||
    std::is_same_v<T, CommandOutcome> || std::is_same_v<T, Identity> || std::is_same_v<T, LinkState> ||
    std::is_same_v<T, Lifecycle> || std::is_same_v<T, Error>;

/// Thread-safe. With no watcher, watched() is the whole cost: one atomic load.
class Tap {
public:
  using Sink = std::function<void(std::shared_ptr<const Traced>)>;

  /// Before the first actor starts.
  void set_sink(Sink sink) { sink_ = std::move(sink); }
  bool watched() const { return watchers_.load(std::memory_order_relaxed) > 0; }
  void add_watcher() { ++watchers_; }
  void remove_watcher() { --watchers_; }

  template <Traceable T>
  void copy(const std::string& from, const std::string& to, const std::string& subject, const T& message);
  void copy(const Frame& frame);

private:
  void emit(std::string_view kind, const std::string& from, const std::string& to, const std::string& subject,
            void (*body)(const void*, Traced&), const void* message);

  std::atomic<int> watchers_{0};
  Sink sink_;
};

} // namespace bmsd::actors
