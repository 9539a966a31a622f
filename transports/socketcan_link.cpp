#include "transports/can_interface.hpp"
#include "transports/lifetime.hpp"
#include "transports/links.hpp"
#include "transports/unique_fd.hpp"

#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <linux/can.h>
#include <linux/can/raw.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace bmsd::transports {

namespace {

/// About a second of a full 500 kbit/s bus; the kernel counts some 800 bytes for each frame.
constexpr int kReceiveBuffer = 4 * 1024 * 1024;
constexpr std::size_t kBatch = 32;

template <class T>
bool set_option(int fd, int level, int name, const T& value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/// One recvmmsg: many frames for one system call.
struct Batch {
  std::array<can_frame, kBatch> frames;
  std::array<iovec, kBatch> vectors;
  std::array<mmsghdr, kBatch> headers;
  struct alignas(cmsghdr) Control {
    std::array<char, CMSG_SPACE(sizeof(std::uint32_t))> bytes;
  };
  std::array<Control, kBatch> controls;

  int receive(int fd) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      vectors[i] = {&frames[i], sizeof frames[i]};
      headers[i] = {};
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_control = controls[i].bytes.data();
      headers[i].msg_hdr.msg_controllen = controls[i].bytes.size();
    }
    return ::recvmmsg(fd, headers.data(), kBatch, MSG_DONTWAIT, nullptr);
  }

  std::optional<std::uint32_t> overruns(std::size_t i) {
    for (auto* part = CMSG_FIRSTHDR(&headers[i].msg_hdr); part != nullptr;
         part = CMSG_NXTHDR(&headers[i].msg_hdr, part)) {
      if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SO_RXQ_OVFL) {
        std::uint32_t count = 0;
        std::memcpy(&count, CMSG_DATA(part), sizeof count);
        return count;
      }
    }
    return std::nullopt;
  }
};

class SocketCanLink final : public FrameLink {
public:
  SocketCanLink(asio::io_context& io, CanOptions options) : io_(io), options_(std::move(options)), descriptor_(io) {}
  ~SocketCanLink() override { close(); }

  void open(OpenHandler handler) override {
    auto result =
        descriptor_.is_open() ? Result<void>(Error{Fault::internal, "open() of a link that is open"}) : start();
    asio::post(io_, life_.guard([handler = std::move(handler), result] { handler(result); }));
  }

  void close() override {
    session_.renew();
    std::error_code ignored;
    descriptor_.close(ignored);
  }

  std::string describe() const override { return "CAN " + options_.interface + " (SocketCAN)"; }

  int bitrate() const override {
    auto interface = query_can_interface(options_.interface);
    return interface ? interface->bitrate : 0;
  }

  Result<void> send(const CanFrame& frame) override {
    if (!descriptor_.is_open()) {
      return Error{Fault::link, "not open"};
    }
    can_frame out{};
    out.can_id = frame.extended ? frame.id | CAN_EFF_FLAG : frame.id;
    out.len = static_cast<std::uint8_t>(frame.data.size());
    std::copy(frame.data.begin(), frame.data.end(), out.data);
    if (::write(descriptor_.native_handle(), &out, sizeof out) == ssize_t(sizeof out)) {
      return {};
    }
    switch (errno) {
    case ENOBUFS: return error("the transmit queue is full: no other device on the bus, or another bit rate there");
    case ENETDOWN: return error("the interface is down");
    default: return error(std::strerror(errno));
    }
  }

private:
  Error error(const std::string& what) const { return {Fault::link, options_.interface + ": " + what}; }

