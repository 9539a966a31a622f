// What a poll is going to ask, learned from the one before.
#include "actors/port/request_row.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace bmsd::actors {
namespace {

FrameScan scan(ByteView, ByteView, bool) {
  return {};
}
FrameScan other_scan(ByteView, ByteView, bool) {
  return {};
}

Request request(char byte) {
  Request request;
  request.tx = {static_cast<std::uint8_t>(byte)};
  request.scan = scan;
  return request;
}

class RequestRowTest : public testing::Test {
protected:
  /// What the row says of each request of a poll: it, and what follows.
  std::vector<std::string> poll(std::string_view requests) {
    std::vector<std::string> parts;
    row.poll_begins();
    for (const char byte : requests) {
      const auto part = row.asked(request(byte));
      std::string& text = parts.emplace_back();
      for (std::size_t i = 0; part.at(i) != nullptr; ++i) {
        text += static_cast<char>(part.at(i)->tx[0]);
      }
    }
    row.poll_ended();
    return parts;
  }
  using Parts = std::vector<std::string>;

  RequestRow row;
};

TEST_F(RequestRowTest, is_what_the_poll_before_asked) {
  EXPECT_EQ(poll("abc"), (Parts{"", "", ""}));
  EXPECT_EQ(poll("abc"), (Parts{"abc", "bc", "c"}));
}

TEST_F(RequestRowTest, what_is_asked_now_and_then_disturbs_nothing) {
  poll("abc");
  EXPECT_EQ(poll("xabc"), (Parts{"", "abc", "bc", "c"}));
  EXPECT_EQ(poll("abc"), (Parts{"abc", "bc", "c"}));
}

TEST_F(RequestRowTest, that_of_an_unusual_poll_is_replaced) {
  poll("a");
  EXPECT_EQ(poll("abc"), (Parts{"a", "", ""}));
  EXPECT_EQ(poll("abc"), (Parts{"", "", ""}));
  EXPECT_EQ(poll("abc"), (Parts{"abc", "bc", "c"}));
}

TEST_F(RequestRowTest, is_not_learned_from_a_poll_with_repetitions) {
  row.poll_begins();
  row.asked(request('a'));
  row.went_wrong();
  row.asked(request('a'));
  row.poll_ended();
  EXPECT_EQ(poll("ab"), (Parts{"", ""}));
  EXPECT_EQ(poll("ab"), (Parts{"ab", "b"}));
}

TEST_F(RequestRowTest, is_forgotten_when_something_goes_wrong) {
  poll("ab");
  row.poll_begins();
  row.asked(request('a'));
  row.went_wrong(); // and the poll fails
  EXPECT_EQ(poll("ab"), (Parts{"", ""}));
  EXPECT_EQ(poll("ab"), (Parts{"ab", "b"}));
}

TEST_F(RequestRowTest, the_same_bytes_for_another_reply_are_another_question) {
  poll("ab");
  auto other = request('a');
  other.scan = other_scan;
  row.poll_begins();
  EXPECT_EQ(row.asked(other).at(0), nullptr);
  other = request('a');
  ++other.max_reply;
  EXPECT_EQ(row.asked(other).at(0), nullptr);
}

/// As the session does: the line gets the rest of a row in one go, and the session asks for what comes after it.
TEST_F(RequestRowTest, a_row_given_whole_is_more_than_what_came_before_it) {
  poll("abc");
  for (int poll = 0; poll < 3; ++poll) {
    row.poll_begins();
    row.asked(request('x'));
    EXPECT_NE(row.asked(request('a')).at(2), nullptr) << poll;
    row.poll_ended();
  }
}

TEST_F(RequestRowTest, is_forgotten_when_its_guesses_were_wrong) {
  poll("ab");
  row.poll_begins();
  row.asked(request('a'));
  row.in_vain();
  row.asked(request('c'));
  row.poll_ended();
  EXPECT_EQ(poll("ac"), (Parts{"", ""}));
  EXPECT_EQ(poll("ac"), (Parts{"ac", "c"}));
}

TEST_F(RequestRowTest, gives_up_where_nothing_is_usual) {
  for (int guess = 0; guess < 3; ++guess) {
    poll("ab");
    EXPECT_EQ(poll("ab"), (Parts{"ab", "b"}));
    row.in_vain();
  }
  poll("ab");
  EXPECT_EQ(poll("ab"), (Parts{"", ""}));
  for (int later = 0; later < 1000; ++later) {
    poll("ab");
  }
  EXPECT_EQ(poll("ab"), (Parts{"ab", "b"})) << "but tries again some day";
}

TEST_F(RequestRowTest, long_rows_would_keep_others_waiting) {
  const std::string longest(RequestRow::kLongest, 'a');
  poll(longest + "a");
  EXPECT_EQ(poll("a"), (Parts{""})) << "too long to be learned";
  RequestRow other;
  row = other;
  poll(longest);
  EXPECT_EQ(poll("a"), (Parts{longest}));
}

} // namespace
} // namespace bmsd::actors
