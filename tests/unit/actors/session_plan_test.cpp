// What is tried on a line, and in which order.
#include "actors/port/session_plan.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace bmsd::actors {
namespace {

struct SessionPlanTest : testing::Test {
  SessionPlanTest() { plan.port = port; }
  Candidate candidate(std::string_view key, std::uint32_t address = 0) const {
    const auto* info = protocols::find_protocol(key);
    return {info, info->lines[0], address};
  }
  static int changes_of_line(const std::vector<Candidate>& list) {
    int changes = 0;
    for (std::size_t i = 1; i < list.size(); ++i) {
      changes += list[i].line == list[i - 1].line ? 0 : 1;
    }
    return changes;
  }

  std::shared_ptr<PortPlan> port = std::make_shared<PortPlan>();
  SessionPlan plan;
};

TEST_F(SessionPlanTest, everything_searchable_is_tried_once_at_each_of_its_lines) {
  const auto list = candidates(plan, std::nullopt);
  for (const protocols::ProtocolInfo& info : protocols::registry()) {
    const auto times = std::count_if(list.begin(), list.end(), [&](const Candidate& c) { return c.protocol == &info; });
    const auto places = info.lines.size() * std::max<std::size_t>(info.addresses.size(), 1);
    EXPECT_EQ(times, info.detect_order >= 0 ? static_cast<std::ptrdiff_t>(places) : 0) << info.key;
  }
}

TEST_F(SessionPlanTest, a_search_may_be_restricted) {
  port->config.search_among = {"daly", "lltjbd"};
  const auto list = candidates(plan, candidate("ant"));
  EXPECT_TRUE(std::all_of(list.begin(), list.end(),
                          [](const Candidate& c) { return c.protocol->key == "daly" || c.protocol->key == "lltjbd"; }));
  EXPECT_EQ(std::count_if(list.begin(), list.end(), [](const Candidate& c) { return c.protocol->key == "lltjbd"; }), 1);
  EXPECT_GT(list.size(), 1U);
}

TEST_F(SessionPlanTest, the_line_is_changed_once_per_kind_of_line) {
  const auto list = candidates(plan, std::nullopt);
  std::vector<LineSettings> kinds;
  for (const auto& one : list) {
    if (std::find(kinds.begin(), kinds.end(), one.line) == kinds.end()) {
      kinds.push_back(one.line);
    }
  }
  // Unusual addresses have a second turn.
  EXPECT_LE(changes_of_line(list), 2 * static_cast<int>(kinds.size()) - 1);
}

TEST_F(SessionPlanTest, what_was_there_before_comes_first) {
  const auto last = candidates(plan, std::nullopt).back();
  const auto list = candidates(plan, last);
  EXPECT_EQ(list.front(), last);
  EXPECT_EQ(std::count(list.begin(), list.end(), last), 1);
}

TEST_F(SessionPlanTest, what_does_not_fit_the_configuration_is_not_remembered) {
  plan.protocol = protocols::find_protocol("lltjbd");
  EXPECT_EQ(candidates(plan, candidate("daly")), candidates(plan, std::nullopt));
  plan.address = 5;
  for (const auto& one : candidates(plan, candidate("lltjbd"))) {
    EXPECT_EQ(one.address, 5U);
  }
  port->config.line = LineSettings{.baud = 57600};
  EXPECT_THAT(candidates(plan, std::nullopt), testing::ElementsAre(Candidate{plan.protocol, {.baud = 57600}, 5}));
}

TEST_F(SessionPlanTest, a_lost_battery_is_looked_for_between_all_others) {
  const auto lost = candidate("daly");
  const auto list = candidates_after_loss(plan, lost);
  ASSERT_GT(list.size(), 4U);
  EXPECT_EQ(list.front(), lost);
  for (std::size_t i = 1; i < list.size(); ++i) {
    EXPECT_TRUE(list[i] == lost || list[i - 1] == lost) << i;
  }
  for (const auto& one : candidates(plan, lost)) {
    EXPECT_NE(std::find(list.begin(), list.end(), one), list.end());
  }
  plan.protocol = lost.protocol;
  EXPECT_THAT(candidates_after_loss(plan, lost), testing::Contains(lost));
}

TEST_F(SessionPlanTest, a_battery_without_an_address_is_for_the_first_session_of_a_shared_line) {
  const auto first = std::make_shared<Slot<SessionActor>>("first");
  const auto second = std::make_shared<Slot<SessionActor>>("second");
  port->config.addresses = {1, 2};
  port->sessions = {first, second};
  const auto lltjbd = candidate("lltjbd"), daly = candidate("daly", 1);
  const auto has = [&](const SessionRef& session, const Candidate& wanted) {
    plan.session = session;
    plan.address = session == first ? 1 : 2;
    port->turn->set(session == first ? 0 : 1);
    const auto list = candidates(plan, std::nullopt);
    return std::any_of(list.begin(), list.end(), [&](const Candidate& c) { return c.protocol == wanted.protocol; });
  };
  EXPECT_TRUE(has(first, lltjbd));
  EXPECT_FALSE(has(second, lltjbd));
  EXPECT_TRUE(has(second, daly));
  port->spoken->set(lltjbd);
  EXPECT_TRUE(has(first, lltjbd));
  EXPECT_THAT(candidates(plan, lltjbd), testing::SizeIs(1));
  EXPECT_FALSE(has(second, lltjbd));
  EXPECT_THAT(candidates(plan, lltjbd), testing::IsEmpty()); // what it remembers counts no more
}

} // namespace
} // namespace bmsd::actors
