// What a protocol is to the rest of bmsd. Pure: bytes in, samples out; no I/O, no clock, no files.
#pragma once

#include "messages/command.hpp"
#include "messages/frame.hpp"
#include "messages/identity.hpp"
#include "messages/sample.hpp"
#include "protocols/core/script.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace bmsd::protocols {

/// What a decoder must know beforehand.
struct ProtocolConfig {
  std::uint32_t address = 0;
  double soc_low_warning = 20.0; ///< %, SOC_LOW_WARNING
  double soc_low_alarm = 10.0;   ///< %, SOC_LOW_ALARM
  bool soc_alarms = true;        ///< false: SoC is calculated elsewhere, raise no LowSoc
  double battery_capacity = 0.0; ///< Ah, for a BMS that cannot tell it; 0: unknown
  bool allow_writes = false;     ///< commands may write to the BMS
  /// Options of a single protocol, by the key names of bmsd.ini in lower case.
  std::map<std::string, std::string, std::less<>> options;
};

/// Ask and answer over a byte stream. One object per battery; lives as long as the battery answers.
class ExchangeProtocol {
public:
  virtual ~ExchangeProtocol() = default;
  /// Proves that this BMS is at the other end and reads what does not change. Sends nothing that
  /// could change a setting.
  virtual Script identify(Identity& out) = 0;
  /// Further static reads, once after identify() has won the port: limits, settings. May need
  /// the BMS's own service mode. Failures of single reads are no errors.
  virtual Script settings(Identity& out);
  /// One poll cycle. `out` counts only if the script succeeds.
  virtual Script poll(Sample& out) = 0;
  /// Fault::unsupported where the BMS cannot; success only when the BMS acknowledged.
  virtual Script command(Command command);

  // -- for captures (core/replay.hpp) -------------------------------------------
  /// Whether a recorded request asks for the same as `wanted`; by default: the same bytes.
  virtual bool same_request(ByteView wanted, ByteView recorded) const;
  /// Sends `tx` as another program did and keeps what the reply says: a register that poll() does
  /// not read, or a write, which must be acknowledged. Never run on a real line.
  virtual Script replay(Bytes tx, Identity& identity, Sample& out);

protected:
  /// For what not every firmware has: `work` may be refused or stay without an answer.
  Script if_answered(Script work);
};

/// What is wrong with a CAN frame; Fault::none: nothing.
struct FrameProblem {
  Fault fault = Fault::none;
  std::string_view detail = {}; ///< a string literal: "has 29 bits"
};

/// The BMS sends CAN frames by itself.
class BroadcastProtocol {
public:
  virtual ~BroadcastProtocol() = default;
  /// Takes any frame of the bus; ignores what is not its own. `now`: any monotonic origin. Returns what is wrong with a
  /// frame under one of its numbers.
  virtual FrameProblem on_frame(const CanFrame& frame, std::chrono::milliseconds now) = 0;
  /// Proof that this BMS is on the bus, from the frames so far.
  virtual bool identified(std::chrono::milliseconds now) const = 0;
  virtual Identity identity() const = 0;
  /// A set of fresh values, or why there is none (Fault::timeout, Fault::implausible).
  virtual Result<Sample> snapshot(std::chrono::milliseconds now) const = 0;
  /// What the frames so far say, complete or not: for captures of a part of a set. By default
  /// the snapshot, or nothing.
  virtual Result<Sample> partial(std::chrono::milliseconds now) const;
  /// The same, true or not: what the battery logic looks at for reasons to be careful. Nothing by default.
  virtual Sample said(std::chrono::milliseconds now) const;
  /// True once per complete set: the moment to take a snapshot.
  virtual bool take_complete() = 0;
  /// Frames to send once a second; empty by default.
  virtual std::span<const CanFrame> keep_alive() const { return {}; }
};

/// Documents (MQTT JSON). One object per topic.
class DocumentProtocol {
public:
  virtual ~DocumentProtocol() = default;
  /// Validates the whole document, then applies it: on an error nothing has changed. A retained
  /// document is of unknown age: its values are applied, but whoever counts freshness must not
  /// take it as a sign of life (document.retained).
  virtual Result<void> on_document(const Document& document, Identity& identity, Sample& sample) = 0;
};

