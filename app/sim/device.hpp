// What a simulated BMS is to the rest of bmssim, and the table of all of them.
//
// To add a protocol: one file pair with a class derived from one of the three below, its `kInfo`, and
// one line in simulators.cpp. Encode from the vendor's document, not from the decoder in protocols/: two
// independent readings of a manual find each other's mistakes. No I/O, no clock.
#pragma once

#include "app/sim/battery.hpp"
#include "messages/frame.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bmsd::sim {

/// Who the BMS says it is.
struct DeviceOptions {
  std::uint32_t address = 0;
  std::string name;
  std::string serial;
  std::string dialect; ///< one of the simulator's dialects; empty: the first
};

/// A BMS that is asked and answers, on a byte stream.
class StreamDevice {
public:
  virtual ~StreamDevice() = default;
  struct Answer {
    std::size_t used = 0; ///< bytes at the front of `line` that are dealt with; 0: more are needed
    Bytes reply;          ///< empty: the BMS keeps quiet
  };
  /// `line` is what was received and not yet used. Called again until nothing is used.
  virtual Answer answer(ByteView line) = 0;
};

/// A BMS that sends CAN frames by itself.
class BroadcastDevice {
public:
  virtual ~BroadcastDevice() = default;
  /// One cycle, in the order on the bus.
  virtual std::vector<CanFrame> frames() = 0;
};

/// A source of documents (MQTT).
class DocumentDevice {
public:
  virtual ~DocumentDevice() = default;
  virtual std::string document() = 0;
};

/// What bmssim knows of a simulator. Each class has one, `kInfo`. Exactly one of the three makers is set.
struct SimulatorInfo {
  std::string_view key;
  std::string_view about;
  int baud = 0;                      ///< stream devices: line speed
  int can_bitrate = 0;               ///< broadcast devices, bit/s
  double max_capacity = 0;           ///< Ah that the protocol can say
  int min_cells = 1, max_cells = 32; ///< in series, that there are such batteries of
  bool addressed = false;            ///< DeviceOptions::address has a meaning
  std::span<const std::string_view> dialects = {};

  std::unique_ptr<StreamDevice> (*stream)(Battery&, const DeviceOptions&) = nullptr;
  std::unique_ptr<BroadcastDevice> (*broadcast)(Battery&, const DeviceOptions&) = nullptr;
  std::unique_ptr<DocumentDevice> (*document)(Battery&, const DeviceOptions&) = nullptr;
};

/// `.stream = make_stream<ExampleSim>`
template <class Device>
std::unique_ptr<StreamDevice> make_stream(Battery& battery, const DeviceOptions& options) {
  return std::make_unique<Device>(battery, options);
}
template <class Device>
std::unique_ptr<BroadcastDevice> make_broadcast(Battery& battery, const DeviceOptions& options) {
  return std::make_unique<Device>(battery, options);
}
template <class Device>
std::unique_ptr<DocumentDevice> make_document(Battery& battery, const DeviceOptions& options) {
  return std::make_unique<Device>(battery, options);
}

/// By key: `for (const SimulatorInfo& info : simulators())`.
std::span<const std::reference_wrapper<const SimulatorInfo>> simulators();
/// nullptr: there is none with this key.
const SimulatorInfo* find_simulator(std::string_view key);

} // namespace bmsd::sim
