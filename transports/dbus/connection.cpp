#include "transports/dbus/connection.hpp"

#include "transports/dbus/wire.hpp"

#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

namespace bmsd::dbus {

namespace {

constexpr int kMessagesPerTurn = 64;              // then other work of the I/O thread gets its turn
constexpr std::uint64_t kQueueStopsReading = 128; // messages; replies wait for their reader
constexpr std::uint64_t kQueueGivesUp = 1'024;    // messages; the bus does not read

std::vector<std::string> split_addresses(const std::string& list) {
  std::vector<std::string> result;
  for (std::size_t begin = 0; begin <= list.size();) {
    auto end = std::min(list.find(';', begin), list.size());
    if (end > begin) {
      result.push_back(list.substr(begin, end - begin));
    }
    begin = end + 1;
  }
  return result.empty() ? std::vector<std::string>{list} : result;
}

} // namespace

class Connection::Impl : public std::enable_shared_from_this<Connection::Impl> {
public:
  Impl(asio::io_context& io, const std::string& address, Timing timing)
      : addresses_(split_addresses(address)), timing_(timing), descriptor_(io), timer_(io), retry_timer_(io),
        delay_(timing.first_retry) {}

  void start() {
    if (!started_) {
      started_ = true;
      delay_ = timing_.first_retry;
      open();
    }
  }

  void stop() {
    started_ = false;
    retry_timer_.cancel();
    close("stopped");
  }

  bool up() const { return up_; }
  sd_bus* bus() const { return up_ ? bus_.get() : nullptr; }

  Observation observe(StateHandler handler) {
    auto observation = std::make_shared<StateHandler>(std::move(handler));
    observers_.push_back(observation);
    return observation;
  }

  /// A message of a few kB goes into the socket as a whole or not at all; half of one could not be taken back.
  bool write(std::span<const std::uint8_t> message) {
    const auto keep = shared_from_this(); // who hears of a loss may destroy us
    std::uint64_t queued = 0;
    if (!up_ || sd_bus_get_n_queued_write(bus_.get(), &queued) < 0) {
      return false;
    }
    errno = EAGAIN;
    const auto sent = queued > 0 ? -1 : send_now(message);
    const int failure = sent < 0 ? errno : 0;
    if (sent == static_cast<ssize_t>(message.size())) {
      refused_since_.reset();
      return true;
    }
    const auto now = std::chrono::steady_clock::now();
    refused_since_ = refused_since_.value_or(now);
    if (failure != 0 && failure != EAGAIN && failure != EINTR) {
      lose(error_text(-failure));
    } else if (sent >= 0 || now - *refused_since_ > timing_.unread) {
      lose("the bus does not read");
    }
    return false;
  }

