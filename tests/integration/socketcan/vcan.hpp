// A vcan interface made by the test through rtnetlink, and a bare CAN socket for the other side.
#pragma once

#include <gtest/gtest.h>
#include <linux/can.h>
#include <linux/can/raw.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>

namespace bmsd::transports::test {

class Vcan {
public:
  explicit Vcan(std::string interface) : name(std::move(interface)) {
    remove();
    add();
  }
  ~Vcan() { remove(); }
  Vcan(const Vcan&) = delete;
  Vcan& operator=(const Vcan&) = delete;

  /// False: this kernel or user can't.
  bool add() { return send(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL) && set_up(true); }
  void remove() {
    if (::if_nametoindex(name.c_str()) != 0) {
      send(RTM_DELLINK, 0);
    }
  }
  bool set_up(bool up) const {
    ifreq request{};
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
    bool done = ::ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags = static_cast<short>(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
    done = done && ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    ::close(fd);
    return done;
  }

  const std::string name;

private:
  bool send(std::uint16_t type, std::uint16_t flags) const {
    struct {
      nlmsghdr header{};
      ifinfomsg info{};
      char attributes[128] = {};
    } request;
    std::size_t used = 0;
    auto put = [&](std::uint16_t kind, const void* data, std::size_t size) {
      nlattr attribute{static_cast<std::uint16_t>(NLA_HDRLEN + size), kind};
      std::memcpy(request.attributes + used, &attribute, sizeof attribute);
      std::memcpy(request.attributes + used + NLA_HDRLEN, data, size);
      used += NLA_ALIGN(NLA_HDRLEN + size);
    };
    put(IFLA_IFNAME, name.c_str(), name.size() + 1);
    char kind[NLA_HDRLEN + 8] = {};
    nlattr inner{NLA_HDRLEN + 4, IFLA_INFO_KIND};
    std::memcpy(kind, &inner, sizeof inner);
    std::memcpy(kind + NLA_HDRLEN, "vcan", 4);
    put(IFLA_LINKINFO, kind, NLA_HDRLEN + 4);
    request.header.nlmsg_len = static_cast<std::uint32_t>(offsetof(decltype(request), attributes) + used);
    request.header.nlmsg_type = type;
    request.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    int fd = ::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    struct {
      nlmsghdr header{};
      nlmsgerr error{};
      char rest[512] = {};
    } answer;
    bool done = ::send(fd, &request, request.header.nlmsg_len, 0) > 0 && ::recv(fd, &answer, sizeof answer, 0) > 0 &&
                answer.header.nlmsg_type == NLMSG_ERROR && answer.error.error == 0;
    ::close(fd);
    return done;
  }
};

class CanSocket {
public:
  explicit CanSocket(const std::string& interface) : fd(::socket(AF_CAN, SOCK_RAW | SOCK_NONBLOCK, CAN_RAW)) {
    sockaddr_can address{};
    address.can_family = AF_CAN;
    address.can_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~CanSocket() { ::close(fd); }
  CanSocket(const CanSocket&) = delete;
  CanSocket& operator=(const CanSocket&) = delete;

  void send(std::uint32_t id, std::initializer_list<std::uint8_t> data = {}) const {
    can_frame frame{};
    frame.can_id = id;
    frame.len = static_cast<std::uint8_t>(data.size());
    std::copy(data.begin(), data.end(), frame.data);
    ASSERT_EQ(::write(fd, &frame, sizeof frame), ssize_t(sizeof frame));
  }
  bool receive(can_frame& frame) const { return ::read(fd, &frame, sizeof frame) == ssize_t(sizeof frame); }

  const int fd;
};

} // namespace bmsd::transports::test
