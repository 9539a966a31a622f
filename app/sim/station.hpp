// A simulated BMS at its link: a serial line, a CAN bus or a broker.
//
// I/O thread only. The links vanish with their station.
#pragma once

#include "app/sim/device.hpp"
#include "app/sim/faults.hpp"
#include "messages/error.hpp"
#include "transports/links.hpp"

#include <asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bmsd::sim {

/// A further battery on the same line, with an address of its own.
struct Neighbour {
  BatteryConfig battery;
  DeviceOptions device;
};

struct StationOptions {
  const SimulatorInfo* simulator = nullptr;
  transports::LinkAddress link; ///< a SerialAddress is the symlink to a pty, with an empty path there is none
  BatteryConfig battery;
  DeviceOptions device;
  std::vector<Neighbour> neighbours; ///< byte links only
  FaultRates faults;
  double speed = 1.0;
  int baud = 0; ///< of byte links; 0: no pacing
  std::chrono::milliseconds answer_delay{0};
  std::chrono::milliseconds interval{1000}; ///< between two sets of frames or documents
  transports::MqttOptions mqtt;             ///< host and port are those of `link`
};

class Station {
public:
  /// Called once, when the daemon can use the link.
  using Ready = std::function<void(const std::string& link)>;
  virtual ~Station() = default;
};

/// Fault::unsupported if this BMS has nothing to do with that kind of link, Fault::link if it can't be made.
Result<std::unique_ptr<Station>> make_station(asio::io_context& io, const StationOptions& options,
                                              const Station::Ready& ready);

// -- one for each kind of BMS -------------------------------------------------

Result<std::unique_ptr<Station>> make_stream_station(asio::io_context& io, const StationOptions& options,
                                                     const Station::Ready& ready);
Result<std::unique_ptr<Station>> make_can_station(asio::io_context& io, const StationOptions& options,
                                                  const Station::Ready& ready);
Result<std::unique_ptr<Station>> make_document_station(asio::io_context& io, const StationOptions& options,
                                                       const Station::Ready& ready);

} // namespace bmsd::sim
