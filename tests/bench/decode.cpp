// Cost of understanding a battery: from the bytes, frames or documents of one cycle to a sample.
// The first recording of each protocol that holds a whole cycle is played again and again.
#include "messages/json.hpp"
#include "protocols/core/replay.hpp"

#include <benchmark/benchmark.h>

#include <fstream>
#include <string>

namespace bmsd::protocols {

namespace {

std::vector<Json> captures(std::string_view key) {
  std::ifstream file(std::string(BMSD_TEST_DATA "/captures/") + std::string(key) + ".jsonl");
  std::vector<Json> all;
  for (std::string line; std::getline(file, line);) {
    all.push_back(Json::parse(line));
  }
  return all;
}

ProtocolConfig config_of(const Json& capture) {
  ProtocolConfig config;
  if (auto it = capture.find("config");
      it != capture.end() && it->contains("address") && (*it)["address"].is_number()) {
    config.address = (*it)["address"].get<std::uint32_t>();
  }
  return config;
}

void poll_cycle(benchmark::State& state, const ProtocolInfo& info) {
  for (const auto& capture : captures(info.key)) {
    std::vector<Exchange> exchanges;
    for (const auto& item : capture["exchanges"]) {
      if (item.contains("tx") && item["tx"].is_string() && item["rx"].is_string()) {
        exchanges.push_back({*from_hex(item["tx"].get<std::string>()), *from_hex(item["rx"].get<std::string>())});
      }
    }
    const auto protocol = info.exchange(config_of(capture));
    Recording recording(*protocol, exchanges);
    Sample sample;
    if (!play(protocol->poll(sample), recording) || !sample.voltage || sample.cell_voltages.empty()) {
      continue;
    }
    for (auto _ : state) {
      sample = {};
      benchmark::DoNotOptimize(play(protocol->poll(sample), recording));
    }
    return;
  }
  state.SkipWithError("no recording of a whole cycle");
}

void frames(benchmark::State& state, const ProtocolInfo& info) {
  const auto capture = captures(info.key).front();
  std::vector<CanFrame> list;
  for (const auto& item : capture["exchanges"][0]["rx"]) {
    CanFrame frame;
    frame.id = static_cast<std::uint32_t>(std::stoul(item["id"].get<std::string>(), nullptr, 16));
    frame.extended = item["id"].get<std::string>().size() > 3;
    const Bytes data = *from_hex(item["data"].get<std::string>());
    for (auto byte : data) {
      frame.data.push_back(byte);
    }
    list.push_back(frame);
  }
  const auto protocol = info.broadcast(config_of(capture));
  std::chrono::milliseconds now{0};
  for (auto _ : state) {
    now += std::chrono::seconds(1);
    for (const auto& frame : list) {
      protocol->on_frame(frame, now);
    }
    benchmark::DoNotOptimize(protocol->partial(now));
  }
}

void document(benchmark::State& state, const ProtocolInfo& info) {
  const auto capture = captures(info.key).front();
  const Document content{"topic", capture["exchanges"][0]["rx"].get<std::string>(), false};
  const auto protocol = info.document(config_of(capture));
  Identity identity;
  Sample sample;
  for (auto _ : state) {
    benchmark::DoNotOptimize(protocol->on_document(content, identity, sample));
  }
}

const bool kRegistered = [] {
  for (const ProtocolInfo& info : registry()) {
    const auto run = info.exchange != nullptr ? poll_cycle : info.broadcast != nullptr ? frames : document;
    benchmark::RegisterBenchmark(("decode/" + std::string(info.key)).c_str(),
                                 [run, &info](benchmark::State& state) { run(state, info); });
  }
  return true;
}();

} // namespace

} // namespace bmsd::protocols
