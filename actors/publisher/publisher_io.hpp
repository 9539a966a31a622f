// The adapter between a publisher actor and the bus. Lives on the I/O thread.
#pragma once

#include "actors/core.hpp"
#include "actors/log_limit.hpp"
#include "actors/publisher/path_table.hpp"
#include "actors/publisher/publisher_actor.hpp"
#include "transports/dbus/service.hpp"

#include <asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace bmsd::actors {

/// Every member runs on the I/O thread.
class PublisherIo : public std::enable_shared_from_this<PublisherIo> {
public:
  PublisherIo(CorePtr core, PublisherPlanPtr plan)
      : core_(std::move(core)), plan_(std::move(plan)), later_(core_->io) {}

  /// Leaves the bus where it was on it, and comes (back) with these options.
  void start(PublisherOptions options, const Identity& identity, const std::shared_ptr<const Status>& status);
  /// Tells the bus: at once what makes a limit stricter or changes an alarm, all else at most once a second.
  void update(const Published& published);
  void set_custom_name(const std::string& name);
  void set_identity(const Identity& identity);
  void carried_out(const CommandOutcome& command);
  void stop();

private:
  void tell(std::chrono::nanoseconds received);
  void on_write(const std::string& path, const dbus::Value& value, dbus::Service::WriteReply reply);
  void on_refusal(const std::string& path, int code);

  CorePtr core_;
  PublisherPlanPtr plan_;
  std::optional<PathTable> table_;
  std::unique_ptr<dbus::Service> service_;
  std::shared_ptr<const Status> status_; ///< the last one
  std::shared_ptr<const Status> told_;   ///< the last one that is on the bus
  std::chrono::nanoseconds told_at_{0};  ///< steady time
  asio::steady_timer later_;
  bool waiting_ = false; ///< for that timer
  LogLimit refusals_{std::chrono::minutes(1)};
};

} // namespace bmsd::actors
