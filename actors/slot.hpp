// Where an actor is reached although it may be restarted: a named place that holds the present
// handle. The supervisor puts a new handle in after each restart; senders keep the slot.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace bmsd::actors {

/// Thread-safe.
template <class Handle>
class Slot {
public:
  explicit Slot(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  Handle get() const {
    std::lock_guard lock(mutex_);
    return handle_;
  }
  void set(Handle handle) {
    std::lock_guard lock(mutex_);
    handle_ = std::move(handle);
  }

private:
  const std::string name_;
  mutable std::mutex mutex_;
  Handle handle_;
};

template <class Handle>
using Ref = std::shared_ptr<Slot<Handle>>;

} // namespace bmsd::actors