enum class Medium : std::uint8_t { serial, can, document };

constexpr std::string_view to_string(Medium medium) {
  switch (medium) {
  case Medium::serial: return "serial";
  case Medium::can: return "can";
  case Medium::document: return "mqtt";
  }
  return "unknown";
}

/// A setting that only one protocol has, in a [port] section or after --port.
struct ProtocolOption {
  std::string_view name; ///< lower case
  std::string_view allowed;
  std::string_view text;
};

/// From the first to the last, both included.
struct AddressRange {
  std::uint32_t first = 0, last = 0;
  constexpr std::size_t size() const { return last - first + 1; }
};

/// What bmsd knows of a protocol before it talks to a battery. Each protocol class has one, `kInfo`.
struct ProtocolInfo {
  std::string_view key;   ///< "lltjbd"
  std::string_view label; ///< "LLT/JBD": the battery type shown to people
  std::string_view about; ///< who sells it
  /// Names of the same protocol in BMS_TYPE of dbus-serialbattery, and old ones.
  std::span<const std::string_view> aliases = {};
  Medium medium = Medium::serial;
  std::span<const LineSettings> lines = {};      ///< serial: to try, in this order
  int can_bitrate = 0;                           ///< bit/s
  std::span<const std::uint32_t> addresses = {}; ///< to try when none is given; empty: no addressing
  int detect_order = -1;                         ///< lower is earlier; negative: never searched for
  AddressRange chain = {};                       ///< several batteries on one line; {0, 0}: one alone
  /// For a search that is in a hurry: how long an answer may take to begin, and how many requests of identify()
  /// it may take (more than one if relatives answer to different ones).
  std::chrono::milliseconds answers_within{250};
  int first_requests = 1;
  std::chrono::milliseconds poll_interval{1000};
  Capabilities capabilities = {};
  std::span<const ProtocolOption> options = {};

  constexpr bool daisy_chain() const { return chain.last > chain.first; }
  /// Several of them can be told apart on one line.
  constexpr bool has_addresses() const { return !addresses.empty() || daisy_chain(); }

  // Exactly one of these, by medium.
  std::unique_ptr<ExchangeProtocol> (*exchange)(const ProtocolConfig&) = nullptr;
  std::unique_ptr<BroadcastProtocol> (*broadcast)(const ProtocolConfig&) = nullptr;
  std::unique_ptr<DocumentProtocol> (*document)(const ProtocolConfig&) = nullptr;
};

/// Makes one: `.exchange = make_exchange<Example>`.
template <class Protocol>
std::unique_ptr<ExchangeProtocol> make_exchange(const ProtocolConfig& config) {
  return std::make_unique<Protocol>(config);
}
template <class Protocol>
std::unique_ptr<BroadcastProtocol> make_broadcast(const ProtocolConfig& config) {
  return std::make_unique<Protocol>(config);
}
template <class Protocol>
std::unique_ptr<DocumentProtocol> make_document(const ProtocolConfig& config) {
  return std::make_unique<Protocol>(config);
}

/// The first words of every identify(): which protocol this is, and what may be commanded.
void introduce(const ProtocolInfo& info, const ProtocolConfig& config, Identity& out);
/// The first words of every command(): Fault::rejected unless writing is allowed and the value is one
/// that the command can have (0 or 1 for switches, 0 to 100 for the SoC).
Result<void> permitted(const ProtocolConfig& config, const Command& command);

/// All protocols, by key: `for (const ProtocolInfo& info : registry())`.
using Registry = std::span<const std::reference_wrapper<const ProtocolInfo>>;
Registry registry();
/// By key or alias, without regard to case; nullptr: there is none.
const ProtocolInfo* find_protocol(std::string_view name);

/// Whether any protocol has an option of this name (lower case).
bool is_option(std::string_view name);

} // namespace bmsd::protocols
