#include "protocols/ant.hpp"

#include "protocols/ant_frame.hpp"
#include "protocols/core/options.hpp"

#include <algorithm>

namespace bmsd::protocols {

using namespace std::chrono_literals;

namespace {

constexpr unsigned kLimitsEvery = 300; // polls; someone may change a limit with the app

constexpr std::string_view kPassword2019 = "12345678", kPassword2021 = "123456789abc"; // as delivered
constexpr std::size_t kLongestPassword = 32;

/// A FET takes up to five seconds until the status shows what it was told.
constexpr int kLooks = 12;
constexpr auto kBetweenLooks = 500ms;

std::string_view password(const ProtocolConfig& config, std::string_view otherwise) {
  const auto own = option(config, "password");
  return own.empty() ? otherwise : own;
}

/// "ANT BMS 16S": boards of 2019 do not say more about themselves.
std::string name_2019(int cells) {
  return "ANT BMS " + std::to_string(cells) + "S";
}

/// Captures list what each request in a row has given.
template <class Value>
void append_extra(Sample& out, std::string_view name, Value value) {
  auto it = std::find_if(out.extra.begin(), out.extra.end(), [&](const Extra& extra) { return extra.name == name; });
  if (it == out.extra.end()) {
    out.extra.push_back({name, std::vector<Value>{value}});
  } else if (auto* list = std::get_if<std::vector<Value>>(&it->value)) {
    list->push_back(value);
  }
}

void note_write(const Result<void>& outcome, unsigned address, Sample& out) {
  append_extra(out, "write_ack", outcome.has_value());
  append_extra(out, "write_register", static_cast<double>(address));
}

} // namespace

struct Ant::Switch {
  CommandKind kind;
  std::uint8_t on_2021, off_2021;
  std::uint8_t address_2019; ///< 0: not known for certain
  std::size_t shown_2019;    ///< where the status has its code
};

constexpr Ant::Switch Ant::kSwitches[] = {
    {CommandKind::force_charging_off, 0x06, 0x04, ant2019::kChargeFet, ant2019::kChargeFetAt},
    {CommandKind::force_discharging_off, 0x03, 0x01, ant2019::kDischargeFet, ant2019::kDischargeFetAt},
    {CommandKind::turn_balancing_off, 0x0D, 0x0E, 0, 0},
};

Ant::Ant(const ProtocolConfig& config)
    : config_(config), sensors_(static_cast<std::size_t>(
                           std::clamp(option(config, "sensors", ant2019::kSensors), 1.0, 1.0 * ant2019::kSensors))) {
  const auto variant = option(config, "variant");
  variant_ = variant == "2019" ? Variant::v2019 : variant == "2021" ? Variant::v2021 : Variant::unknown;
}

// -- reading --------------------------------------------------------------------

Script Ant::identify(Identity& out) {
  introduce(kInfo, config_, out);
  Sample first;
  co_await part(read_status(first));
  out.cell_count = first.cell_count;
  out.capacity_full = first.capacity_full;
  if (variant_ == Variant::v2021) {
    const Result<void> info = co_await read_info(out);
    if (!info && info.error().fault != Fault::timeout) { // silence is allowed, a damaged answer is none
      co_return info;
    }
  } else if (first.cell_count) {
    out.hardware_version = name_2019(*first.cell_count);
    out.capabilities.balance_switch = false;
  }
  co_return done();
}

Script Ant::settings(Identity&) {
  if (variant_ == Variant::v2021) {
    co_await part(read_limits());
  }
  co_return done();
}

Script Ant::poll(Sample& out) {
  co_await part(read_status(out));
  if (variant_ == Variant::v2021 && ++polls_ % kLimitsEvery == 0) {
    (void)co_await read_limits(); // the former ones stay in force
  }
  state_limits(out);
  co_return done();
}

Script Ant::read_status(Sample& out) {
  switch (variant_) {
  case Variant::v2019: co_return co_await read_status_2019(out);
  case Variant::v2021: co_return co_await read_status_2021(out);
  case Variant::unknown: break;
  }
  co_return co_await find_out(out);
}

/// Boards of 2021 answer to both, those of 2019 to nothing that begins with 7E A1.
Script Ant::find_out(Sample& out) {
  Result<void> outcome = co_await read_status_2021(out);
  if (outcome) {
    variant_ = Variant::v2021;
  } else if (outcome.error().fault == Fault::timeout) {
    outcome = co_await read_status_2019(out);
    variant_ = outcome ? Variant::v2019 : Variant::unknown;
  }
  co_return outcome;
}

Script Ant::read_status_2019(Sample& out) {
  Result<Bytes> reply = Error{Fault::timeout, {}};
  for (const auto read : ant2019::kReads) {
    if (read_.value_or(read) != read) {
      continue;
    }
    reply = co_await attempt(ant2019::read_status(read));
    if (reply) {
      read_ = read;
    }
    if (reply || reply.error().fault != Fault::timeout) {
      break;
    }
  }
  const Bytes frame = co_await std::move(reply);
  co_return ant2019::decode_status(frame, sensors_, out);
}

Script Ant::read_status_2021(Sample& out) {
  const Bytes reply = co_await ask(ant2021::read_status());
  co_return ant2021::decode_status(ant2021::data_of(reply), out);
}

Script Ant::read_info(Identity& out) {
  const Bytes reply = co_await ask(ant2021::read(ant2021::kInfoAt, ant2021::kInfoSize));
  ant2021::decode_info(ant2021::data_of(reply), out);
  co_return done();
}

Script Ant::read_limits() {
  for (const auto address : {ant2021::kChargeLimitAt, ant2021::kDischargeLimitAt}) {
    (void)co_await read_setting(address); // without it the configured limits stay in force
  }
  co_return done();
}

Script Ant::read_setting(std::uint16_t address) {
  const Bytes reply = co_await ask(ant2021::read(address, ant2021::kSettingSize));
  ant2021::decode_settings(address, ant2021::data_of(reply), limits_);
  co_return done();
}

void Ant::state_limits(Sample& out) const {
  out.max_charge_current = limits_.charge;
  out.max_discharge_current = limits_.discharge;
}

// -- commands -------------------------------------------------------------------

Script Ant::command(Command command) {
  co_await permitted(config_, command);
  const bool on = command.value == 0; // all of them turn something off
  for (const auto& what : kSwitches) {
    if (what.kind != command.kind) {
      continue;
    }
    if (variant_ == Variant::v2021) {
      co_return co_await switch_2021(on ? what.on_2021 : what.off_2021);
    }
    if (variant_ == Variant::v2019 && what.address_2019 != 0) {
      co_return co_await switch_2019(what, on);
    }
  }
  co_return Error{Fault::unsupported, "an ANT board cannot do that"};
}

Script Ant::switch_2019(const Switch& what, bool on) {
  co_await part(write_2019(what.address_2019, on ? 1 : 0));
  (void)co_await write_2019(ant2019::kApply, 0); // what counts is seen next
  co_return co_await see_2019(what.shown_2019, on);
}

/// A board that is locked wants the password first, and stays unlocked then.
Script Ant::write_2019(std::uint8_t address, std::uint16_t value) {
  const Bytes reply = co_await ask(ant2019::write(address, value));
  if (ant2019::obeyed(reply)) {
    co_return done();
  }
  co_await part(unlock_2019());
  const Bytes second = co_await ask(ant2019::write(address, value));
  co_return ant2019::obeyed(second);
}

/// Two characters at a time; only the last answer tells whether they were right.
Script Ant::unlock_2019() {
  const auto characters = password(config_, kPassword2019);
  if (characters.size() != kPassword2019.size()) {
    co_return Error{Fault::rejected, "the password of these boards has 8 characters"};
  }
  Bytes reply;
  for (std::size_t i = 0; i < characters.size(); i += 2) {
    const auto two = static_cast<std::uint16_t>(static_cast<std::uint8_t>(characters[i]) << 8 |
                                                static_cast<std::uint8_t>(characters[i + 1]));
    reply = co_await ask(ant2019::write(static_cast<std::uint8_t>(ant2019::kPassword + i / 2), two));
  }
  co_return ant2019::obeyed(reply);
}

/// The echo proves that the board has heard; the FET has to show it. A FET that was switched on may stay off
/// for another reason.
Script Ant::see_2019(std::size_t fet, bool on) {
  for (int look = 0; look < kLooks; ++look) {
    Request request = ant2019::read_status(read_.value_or(ant2019::kReads[0]));
    request.gap = kBetweenLooks;
    const Bytes frame = co_await ask(std::move(request));
    const std::uint8_t code = frame[fet];
    if (on ? code != kFetOff && code != kFetSwitchedOff : code != kFetOn) {
      co_return done();
    }
  }
  co_return Error{Fault::unsupported, "the BMS acknowledged, but the FET did not change"};
}

/// Boards were seen to obey without the password; one that does not is told it.
Script Ant::switch_2021(std::uint8_t number) {
  const Result<void> first = co_await send_2021(number);
  if (first) {
    co_return done();
  }
  co_await part(authenticate_2021());
  co_return co_await send_2021(number);
}

Script Ant::send_2021(std::uint8_t number) {
  const Bytes reply = co_await ask(ant2021::command(number));
  co_return ant2021::obeyed(reply);
}

/// What the answer says is not known for certain; the command that follows tells whether it was enough.
Script Ant::authenticate_2021() {
  const auto characters = password(config_, kPassword2021);
  if (characters.size() > kLongestPassword) {
    co_return Error{Fault::rejected, "the password is too long"};
  }
  co_await ask(ant2021::authenticate(characters));
  co_return done();
}

// -- captures -------------------------------------------------------------------

bool Ant::same_request(ByteView wanted, ByteView recorded) const {
  return (ant2019::is_status_request(wanted) && ant2019::is_status_request(recorded)) ||
         ExchangeProtocol::same_request(wanted, recorded);
}

Script Ant::replay(Bytes tx, Identity& identity, Sample& out) {
  if (ant2021::is_request(tx)) {
    co_return co_await replay_2021(std::move(tx), identity, out);
  }
  if (ant2019::is_request(tx)) {
    co_return co_await replay_2019(std::move(tx), out);
  }
  co_return Error{Fault::unsupported, "not a request of this protocol"};
}

/// The parameters of these boards have been documented, but never seen.
Script Ant::replay_2019(Bytes tx, Sample& out) {
  const bool status = ant2019::is_status_request(tx);
  if (!status && !ant2019::is_write(tx)) {
    co_return done();
  }
  const std::uint8_t address = ant2019::address_of(tx);
  const Bytes reply = co_await ask(ant2019::raw(std::move(tx)));
  if (status) {
    co_return ant2019::decode_status(reply, sensors_, out);
  }
  note_write(ant2019::obeyed(reply), address, out);
  co_return done();
}

Script Ant::replay_2021(Bytes tx, Identity& identity, Sample& out) {
  const auto function = ant2021::function_of(tx);
  const std::uint16_t address = ant2021::address_of(tx);
  const Bytes reply = co_await ask(ant2021::raw(std::move(tx)));
  const ByteView data = ant2021::data_of(reply);
  switch (function) {
  case ant2021::kReadStatus: co_return ant2021::decode_status(data, out);
  case ant2021::kRead:
    if (address == ant2021::kInfoAt && data.size() == ant2021::kInfoSize) {
      ant2021::decode_info(data, identity);
    }
    ant2021::decode_settings(address, data, limits_);
    state_limits(out);
    break;
  case ant2021::kCommand: note_write(ant2021::obeyed(reply), address, out); break;
  default: break;
  }
  co_return done();
}

// -- registry -------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 19200}, {.baud = 9600}};
constexpr std::string_view kNames[] = {"ANT", "ANT BMS"};
constexpr ProtocolOption kOptions[] = {
    {"variant", "2019, 2021", "which protocol the board speaks; without it, what it answers"},
    {"sensors", "1..6", "boards of 2019: how many of the six temperatures have a sensor; the others read 0"},
    {"password", "text", "for switching; without it the one that ANT boards come with"},
};

} // namespace

constinit const ProtocolInfo Ant::kInfo = {
    .key = "ant",
    .label = "ANT",
    .about = "ANT BMS, \"Smart ANT\", boards of 2019 and 2021; UART",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .detect_order = 85,
    .first_requests = 2,
    .capabilities = kCapabilities,
    .options = kOptions,
    .exchange = make_exchange<Ant>,
};

} // namespace bmsd::protocols
