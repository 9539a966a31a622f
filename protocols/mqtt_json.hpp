// Batteries that some other program describes as JSON, by MQTT.
//
// Three shapes: the path tree of dbus-mqtt-battery (Dc, Soc), the same wrapped as text in "value"
// (dbus-serialbattery's /JsonData as the Venus broker sends it), and the generic BMS of
// dbus-serialbattery (cell_count, cells). Page for users: docs/protocols/mqtt_json.md.
#pragma once

#include "protocols/core/protocol.hpp"

#include <optional>
#include <string_view>

namespace bmsd::protocols {

/// Each document is a whole: it replaces the one before, and what it does not name is not known.
/// Which shape a topic carries is settled by its first valid document. A retained document is
/// applied like any other, see DocumentProtocol. Options: dialect = path_tree, wrapped or generic;
/// limits = false ignores the limits in Info; max_current = largest believable current (A, 2000).
/// Errors: Fault::framing (no JSON, wrong shape or type), Fault::truncated (something mandatory is
/// missing), Fault::implausible (out of range).
class MqttJson final : public DocumentProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit MqttJson(const ProtocolConfig& config);
  Result<void> on_document(const Document& document, Identity& identity, Sample& sample) override;

private:
  enum class Dialect : std::uint8_t { path_tree, wrapped, generic };
  struct Content; // what a document says, until all of it is known to be valid

  Result<void> read(std::string_view payload, Content& out) const;
  bool use_limits_ = true;
  double max_current_ = 2000;      ///< A
  std::optional<Dialect> dialect_; ///< as configured, else as seen first
  std::optional<int> cell_count_;  ///< generic: fixed by the first document
};

} // namespace bmsd::protocols
