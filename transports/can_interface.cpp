#include "transports/can_interface.hpp"

#include "transports/unique_fd.hpp"

#include <linux/can/netlink.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace bmsd::transports {

namespace {

using Attributes = std::span<const std::byte>;

template <class T>
T load(Attributes bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

/// The content of the first attribute of this type; empty: there is none.
Attributes find(Attributes list, unsigned type) {
  while (list.size() >= sizeof(nlattr)) {
    auto header = load<nlattr>(list);
    if (header.nla_len < sizeof(nlattr) || header.nla_len > list.size()) {
      break;
    }
    if ((header.nla_type & NLA_TYPE_MASK) == type) {
      return list.subspan(NLA_HDRLEN, header.nla_len - static_cast<std::size_t>(NLA_HDRLEN));
    }
    list = list.subspan(std::min<std::size_t>(NLA_ALIGN(header.nla_len), list.size()));
  }
  return {};
}

std::string_view text(Attributes content) {
  auto* begin = reinterpret_cast<const char*>(content.data());
  return {begin, content.empty() ? 0 : ::strnlen(begin, content.size())};
}

Error failed(const std::string& name) {
  return {Fault::link, name + ": netlink: " + std::strerror(errno)};
}

} // namespace

Result<CanInterface> query_can_interface(const std::string& name) {
  auto index = ::if_nametoindex(name.c_str());
  if (index == 0) {
    return Error{Fault::link, "there is no interface " + name};
  }
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  struct {
    nlmsghdr header{};
    ifinfomsg info{};
  } request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.info.ifi_index = static_cast<int>(index);
  if (!fd || ::send(fd.get(), &request, sizeof request, 0) < 0) {
    return failed(name);
  }
  // The kernel answers within send().
  std::array<std::byte, 16384> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv
  auto size = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0) {
    return failed(name);
  }
  Attributes message(buffer.data(), static_cast<std::size_t>(size));
  auto header = load<nlmsghdr>(message);
  if (message.size() < sizeof request || header.nlmsg_type != RTM_NEWLINK) {
    return Error{Fault::link, "there is no interface " + name};
  }
  auto info = load<ifinfomsg>(message.subspan(NLMSG_HDRLEN));
  if (info.ifi_type != ARPHRD_CAN) {
    return Error{Fault::rejected, name + " is not a CAN interface"};
  }
  auto link = find(message.subspan(sizeof request), IFLA_LINKINFO);
  auto bit_timing = find(find(link, IFLA_INFO_DATA), IFLA_CAN_BITTIMING);
  CanInterface result;
  result.index = info.ifi_index;
  result.up = (info.ifi_flags & IFF_UP) != 0;
  result.virtual_bus = text(find(link, IFLA_INFO_KIND)) == "vcan";
  result.bitrate = static_cast<int>(load<can_bittiming>(bit_timing).bitrate);
  return result;
}

} // namespace bmsd::transports
