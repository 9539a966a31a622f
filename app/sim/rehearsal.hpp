// A protocol against its simulator, in one thread and without time: for tests, and for the table of what is
// read from which BMS. No I/O.
#pragma once

#include "app/sim/device.hpp"
#include "protocols/core/protocol.hpp"

#include <optional>
#include <string_view>

namespace bmsd::sim {

/// The perfect line between them: keeps what the BMS has not used yet.
class DirectLine {
public:
  explicit DirectLine(StreamDevice& device) : device_(device) {}
  Result<void> run(protocols::Script script, protocols::Patience patience = {});

private:
  Bytes answer(ByteView tx);

  StreamDevice& device_;
  Bytes pending_;
};

/// The usual battery, within what this BMS can have.
BatteryConfig usual_battery(const SimulatorInfo& simulator);

/// Everything that the protocol reads of a simulated battery; nullopt: there is no simulator, or it is not
/// recognised. `dialect`: empty: the first.
std::optional<Sample> rehearse(const protocols::ProtocolInfo& info, std::string_view dialect = {});

} // namespace bmsd::sim
