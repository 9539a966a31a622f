// "DR-1363", the frames of YD/T 1363.3 that Daren's boards speak, in both generations: what Daren485 and Ks48100 have
// in common.
//
// Sources: vendor PDF "BASEN Energy Storage Communication Protocol", the README of the daren-485 project, recordings
// of real boards in tests/data/captures/daren_485.jsonl.
#pragma once

#include "protocols/core/protocol.hpp"
#include "protocols/core/yd1363.hpp"

namespace bmsd::protocols {

class Dr1363 : public ExchangeProtocol {
public:
  Script settings(Identity& out) override;
  Script poll(Sample& out) override;
  bool same_request(ByteView wanted, ByteView recorded) const override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

protected:
  enum Service : std::uint8_t {
    kTelemetry = 0x42,
    kParameters = 0x47,
    kVersions = 0x51,
    kModule = 0xB0,
  };
  enum Module : std::uint8_t { kSerial = 3, kTotals = 4 };

  /// What the generations do in different ways.
  struct Generation {
    char start;                                  ///< SOI of requests
    bool any_start;                              ///< SOI of replies is '~' or '>', whatever the request's
    std::uint8_t device;                         ///< CID1 of all services but kModule
    bool grouped;                                ///< telemetry is asked of a group; else of the whole board
    std::uint8_t serial_length;                  ///< "function length" of kModule, kSerial
    std::chrono::milliseconds telemetry, others; ///< until the first byte of a reply
    int polls_per_refresh;                       ///< polls in a minute
  };

  Dr1363(const Generation& generation, const ProtocolConfig& config);

  Request request(std::uint8_t device, std::uint8_t command, ByteView info = {}) const;
  Request read_telemetry() const;
  Request read_parameters() const;
  Request read_versions() const;
  Request read_module(Module module) const;

  Script identify_by_telemetry(Identity& out);
  Script identify_by_serial(Identity& out);
  Script identify_by_versions(Identity& out);

  Result<void> describe(const Bytes& telemetry, Identity& out);

  ProtocolConfig config_;
  std::uint8_t group_; ///< of telemetry

private:
  Script poll_telemetry(Sample& out);
  Script refresh_parameters();
  Script refresh_totals();

  Result<void> decode_telemetry(ByteView info, Sample& out) const;
  Result<void> decode_parameters(ByteView info, Sample& out) const;

  const Generation& generation_;
  std::uint8_t address_;
  std::size_t cells_ = 0; ///< as last told by the BMS; 0: not yet
  int polls_ = 0;
  Sample constant_; ///< what changes slowly, told with every sample
};

} // namespace bmsd::protocols
