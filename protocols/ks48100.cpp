#include "protocols/ks48100.hpp"

namespace bmsd::protocols {

using namespace std::chrono_literals;

/// The board is slow: it was seen to need up to three seconds for telemetry.
constexpr Dr1363::Generation Ks48100::kGeneration = {
    .start = '>',
    .any_start = true,
    .device = 0x42,
    .grouped = false,
    .serial_length = 0x56,
    .telemetry = 4000ms,
    .others = 1500ms,
    .polls_per_refresh = 12,
};

namespace {
constexpr std::uint32_t kHighestAddress = 254;
} // namespace

Ks48100::Ks48100(const ProtocolConfig& config) : Dr1363(kGeneration, config) {}

/// The serial number is the quickest answer: without it nobody is there. Telemetry with this CID1 is the proof.
Script Ks48100::identify(Identity& out) {
  if (config_.address > kHighestAddress) {
    co_return Error{Fault::rejected, "addresses are 0 to 254"};
  }
  introduce(kInfo, config_, out);
  co_await part(identify_by_serial(out));
  co_await part(identify_by_telemetry(out));
  co_await part(if_answered(identify_by_versions(out)));
  co_return done();
}

// -- registry -------------------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::uint32_t kAddresses[] = {1};
constexpr std::string_view kNames[] = {"KS48100"};

} // namespace

constinit const ProtocolInfo Ks48100::kInfo = {
    .key = "ks48100",
    .label = "KS48100",
    .about = "KS48100, Bemory, CERRNSS, PAPool, VoltPolska (boards SNS01, Ho20-T1); RS485",
    .aliases = kNames,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 72,
    .chain = {1, 15},
    .poll_interval = 5000ms,
    .exchange = make_exchange<Ks48100>,
};

} // namespace bmsd::protocols
