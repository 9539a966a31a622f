// Whom a session asks next, how patiently, and how long it rests.
#include "actors/port/search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

namespace bmsd::actors {
namespace {

using namespace std::chrono_literals;

struct SearchTest : testing::Test {
  SearchTest() { plan->port = port; }
  static Candidate candidate(std::string_view key, std::uint32_t address = 0) {
    const auto* info = protocols::find_protocol(key);
    return {info, info->lines[0], address};
  }
  /// One round; what is tried in it.
  static std::vector<Search::Try> round(Search& search) {
    std::vector<Search::Try> out;
    search.begin();
    while (auto next = search.next()) {
      out.push_back(*next);
    }
    return out;
  }
  static bool patient(const Search::Try& one) { return one.patience.retries; }

  std::shared_ptr<PortPlan> port = std::make_shared<PortPlan>();
  std::shared_ptr<SessionPlan> plan = std::make_shared<SessionPlan>();
};

TEST_F(SearchTest, a_quick_round_then_a_patient_one) {
  Search search(plan, std::nullopt);
  const auto first = round(search), second = round(search), third = round(search);
  ASSERT_EQ(first.size(), second.size());
  EXPECT_TRUE(std::none_of(first.begin(), first.end(), patient));
  EXPECT_TRUE(std::all_of(second.begin(), second.end(), patient));
  EXPECT_TRUE(std::none_of(third.begin(), third.end(), patient));
}

TEST_F(SearchTest, what_was_there_before_is_asked_with_patience) {
  Search search(plan, candidate("seplos", 1));
  const auto tries = round(search);
  EXPECT_EQ(tries.front().candidate, candidate("seplos", 1));
  EXPECT_TRUE(patient(tries.front()));
  EXPECT_EQ(std::count_if(tries.begin(), tries.end(), patient), 1);
}

TEST_F(SearchTest, what_the_user_says_is_asked_with_patience) {
  plan->protocol = protocols::find_protocol("seplos");
  Search search(plan, std::nullopt);
  const auto tries = round(search);
  EXPECT_TRUE(std::all_of(tries.begin(), tries.end(), patient));
}

TEST_F(SearchTest, a_lost_battery_is_asked_before_each_other_one) {
  Search search(plan, std::nullopt);
  search.found(candidate("daly"));
  const auto tries = round(search);
  EXPECT_EQ(tries[0].candidate, candidate("daly"));
  EXPECT_NE(tries[1].candidate, candidate("daly"));
  EXPECT_EQ(tries[2].candidate, candidate("daly"));
  EXPECT_EQ(search.rest(), 1s);
  round(search);
  round(search);
  EXPECT_EQ(search.rest(), 2s);
}

TEST_F(SearchTest, rests_longer_while_nobody_is_known) {
  Search search(plan, std::nullopt);
  std::vector<Search::Duration> rests;
  for (int i = 0; i < 7; ++i) {
    round(search);
    rests.push_back(search.rest());
  }
  EXPECT_EQ(rests, (std::vector<Search::Duration>{1s, 2s, 4s, 8s, 16s, 30s, 30s}));
}

TEST_F(SearchTest, batteries_on_one_line_speak_one_protocol) {
  port->config.addresses = {1, 2};
  plan->address = 1;
  auto other = std::make_shared<SessionPlan>(*plan);
  other->address = 2;
  Search first(plan, std::nullopt), second(other, std::nullopt);
  EXPECT_GT(round(second).size(), 3U);
  first.found(candidate("jkbms_pb", 1));
  const auto tries = round(second);
  ASSERT_EQ(tries.size(), 1U);
  EXPECT_EQ(tries[0].candidate, candidate("jkbms_pb", 2));
  EXPECT_EQ(tries[0].patience.requests, 1); // one timeout and no more
}

TEST_F(SearchTest, followers_take_the_other_addresses_of_what_was_found) {
  port->config.all_addresses = true;
  const auto* info = protocols::find_protocol("jkbms_pb");
  Search leader(plan, std::nullopt);
  std::deque<Search> followers;
  for (std::size_t n = 1; n <= 15; ++n) {
    auto one = std::make_shared<SessionPlan>(*plan);
    one->follower = n;
    followers.emplace_back(one, std::nullopt);
  }
  EXPECT_TRUE(round(followers[0]).empty());
  EXPECT_EQ(followers[0].rest(), 1s); // nothing is known of the line yet
  leader.found(candidate("jkbms_pb", 3));
  std::vector<std::uint32_t> addresses;
  for (auto& one : followers) {
    for (const auto& next : round(one)) {
      EXPECT_EQ(next.candidate.protocol, info);
      EXPECT_EQ(next.patience.requests, 1);
      addresses.push_back(next.candidate.address);
    }
  }
  EXPECT_EQ(addresses, (std::vector<std::uint32_t>{1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
  for (int i = 0; i < 12; ++i) {
    round(followers[0]);
  }
  EXPECT_EQ(followers[0].rest(), 300s);
}

TEST_F(SearchTest, a_lost_leader_leaves_the_other_addresses_to_its_followers) {
  port->config.all_addresses = true;
  Search leader(plan, std::nullopt);
  leader.found(candidate("jkbms_pb", 3));
  const auto tries = round(leader);
  ASSERT_EQ(tries.size(), 1U);
  EXPECT_EQ(tries[0].candidate, candidate("jkbms_pb", 3));
}

TEST_F(SearchTest, a_silent_battery_of_a_shared_line_is_left_alone_for_longer_and_longer) {
  port->config.addresses = {1, 2};
  plan->address = 1;
  Search search(plan, std::nullopt);
  search.found(candidate("jkbms_pb", 1));
  EXPECT_EQ(search.pause(1), 0s);
  EXPECT_EQ(search.pause(2), 0s);
  EXPECT_EQ(search.pause(3), 2s);
  EXPECT_EQ(search.pause(4), 4s);
  EXPECT_EQ(search.pause(5), 8s);
  EXPECT_EQ(search.pause(9), 10s);
  EXPECT_TRUE(search.patience_after(0).retries);
  EXPECT_FALSE(search.patience_after(1).retries);
  port->config.addresses = {1};
  EXPECT_EQ(search.pause(9), 0s); // it disturbs nobody
}

TEST_F(SearchTest, on_a_shared_line_one_searches_after_the_other) {
  port->config.addresses = {1, 2};
  auto other_plan = std::make_shared<SessionPlan>();
  other_plan->port = port;
  plan->session = std::make_shared<Slot<SessionActor>>("first");
  other_plan->session = std::make_shared<Slot<SessionActor>>("second");
  port->sessions = {plan->session, other_plan->session};
  plan->address = 1;
  other_plan->address = 2;
  Search first(plan, std::nullopt), second(other_plan, candidate("daly", 2));
  const auto waiting = round(second);
  ASSERT_EQ(waiting.size(), 1U) << "what was there before needs no search";
  EXPECT_EQ(waiting[0].candidate, candidate("daly", 2));
  EXPECT_GT(round(first).size(), 10U);
  EXPECT_TRUE(round(first).empty()) << "now the other one";
  EXPECT_GT(round(second).size(), 10U);
  EXPECT_TRUE(round(second).size() == 1);
  EXPECT_GT(round(first).size(), 10U);
  { // a session that fails in its search does not keep the others waiting
    Search again(other_plan, std::nullopt);
    EXPECT_TRUE(again.next());
  }
  EXPECT_GT(round(first).size(), 10U);
  second.found(candidate("daly", 2));
  const auto rest = round(first);
  ASSERT_EQ(rest.size(), 1U) << "it is known what is spoken here";
  EXPECT_EQ(rest[0].candidate, candidate("daly", 1));
}

} // namespace
} // namespace bmsd::actors
