// Helpers of the simulator's tests.
#pragma once

#include "app/sim/device.hpp"
#include "app/sim/rehearsal.hpp"
#include "messages/frame.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

namespace bmsd::sim::test {

inline Bytes bytes(std::string_view hex) {
  Bytes out;
  std::string digits;
  for (char c : hex) {
    if (c != ' ') {
      digits += c;
    }
  }
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return out;
}

template <class Range>
std::string hex(const Range& data) {
  std::string out;
  for (auto byte : data) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

inline void raise(Reading& reading, Alarm alarm) {
  reading.alarms.set(static_cast<std::size_t>(alarm));
}

inline BatteryConfig sixteen_cells() {
  BatteryConfig config;
  config.current = -23.4;
  config.soc = 63.0;
  config.imbalance = 0.03;
  config.temperature = 21.3;
  return config;
}

/// Runs a script of a protocol with the simulator as the other end of the line.
inline Result<void> run(protocols::Script script, StreamDevice& device) {
  return DirectLine(device).run(std::move(script));
}

inline protocols::ProtocolConfig at(std::uint32_t address, bool allow_writes = false) {
  protocols::ProtocolConfig config;
  config.address = address;
  config.allow_writes = allow_writes;
  return config;
}

/// A simulated battery with its protocol at the other end of the line.
struct Life {
  Battery battery;
  std::unique_ptr<StreamDevice> device;
  std::unique_ptr<protocols::ExchangeProtocol> protocol;
  Identity identity;
  Sample sample;

  Life(std::string_view key, const BatteryConfig& config, const DeviceOptions& options,
       const protocols::ProtocolConfig& setup = {})
      : battery(config), device(find_simulator(key)->stream(battery, options)),
        protocol(protocols::find_protocol(key)->exchange(setup)) {}
  /// Identified, its settings read, polled.
  Result<void> live() {
    if (auto result = run(protocol->identify(identity), *device); !result) {
      return result;
    }
    if (auto result = run(protocol->settings(identity), *device); !result) {
      return result;
    }
    sample = {};
    return run(protocol->poll(sample), *device);
  }
  Sample poll() {
    const auto result = live();
    EXPECT_TRUE(result) << to_string(result.error());
    return sample;
  }
  Result<void> command(CommandKind kind, double value) { return run(protocol->command({kind, value, 1}), *device); }
};

inline void expect_cells(const CellVoltages& decoded, const Reading& truth) {
  ASSERT_EQ(decoded.size(), truth.cells.size());
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    EXPECT_NEAR(decoded[i].value_or(0.0), truth.cells[i], 0.00051);
  }
}

} // namespace bmsd::sim::test
