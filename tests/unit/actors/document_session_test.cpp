// A session that gets documents: valid ones of one battery are a sign of life, nothing else is.
#include "actors/port/session.hpp"
#include "session_fixture.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace bmsd::actors {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class DocumentSessionTest : public test::SessionTest {
protected:
  DocumentSessionTest() : SessionTest(protocols::find_protocol("mqtt_json")) {
    start(spawn_document_session);
    caf::anon_send(actor, LinkState{"toy0", Link::up, {}});
    run();
  }

  void document(const std::string& serial, double volts, bool retained = false) {
    const Json tree = {{"Dc", {{"Power", -100}, {"Voltage", volts}, {"Current", -2}}},
                       {"Soc", 63},
                       {"InstalledCapacity", 200},
                       {"Serial", serial}};
    text(tree.dump(), retained);
  }
  void text(const std::string& payload, bool retained = false) {
    caf::anon_send(actor, Document{"topic", payload, retained});
    run();
  }
};

TEST_F(DocumentSessionTest, ASingleDocumentOfAnotherBatteryDoesNotCount) {
  document("A", 51);
  document("B", 44);
  document("A", 51);
  document("B", 44);
  document("A", 51);
  EXPECT_THAT(names(), ElementsAre("A"));
  for (const auto& each : seen->samples) {
    EXPECT_EQ(each.sample.voltage, 51);
  }
  EXPECT_EQ(seen->samples.size(), 3U);
  EXPECT_EQ(seen->failures.size(), 2U) << "it is said that there is one";
}

TEST_F(DocumentSessionTest, AnotherBatteryIsOneThatStays) {
  document("A", 51);
  document("B", 44);
  document("B", 45);
  EXPECT_THAT(names(), ElementsAre("A", "B"));
  EXPECT_EQ(seen->samples.back().sample.voltage, 45);
}

TEST_F(DocumentSessionTest, WhatTheBrokerHasKeptIsNoSignOfLife) {
  document("A", 51, true);
  EXPECT_TRUE(seen->samples.empty());
  EXPECT_TRUE(seen->identified.empty());
  document("A", 52);
  EXPECT_EQ(seen->samples.back().sample.voltage, 52);
}

TEST_F(DocumentSessionTest, WhatIsNoDocumentIsAMissedPoll) {
  document("A", 51);
  for (const char* payload : {"", "{", "[]", "{\"Dc\":7}", "null"}) {
    text(payload);
  }
  EXPECT_EQ(seen->samples.size(), 1U);
  EXPECT_EQ(seen->failures.size(), 5U);
}

} // namespace
} // namespace bmsd::actors
