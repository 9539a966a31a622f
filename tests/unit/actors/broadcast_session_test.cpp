// A session that listens to a bus: whose frames they are has to be certain before their values count.
#include "actors/port/session.hpp"
#include "session_fixture.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace bmsd::actors {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class BroadcastSessionTest : public test::SessionTest {
protected:
  BroadcastSessionTest() : SessionTest(protocols::find_protocol("pylontech_can")) { open(); }

  void open() {
    start(spawn_broadcast_session);
    caf::anon_send(actor, LinkState{"toy0", Link::up, {}});
    run();
  }

  static CanFrame frame(std::uint32_t id, std::string_view hex) {
    CanFrame out{.id = id, .extended = false, .data = {}};
    const auto bytes = from_hex(hex);
    for (const auto byte : *bytes) {
      out.data.push_back(byte);
    }
    return out;
  }

  /// A set of frames, and a second later the next may come; `serial`: eight characters, or none.
  void set(const std::string& serial) {
    FrameBatch batch{{frame(0x351, "1402C012C012C201"), frame(0x355, soc), frame(0x356, "7A13F2FE6B01"),
                      frame(0x359, "0000000006504E"), frame(0x35C, "C000")},
                     std::chrono::duration_cast<std::chrono::milliseconds>(now.steady)};
    if (!serial.empty()) {
      batch.frames.push_back(frame(0x380, to_hex(Bytes(serial.begin(), serial.end()))));
    }
    caf::anon_send(actor, batch);
    pass(1s);
  }
  void sets(const std::vector<std::string>& serials) {
    for (const auto& serial : serials) {
      set(serial);
    }
  }
  std::string soc = "58005E00"; ///< 88 %
};

TEST_F(BroadcastSessionTest, ABatteryIsOneThatHasSaidTwiceWhoItIs) {
  set("AAAAAAAA");
  EXPECT_TRUE(seen->identified.empty());
  EXPECT_TRUE(seen->samples.empty());
  set("AAAAAAAA");
  EXPECT_THAT(names(), ElementsAre("AAAAAAAA"));
  EXPECT_FALSE(seen->samples.empty());
}

TEST_F(BroadcastSessionTest, ADamagedSerialNumberIsNoOtherBattery) {
  sets({"AAAAAAAA", "AAAAAAAA", "AAAAAAAA", "AAAAAAAA"});
  sets({"AAAAAAAB", "AAAAAAAA", "AAAAAAAC", "AAAAAAAA", "AAAAAAAA"});
  EXPECT_THAT(names(), ElementsAre("AAAAAAAA"));
}

TEST_F(BroadcastSessionTest, AnotherBatteryIsOneThatStays) {
  sets({"AAAAAAAA", "AAAAAAAA", "AAAAAAAA", "AAAAAAAA"});
  sets({"BBBBBBBB", "BBBBBBBB", "BBBBBBBB"});
  EXPECT_THAT(names(), ElementsAre("AAAAAAAA", "BBBBBBBB"));
}

TEST_F(BroadcastSessionTest, ReasonsToBeCarefulCountAsLongAsImpossibleSetsCome) {
  sets({"AAAAAAAA", "AAAAAAAA", "AAAAAAAA"});
  const auto samples = seen->samples.size();
  const auto failures = seen->failures.size();
  soc = "65005E00"; // 101 %
  sets({"", "", "", "", "", "", "", "", "", ""});
  EXPECT_LE(seen->samples.size(), samples + 1);
  ASSERT_GE(seen->failures.size(), failures + 8);
  EXPECT_LE(seen->failures.size(), failures + 11) << "each counted once";
  for (auto i = failures; i < seen->failures.size(); ++i) {
    ASSERT_TRUE(seen->failures[i].doubtful) << i;
    EXPECT_EQ(seen->failures[i].doubtful->max_charge_voltage, 53.2);
  }
  soc = "58005E00";
  set("AAAAAAAA");
  set("AAAAAAAA");
  EXPECT_GT(seen->samples.size(), samples);
  EXPECT_EQ(names().back(), "AAAAAAAA");
}

} // namespace
} // namespace bmsd::actors