  Result<void> start() {
    auto interface = query_can_interface(options_.interface);
    if (!interface) {
      return interface.error();
    }
    if (!interface->up) {
      return error("the interface is down (on a GX device: choose a CAN-bus profile)");
    }
    UniqueFd fd(::socket(AF_CAN, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, CAN_RAW));
    if (!fd) {
      return error(errno == EAFNOSUPPORT      ? "this kernel has no CAN support"
                   : errno == EPROTONOSUPPORT ? "the kernel module can-raw is missing"
                                              : std::strerror(errno));
    }
    hear_local_ = options_.local_senders == LocalSenders::heard ||
                  (options_.local_senders == LocalSenders::automatic && interface->virtual_bus);
    if (!set_filters(fd.get())) {
      return error(std::string("filters: ") + std::strerror(errno));
    }
    if (!set_option(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer)) {
      set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, kReceiveBuffer); // not root: as much as is allowed
    }
    set_option(fd.get(), SOL_SOCKET, SO_RXQ_OVFL, 1);
    sockaddr_can address{};
    address.can_family = AF_CAN;
    address.can_ifindex = interface->index;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return error(std::strerror(errno));
    }
    session_.renew();
    std::error_code failure;
    descriptor_.assign(fd.get(), failure);
    if (failure) {
      return error(failure.message());
    }
    fd.release();
    overruns_ = 0;
    down_ = false;
    watch();
    return {};
  }

  bool set_filters(int fd) const {
    if (options_.filters.empty()) {
      return true;
    }
    std::vector<can_filter> filters;
    for (const auto& each : options_.filters) {
      // Both flags in the mask: else an 11-bit filter lets the 29-bit frame of that number pass.
      filters.push_back({each.extended ? each.id | CAN_EFF_FLAG : each.id, each.mask | CAN_EFF_FLAG | CAN_RTR_FLAG});
    }
    return ::setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, filters.data(),
                        static_cast<socklen_t>(filters.size() * sizeof(can_filter))) == 0;
  }

  void watch() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           session_.guard([this](const std::error_code& failure) {
                             if (!failure) {
                               receive();
                             }
                           }));
  }

  void receive() {
    Batch batch{};
    int count = batch.receive(descriptor_.native_handle());
    if (count < 0 && !survives(errno)) {
      return;
    }
    watch(); // more than a batch: at once again, after the others
    if (count > 0 && down_) {
      down_ = false;
      notice(options_.interface + " is up again");
    }
    std::uint64_t remote = 0, overruns = 0;
    for (int i = 0; i < count; ++i) {
      auto index = static_cast<std::size_t>(i);
      if (auto total = batch.overruns(index)) {
        overruns += *total - std::exchange(overruns_, *total);
      }
      if (!counts(batch, index)) {
        continue;
      }
      if ((batch.frames[index].can_id & CAN_RTR_FLAG) != 0) {
        ++remote;
      } else if (!session_.outlives(on_frame, convert(batch.frames[index]))) {
        return; // the handler has closed this link
      }
    }
    if (overruns > 0 && !session_.outlives(on_loss, FrameLoss::overrun, overruns)) {
      return;
    }
    if (remote > 0) {
      session_.outlives(on_loss, FrameLoss::remote, remote);
    }
  }

  /// Not of another kind, nor of this host's own talk.
  bool counts(const Batch& batch, std::size_t index) const {
    const auto& header = batch.headers[index];
    const bool local = (header.msg_hdr.msg_flags & MSG_DONTROUTE) != 0;
    return header.msg_len == CAN_MTU && (batch.frames[index].can_id & CAN_ERR_FLAG) == 0 && (!local || hear_local_);
  }

  static CanFrame convert(const can_frame& in) {
    CanFrame frame;
    frame.extended = (in.can_id & CAN_EFF_FLAG) != 0;
    frame.id = in.can_id & (frame.extended ? CAN_EFF_MASK : CAN_SFF_MASK);
    for (std::size_t i = 0; i < std::min<std::size_t>(in.len, CAN_MAX_DLEN); ++i) {
      frame.data.push_back(in.data[i]);
    }
    return frame;
  }

  /// Down: reported once, and the socket works again when the interface is up. Deleted: never again.
  bool survives(int failure) {
    if (failure == EAGAIN || failure == EINTR) {
      return true;
    }
    if (failure == ENETDOWN) {
      down_ = true;
      notice(options_.interface + " is down");
      return true;
    }
    close();
    asio::post(io_, session_.guard([this, failure] {
      if (on_lost) {
        on_lost(options_.interface + ": " + (failure == ENODEV ? "the interface is gone" : std::strerror(failure)));
      }
    }));
    return false;
  }

  void notice(std::string text) {
    asio::post(io_, session_.guard([this, text = std::move(text)] {
      if (on_notice) {
        on_notice(text);
      }
    }));
  }

  asio::io_context& io_;
  CanOptions options_;
  asio::posix::stream_descriptor descriptor_;
  bool hear_local_ = false;
  bool down_ = false;
  std::uint32_t overruns_ = 0; // of this socket, as far as told; the kernel's counter
  Lifetime life_;              // until the destructor
  Lifetime session_;           // until close() or a break
};

} // namespace

std::unique_ptr<FrameLink> make_socketcan_link(asio::io_context& io, CanOptions options) {
  return std::make_unique<SocketCanLink>(io, std::move(options));
}

} // namespace bmsd::transports
