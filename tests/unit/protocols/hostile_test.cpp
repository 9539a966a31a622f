// What damaged and foreign replies do to every protocol that asks and answers: nothing.
#include "protocols/capture.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bmsd::protocols {
namespace {

std::vector<Json> captures(std::string_view key) {
  std::ifstream file(std::string(BMSD_TEST_DATA "/captures/") + std::string(key) + ".jsonl");
  std::vector<Json> all;
  for (std::string line; std::getline(file, line);) {
    auto capture = Json::parse(line);
    if (!capture["expect"].contains("error")) {
      all.push_back(std::move(capture));
    }
  }
  return all;
}

/// A capture with another reply in one place, without printing all of it each time.
class CaptureText {
public:
  CaptureText(const Json& capture, Json& exchange) {
    const auto good = std::exchange(exchange["rx"], "@");
    text_ = capture.dump();
    exchange["rx"] = good;
    at_ = text_.find("\"@\"") + 1;
  }
  std::string with(const Bytes& reply) const { return std::string(text_).replace(at_, 1, to_hex(reply)); }

private:
  std::string text_;
  std::size_t at_ = 0;
};

/// Whether `part` says nothing that `whole` does not say: reads that a battery may leave unanswered leave
/// their values out.
bool is_part_of(const Json& part, const Json& whole) {
  if (!part.is_object() || !whole.is_object()) {
    return part == whole;
  }
  for (const auto& [key, value] : part.items()) {
    if (!whole.contains(key) || !is_part_of(value, whole[key])) {
      return false;
    }
  }
  return true;
}

/// Of these no flipped bit can be noticed for certain: a sum and an exclusive-or of the same bytes miss about half
/// of them (eg4_lifepower_test.cpp tells which), and text has no checksum at all.
bool has_weak_checksum(std::string_view key) {
  return key == "eg4_lifepower" || key == "revov" || key == "hlpdatabms4s";
}

class Hostile : public testing::TestWithParam<std::string> {
protected:
  /// Calls `damage(reply, n)` for n = 0, 1, ... until it gives nothing, for every recorded reply.
  template <class Damage>
  void expect_no_other_values(Damage&& damage) {
    std::size_t tried = 0;
    for (auto capture : captures(GetParam())) {
      const auto whole = decode_capture(capture.dump());
      ASSERT_TRUE(whole) << capture["name"];
      const Json truth = Json::parse(*whole);
      for (auto& exchange : capture["exchanges"]) {
        if (!exchange.contains("rx") || !exchange["rx"].is_string()) {
          continue;
        }
        const std::string good = exchange["rx"].get<std::string>();
        const Bytes reply = test::hex(good);
        const CaptureText text(capture, exchange);
        for (std::size_t n = 0; auto damaged = damage(reply, n); ++n) {
          const auto decoded = decode_capture(text.with(*damaged));
          ++tried;
          ASSERT_TRUE(!decoded || is_part_of(Json::parse(*decoded), truth))
              << capture["name"] << ", variant " << n << " of " << good << "\ngives " << *decoded;
        }
      }
    }
    EXPECT_GT(tried, 100U);
  }
};

std::optional<Bytes> flip_bit(const Bytes& reply, std::size_t n) {
  if (n / 8 >= reply.size()) {
    return std::nullopt;
  }
  Bytes flipped = reply;
  flipped[n / 8] = static_cast<std::uint8_t>(flipped[n / 8] ^ 1U << n % 8);
  return flipped;
}

class FlippedBits : public Hostile {};

TEST_P(FlippedBits, change_no_value) {
  expect_no_other_values(flip_bit);
}

class UnseenBits : public Hostile {};

/// What no checksum notices has to be plausible all the same.
TEST_P(UnseenBits, give_nothing_absurd) {
  constexpr double kApart = 0.15; // V per cell
  std::size_t accepted = 0;
  for (auto capture : captures(GetParam())) {
    for (auto& exchange : capture["exchanges"]) {
      const Bytes reply = test::hex(exchange["rx"].get<std::string>());
      const CaptureText text(capture, exchange);
      for (std::size_t n = 0; auto damaged = flip_bit(reply, n); ++n) {
        const auto decoded = decode_capture(text.with(*damaged));
        if (!decoded) {
          continue;
        }
        ++accepted;
        const auto json = Json::parse(*decoded);
        const auto sample = json.value("sample", Json::object());
        double sum = 0;
        for (const auto& volts : sample.value("cell_voltages", Json::array())) {
          ASSERT_TRUE(volts.is_null() || (volts >= 0.0 && volts <= 5.0)) << *decoded;
          sum += volts.is_null() ? 0.0 : volts.get<double>();
        }
        const auto cells = static_cast<double>(sample.value("cell_voltages", Json::array()).size());
        if (sample.contains("voltage") && sum > 0) {
          ASSERT_NEAR(sample["voltage"].get<double>(), sum, kApart * cells + 0.01) << *decoded;
        }
        const double soc = sample.value("soc", 0.0);
        ASSERT_TRUE(soc >= 0 && soc <= 100) << *decoded;
        ASSERT_LE(std::abs(sample.value("current", 0.0)), 1000.0) << *decoded;
      }
    }
  }
  EXPECT_GT(accepted, 0U) << "then it belongs among the others";
}

TEST_P(Hostile, a_reply_that_breaks_off_changes_no_value) {
  expect_no_other_values([](const Bytes& reply, std::size_t n) -> std::optional<Bytes> {
    if (n >= reply.size()) {
      return std::nullopt;
    }
    return Bytes(reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(n));
  });
}

/// What another BMS says is no proof of this one, whatever it is asked.
TEST_P(Hostile, replies_of_other_protocols_identify_nobody) {
  for (const ProtocolInfo& other : registry()) {
    if (other.exchange == nullptr || other.key == GetParam()) {
      continue;
    }
    for (const auto& capture : captures(other.key)) {
      for (const auto& exchange : capture["exchanges"]) {
        if (!exchange.contains("rx") || !exchange["rx"].is_string()) {
          continue;
        }
        const Bytes reply = test::hex(exchange["rx"].get<std::string>());
        const auto protocol = find_protocol(GetParam())->exchange({});
        Identity identity;
        EXPECT_FALSE(test::run(protocol->identify(identity), [&](const Bytes&) { return reply; }))
            << other.key << " " << capture["name"];
      }
    }
  }
}

std::vector<std::string> exchange_protocols(std::optional<bool> weak = std::nullopt) {
  std::vector<std::string> keys;
  for (const ProtocolInfo& info : registry()) {
    if (info.exchange != nullptr && (!weak || *weak == has_weak_checksum(info.key))) {
      keys.emplace_back(info.key);
    }
  }
  return keys;
}

std::string key_of(const testing::TestParamInfo<std::string>& info) {
  return info.param;
}

INSTANTIATE_TEST_SUITE_P(All, Hostile, testing::ValuesIn(exchange_protocols()), key_of);
INSTANTIATE_TEST_SUITE_P(All, FlippedBits, testing::ValuesIn(exchange_protocols(false)), key_of);
INSTANTIATE_TEST_SUITE_P(All, UnseenBits, testing::ValuesIn(exchange_protocols(true)), key_of);

} // namespace
} // namespace bmsd::protocols
