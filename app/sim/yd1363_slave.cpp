#include "app/sim/yd1363_slave.hpp"

#include <algorithm>

namespace bmsd::sim {

namespace yd1363 = protocols::yd1363;

namespace {
constexpr std::size_t kLongestRequest = 128; // characters
}

StreamDevice::Answer Yd1363Slave::answer(ByteView line) {
  if (line.empty()) {
    return {};
  }
  if (line[0] != static_cast<std::uint8_t>(dialect_.start)) {
    return {1, {}};
  }
  const auto end = std::find(line.begin(), line.end(), std::uint8_t{'\r'});
  if (end == line.end()) {
    return {line.size() > kLongestRequest ? std::size_t{1} : std::size_t{0}, {}};
  }
  const auto size = static_cast<std::size_t>(end - line.begin()) + 1;
  const auto frame = yd1363::parse(line.first(size));
  if (!frame) {
    return {1, {}};
  }
  if (frame->address != address_) {
    return {size, {}};
  }
  const auto code = accepts(*frame);
  return {size, code != 0 ? reply(code) : answer_to(*frame)};
}

std::uint8_t Yd1363Slave::accepts(const yd1363::Frame& request) const {
  return request.version != dialect_.version ? kWrongVersion
         : request.device != dialect_.device ? kUnknownDevice
                                             : std::uint8_t{0};
}

/// A reply is built like a request, with the return code in the place of the command.
Bytes Yd1363Slave::reply(std::uint8_t return_code, ByteView info) const {
  return yd1363::ask({.version = dialect_.version, .device = dialect_.device, .start = reply_start_}, address_,
                     return_code, info)
      .tx;
}

Bytes Yd1363Slave::reply_of(const yd1363::Frame& request, std::uint8_t return_code, ByteView info) const {
  return yd1363::ask({.version = dialect_.version, .device = request.device, .start = reply_start_}, address_,
                     return_code, info)
      .tx;
}

} // namespace bmsd::sim
