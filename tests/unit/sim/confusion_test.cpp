// The confusion matrix: every simulated BMS against every protocol, and against the whole search. Nobody is
// taken for another one, whatever the speed of the line.
#include "protocols/core/protocol.hpp"
#include "support.hpp"

#include <algorithm>
#include <array>

namespace bmsd::sim {
namespace {

struct Simulated {
  const SimulatorInfo* info;
  std::string dialect;
};

std::vector<Simulated> everyone() {
  std::vector<Simulated> out;
  for (const SimulatorInfo& info : simulators()) {
    if (info.stream == nullptr) {
      continue;
    }
    if (info.dialects.empty()) {
      out.push_back({&info, ""});
    }
    for (auto dialect : info.dialects) {
      out.push_back({&info, std::string(dialect)});
    }
  }
  return out;
}

/// A line with a BMS at its end.
class Line {
public:
  explicit Line(const Simulated& who)
      : battery_(usual_battery(*who.info)),
        device_(who.info->stream(battery_, {0, "pack", "20240901123", who.dialect})), line_(*device_) {}

  Result<void> identify(const protocols::ProtocolInfo& info, std::uint32_t address) {
    protocols::ProtocolConfig config;
    config.address = address;
    Identity identity;
    const auto protocol = info.exchange(config);
    auto result = line_.run(protocol->identify(identity), {.requests = 2, .retries = false});
    if (result) {
      EXPECT_EQ(identity.protocol, info.key);
    }
    return result;
  }

  Reading reading() const { return battery_.reading(); }

private:
  Battery battery_;
  std::unique_ptr<StreamDevice> device_;
  DirectLine line_;
};

std::vector<std::uint32_t> addresses_of(const protocols::ProtocolInfo& info) {
  return info.addresses.empty() ? std::vector<std::uint32_t>{0}
                                : std::vector<std::uint32_t>(info.addresses.begin(), info.addresses.end());
}

class Confusion : public testing::TestWithParam<Simulated> {};

TEST_P(Confusion, no_other_protocol_takes_it_for_its_own) {
  for (const protocols::ProtocolInfo& info : protocols::registry()) {
    if (info.exchange == nullptr || info.key == GetParam().info->key) {
      continue;
    }
    Line line(GetParam());
    auto addresses = addresses_of(info);
    addresses.insert(addresses.end(), {0, 1, 2, 0x10, 0x30, 0x40});
    for (const auto address : addresses) {
      EXPECT_FALSE(line.identify(info, address)) << "taken for " << info.key << " at address " << address;
    }
  }
}

/// A request of one protocol might be a command of another one.
TEST_P(Confusion, no_question_changes_a_setting) {
  Line line(GetParam());
  const Reading before = line.reading();
  for (const protocols::ProtocolInfo& info : protocols::registry()) {
    if (info.exchange != nullptr) {
      for (const auto address : addresses_of(info)) {
        static_cast<void>(line.identify(info, address));
        const Reading after = line.reading();
        ASSERT_TRUE(after.charge_on == before.charge_on && after.discharge_on == before.discharge_on &&
                    after.balancer_enabled == before.balancer_enabled && after.remaining == before.remaining &&
                    after.capacity == before.capacity)
            << info.key << " at address " << address;
      }
    }
  }
}

TEST_P(Confusion, the_search_finds_it) {
  std::vector<std::reference_wrapper<const protocols::ProtocolInfo>> order;
  for (const protocols::ProtocolInfo& info : protocols::registry()) {
    if (info.exchange != nullptr && info.detect_order >= 0) {
      order.push_back(info);
    }
  }
  std::sort(order.begin(), order.end(), [](const protocols::ProtocolInfo& a, const protocols::ProtocolInfo& b) {
    return a.detect_order < b.detect_order;
  });
  Line line(GetParam());
  for (const protocols::ProtocolInfo& info : order) {
    for (const auto address : addresses_of(info)) {
      if (line.identify(info, address)) {
        EXPECT_EQ(info.key, GetParam().info->key);
        EXPECT_TRUE(std::any_of(info.lines.begin(), info.lines.end(),
                                [](const LineSettings& one) { return one.baud == GetParam().info->baud; }));
        return;
      }
    }
  }
  FAIL() << "not found";
}

INSTANTIATE_TEST_SUITE_P(All, Confusion, testing::ValuesIn(everyone()), [](const auto& info) {
  std::string name = std::string(info.param.info->key) + (info.param.dialect.empty() ? "" : "_" + info.param.dialect);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

} // namespace
} // namespace bmsd::sim