  void touch() {
    const auto keep = shared_from_this();
    std::uint64_t queued = 0;
    if (bus_ && sd_bus_get_n_queued_write(bus_.get(), &queued) >= 0 && queued > kQueueGivesUp) {
      lose("the bus does not read");
    } else if (bus_) {
      arm();
    }
  }

private:
  ssize_t send_now(std::span<const std::uint8_t> message) {
    return ::send(descriptor_.native_handle(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  void open() {
    sd_bus* fresh = nullptr;
    int result = sd_bus_new(&fresh);
    bus_.reset(fresh);
    const auto& address = addresses_[next_address_++ % addresses_.size()];
    if (result < 0 || (result = sd_bus_set_address(bus_.get(), address.c_str())) < 0 ||
        (result = sd_bus_set_bus_client(bus_.get(), 1)) < 0 || (result = sd_bus_start(bus_.get())) < 0) {
      lose(address + ": " + error_text(result));
      return;
    }
    // A copy of its own: sd-bus closes the descriptor whenever it likes.
    int fd = fcntl(sd_bus_get_fd(bus_.get()), F_DUPFD_CLOEXEC, 3);
    std::error_code failure;
    if (fd < 0 || descriptor_.assign(fd, failure)) {
      if (fd >= 0) {
        ::close(fd);
      }
      lose("no descriptor for the connection");
      return;
    }
    opened_ = std::chrono::steady_clock::now();
    pump_soon();
  }

  /// Ends this connection and tries again later.
  void lose(const std::string& reason) {
    close(reason);
    if (!started_) {
      return;
    }
    bool try_next_address = next_address_ % addresses_.size() != 0;
    retry_timer_.expires_after(try_next_address ? std::chrono::milliseconds(0) : delay_);
    if (!try_next_address) {
      delay_ = std::min(delay_ * 2, timing_.last_retry);
    }
    retry_timer_.async_wait([weak = weak_from_this()](std::error_code failure) {
      if (auto self = weak.lock(); self && !failure && self->started_ && !self->bus_) {
        self->open();
      }
    });
  }

  void close(const std::string& reason) {
    ++epoch_;
    refused_since_.reset();
    reading_ = writing_ = pumping_ = false;
    timer_.cancel();
    timer_at_ = std::chrono::steady_clock::time_point::max();
    std::error_code ignored;
    descriptor_.close(ignored);
    auto dying = std::move(bus_);
    if (std::exchange(up_, false)) {
      notify(false, reason);
    }
  }

  void notify(bool up, const std::string& reason) {
    std::erase_if(observers_, [](const auto& observer) { return observer.expired(); });
    auto observers = observers_;
    for (auto& weak : observers) {
      if (auto observer = weak.lock()) {
        (*observer)(up, reason);
      }
    }
  }

  bool congested() const {
    std::uint64_t queued = 0;
    return sd_bus_get_n_queued_write(bus_.get(), &queued) >= 0 && queued > kQueueStopsReading;
  }

  void pump() {
    auto epoch = epoch_;
    for (int n = 0; n < kMessagesPerTurn; ++n) {
      int result = sd_bus_process(bus_.get(), nullptr);
      if (epoch != epoch_) {
        return; // a handler stopped the connection
      }
      if (result < 0) {
        lose(error_text(result));
        return;
      }
      if (!up_ && sd_bus_is_ready(bus_.get()) > 0) {
        up_ = true;
        delay_ = timing_.first_retry;
        next_address_ = 0;
        notify(true, {});
        if (epoch != epoch_) {
          return;
        }
      }
      if (result == 0 || congested()) {
        arm();
        return;
      }
    }
    pump_soon();
  }

  void pump_soon() {
    if (!std::exchange(pumping_, true)) {
      asio::post(descriptor_.get_executor(), [weak = weak_from_this(), epoch = epoch_] {
        if (auto self = weak.lock(); self && epoch == self->epoch_) {
          self->pumping_ = false;
          self->pump();
        }
      });
    }
  }

  void arm() {
    int events = congested() ? POLLOUT : sd_bus_get_events(bus_.get());
    if (events < 0) {
      lose(error_text(events));
      return;
    }
    if ((events & POLLIN) != 0) {
      wait(asio::posix::stream_descriptor::wait_read, reading_);
    }
    if ((events & POLLOUT) != 0) {
      wait(asio::posix::stream_descriptor::wait_write, writing_);
    }
    arm_timer();
  }

  void wait(asio::posix::stream_descriptor::wait_type what, bool& waiting) {
    if (!std::exchange(waiting, true)) {
      descriptor_.async_wait(what, [weak = weak_from_this(), epoch = epoch_, &waiting](std::error_code failure) {
        if (auto self = weak.lock(); self && epoch == self->epoch_) {
          waiting = false;
          failure ? self->lose(failure.message()) : self->pump();
        }
      });
    }
  }

  /// Time limits of sd-bus (pending calls), and ours for the handshake.
  void arm_timer() {
    using Clock = std::chrono::steady_clock;
    std::uint64_t timeout = UINT64_MAX;
    sd_bus_get_timeout(bus_.get(), &timeout); // µs of CLOCK_MONOTONIC, which is steady_clock here
    if (timeout == 0 && !congested()) {
      pump_soon();
      return;
    }
    auto when = Clock::time_point::max();
    if (timeout != 0 && timeout < static_cast<std::uint64_t>(INT64_MAX / 1'000)) {
      when = Clock::time_point(std::chrono::microseconds(timeout));
    }
    when = up_ ? when : std::min(when, opened_ + timing_.handshake);
    if (when == timer_at_) {
      return;
    }
    timer_at_ = when;
    timer_.cancel();
    if (when == Clock::time_point::max()) {
      return;
    }
    timer_.expires_at(when);
    timer_.async_wait([weak = weak_from_this(), epoch = epoch_](std::error_code failure) {
      auto self = weak.lock();
      if (!self || failure || epoch != self->epoch_) {
        return;
      }
      self->timer_at_ = Clock::time_point::max();
      if (!self->up_ && Clock::now() >= self->opened_ + self->timing_.handshake) {
        self->lose("the bus does not answer");
      } else {
        self->pump();
      }
    });
  }

  std::vector<std::string> addresses_;
  std::size_t next_address_ = 0;
  Timing timing_;
  asio::posix::stream_descriptor descriptor_;
  asio::steady_timer timer_, retry_timer_;
  std::chrono::steady_clock::time_point timer_at_ = std::chrono::steady_clock::time_point::max();
  std::chrono::steady_clock::time_point opened_;
  std::chrono::milliseconds delay_;
  std::optional<std::chrono::steady_clock::time_point> refused_since_; // the first write() that the bus did not take
  Bus bus_;
  std::vector<std::weak_ptr<StateHandler>> observers_;
  std::uint64_t epoch_ = 0; // tells callbacks of an earlier connection from ours
  bool started_ = false, up_ = false;
  bool reading_ = false, writing_ = false, pumping_ = false;
};

Connection::Connection(asio::io_context& io, std::string address) : Connection(io, std::move(address), Timing{}) {}

Connection::Connection(asio::io_context& io, std::string address, Timing timing)
    : impl_(std::make_shared<Impl>(io, address, timing)) {}

Connection::~Connection() {
  impl_->stop();
}

void Connection::start() {
  impl_->start();
}

void Connection::stop() {
  impl_->stop();
}

bool Connection::up() const {
  return impl_->up();
}

std::string Connection::unique_name() const {
  const char* name = nullptr;
  return impl_->up() && sd_bus_get_unique_name(impl_->bus(), &name) >= 0 ? name : "";
}

Connection::Observation Connection::observe(StateHandler handler) {
  return impl_->observe(std::move(handler));
}

sd_bus* Connection::bus() const {
  return impl_->bus();
}

bool Connection::write(std::span<const std::uint8_t> message) {
  return impl_->write(message);
}

void Connection::touch() {
  impl_->touch();
}

} // namespace bmsd::dbus
