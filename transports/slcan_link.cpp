#include "transports/lifetime.hpp"
#include "transports/links.hpp"
#include "transports/serial_port.hpp"
#include "transports/slcan_codec.hpp"

#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>

#include <array>
#include <cerrno>
#include <cstring>

namespace bmsd::transports {

namespace {

/// What an adapter has not taken yet; frames beyond that are refused.
constexpr std::size_t kMaxOutput = 1024;

class SlcanLink final : public FrameLink {
public:
  SlcanLink(asio::io_context& io, SlcanOptions options) : io_(io), options_(std::move(options)), descriptor_(io) {}
  ~SlcanLink() override { shut(); }

  void open(OpenHandler handler) override {
    auto result =
        descriptor_.is_open() ? Result<void>(Error{Fault::internal, "open() of a link that is open"}) : start();
    asio::post(io_, life_.guard([handler = std::move(handler), result] { handler(result); }));
  }

  void close() override {
    if (descriptor_.is_open()) {
      static_cast<void>(transmit("C\r"));
    }
    shut();
  }

  std::string describe() const override { return "CAN " + options_.path + " (slcan)"; }
  int bitrate() const override { return options_.bitrate; }

  Result<void> send(const CanFrame& frame) override {
    if (!descriptor_.is_open()) {
      return Error{Fault::link, "not open"};
    }
    auto line = slcan_line(frame);
    if (output_.size() + line.size() > kMaxOutput) {
      return Error{Fault::link, describe() + ": the adapter takes no more frames"};
    }
    return transmit(line);
  }

private:
  Result<void> start() {
    auto code = slcan_bitrate_code(options_.bitrate);
    if (!code) {
      return code.error();
    }
    auto path = options_.resolve ? options_.resolve() : options_.path;
    if (path.empty()) {
      return Error{Fault::link, describe() + ": the adapter is not plugged in"};
    }
    LineSettings line;
    line.baud = options_.baud;
    if (auto opened = port_.open(path, line); !opened) {
      return opened;
    }
    session_.renew();
    std::error_code error;
    descriptor_.assign(port_.fd(), error);
    if (error) {
      port_.close();
      return Error{Fault::link, describe() + ": " + error.message()};
    }
    reader_.reset();
    watch();
    // Empties the adapter's line buffer, closes what may be open, sets the bit rate and opens. Some
    // firmwares answer nothing and some refuse the close: only frames prove that it works.
    return transmit(std::string("\r\r\rC\rS") + *code + "\rO\r");
  }

  void shut() {
    session_.renew();
    if (descriptor_.is_open()) {
      descriptor_.release(); // the port closes it
    }
    port_.close();
    output_.clear();
  }

  void lost(const std::string& reason) {
    shut();
    asio::post(io_, session_.guard([this, reason] {
      if (on_lost) {
        on_lost(reason);
      }
    }));
  }

  void watch() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           session_.guard([this](const std::error_code& error) {
                             if (!error) {
                               receive();
                             }
                           }));
  }

  void receive() {
    std::array<std::uint8_t, 4096> buffer{};
    auto count = ::read(port_.fd(), buffer.data(), buffer.size());
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
      lost(count == 0 ? "the other end hung up" : std::strerror(errno));
      return;
    }
    watch();
    const auto damaged = reader_.damaged(), remote = reader_.remote();
    // A handler may close this link.
    for (ssize_t i = 0; i < count; ++i) {
      const auto frame = reader_.feed(buffer[static_cast<std::size_t>(i)]);
      if (frame && !session_.outlives(on_frame, *frame)) {
        return;
      }
    }
    if (reader_.damaged() > damaged && !session_.outlives(on_loss, FrameLoss::damaged, reader_.damaged() - damaged)) {
      return;
    }
    if (reader_.remote() > remote) {
      session_.outlives(on_loss, FrameLoss::remote, reader_.remote() - remote);
    }
  }

  Result<void> transmit(std::string_view text) {
    bool waiting = !output_.empty();
    output_ += text;
    return waiting ? Result<void>() : flush();
  }

  Result<void> flush() {
    auto count = ::write(port_.fd(), output_.data(), output_.size());
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      Error error = system_error(describe(), errno);
      lost(error.detail);
      return error;
    }
    output_.erase(0, count > 0 ? static_cast<std::size_t>(count) : 0);
    if (!output_.empty()) {
      descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                             session_.guard([this](const std::error_code& error) {
                               if (!error) {
                                 static_cast<void>(flush()); // a failure is reported as a loss
                               }
                             }));
    }
    return {};
  }

  asio::io_context& io_;
  SlcanOptions options_;
  SerialPort port_;
  asio::posix::stream_descriptor descriptor_;
  SlcanReader reader_;
  std::string output_;
  Lifetime life_;    // until the destructor
  Lifetime session_; // until close() or a break
};

} // namespace

std::unique_ptr<FrameLink> make_slcan_link(asio::io_context& io, SlcanOptions options) {
  return std::make_unique<SlcanLink>(io, std::move(options));
}

} // namespace bmsd::transports
