#include "protocols/daren_485.hpp"

namespace bmsd::protocols {

using namespace std::chrono_literals;

constexpr Dr1363::Generation Daren485::kGeneration = {
    .start = '~',
    .any_start = false,
    .device = 0x4A,
    .grouped = true,
    .serial_length = 0x00,
    .telemetry = 1000ms,
    .others = 1000ms,
    .polls_per_refresh = 60,
};

namespace {

constexpr std::uint32_t kHighestAddress = 254;
constexpr std::uint8_t kFirstGroup = 1;

Request once(Request request) {
  request.retries = 0;
  request.first_byte = 500ms;
  return request;
}

} // namespace

Daren485::Daren485(const ProtocolConfig& config) : Dr1363(kGeneration, config) {}

Script Daren485::identify(Identity& out) {
  if (config_.address > kHighestAddress) {
    co_return Error{Fault::rejected, "addresses are 0 to 254"};
  }
  introduce(kInfo, config_, out);
  co_await part(find_group(out));
  co_await part(if_answered(identify_by_versions(out)));
  co_await part(if_answered(identify_by_serial(out)));
  co_return done();
}

/// Recorded boards take the address as the group, the vendor's paper says 1. The reads in between are what the
/// vendor's tool sends to a board that sleeps.
Script Daren485::find_group(Identity& out) {
  Result<Bytes> reply = co_await attempt(read_telemetry());
  const bool refused = reply && !yd1363::info_of(*reply);
  if (refused || (!reply && reply.error().fault == Fault::timeout)) {
    (void)co_await attempt(once(read_versions()));
    (void)co_await attempt(once(read_parameters()));
    group_ = kFirstGroup;
    reply = co_await attempt(read_telemetry());
  }
  const Bytes answer = co_await std::move(reply);
  co_return describe(answer, out);
}

// -- registry -------------------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 19200}, {.baud = 9600}};
constexpr std::uint32_t kAddresses[] = {1};
constexpr std::string_view kNames[] = {"Daren485"};

} // namespace

constinit const ProtocolInfo Daren485::kInfo = {
    .key = "daren_485",
    .label = "Daren485",
    .about = "Daren DR-JC03, DR48100, Basen and unbranded 16S racks; RS485",
    .aliases = kNames,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 70,
    .chain = {1, 15},
    .poll_interval = 1000ms,
    .exchange = make_exchange<Daren485>,
};

} // namespace bmsd::protocols
