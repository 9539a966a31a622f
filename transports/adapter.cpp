#include "transports/adapter.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string_view>

namespace bmsd::transports {

namespace {

std::string real_path(const std::string& path) {
  std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? real.get() : path;
}

/// Clones are sold with the same number burnt into all of them.
bool tells_apart(std::string_view serial) {
  constexpr std::string_view kCommon[] = {"0001", "00000001", "1", "0123456789", "12345678", "123456", "A5XK3RJT"};
  return std::find(std::begin(kCommon), std::end(kCommon), serial) == std::end(kCommon) &&
         serial.find_first_not_of('0') != std::string_view::npos;
}

/// VE_SERVICE is a list such as "rs485:default". These two names stand for any device, so a BMS may
/// be there; all others name a product of its own.
bool claimed(std::string_view services) {
  if (services.empty() || services == "ignore") {
    return false;
  }
  while (!services.empty()) {
    auto name = services.substr(0, services.find(':'));
    if (name == "default" || name == "rs485") {
      return false;
    }
    services.remove_prefix(std::min(name.size() + 1, services.size()));
  }
  return true;
}

} // namespace

std::optional<Adapter> adapter_of(const std::string& path, AdapterSource& source) {
  auto tty = real_path(path);
  for (auto& adapter : source.list()) {
    if (adapter.tty == tty) {
      return std::move(adapter);
    }
  }
  return std::nullopt;
}

std::vector<Adapter> list_serial_adapters(AdapterSource& source) {
  auto adapters = source.list();
  std::erase_if(adapters, [](const Adapter& each) { return !each.usb || claimed(each.ve_service); });
  std::sort(adapters.begin(), adapters.end(), [](const Adapter& a, const Adapter& b) { return a.tty < b.tty; });
  return adapters;
}

std::optional<std::string> find_adapter(const Adapter& identity, AdapterSource& source) {
  auto candidates = source.list();
  std::erase_if(candidates, [&](const Adapter& each) {
    if (each.usb != identity.usb || each.vendor_model != identity.vendor_model ||
        each.usb_interface != identity.usb_interface) {
      return true;
    }
    if (!identity.usb) {
      return each.tty != identity.tty; // a built-in port does not move
    }
    return tells_apart(identity.usb_serial) ? each.usb_serial != identity.usb_serial
                                            : each.usb_path != identity.usb_path;
  });
  if (candidates.size() > 1) {
    std::erase_if(candidates, [&](const Adapter& each) { return each.usb_path != identity.usb_path; });
  }
  return candidates.size() == 1 ? std::optional(candidates.front().tty) : std::nullopt;
}

} // namespace bmsd::transports
