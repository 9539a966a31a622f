// The reply is found, or the reason why not, whatever the line delivers.
#include "fake_jbd.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/framing.hpp"
#include "protocols/lltjbd_frame.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <random>

namespace bmsd::protocols {
namespace {

using test::FakeJbd;
using test::hex;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

FrameScan scan(const Request& request, ByteView rx, bool silence = false) {
  return request.scan(request.tx, rx, silence);
}

/// All recorded exchanges whose reply is valid.
std::vector<Exchange> recorded() {
  std::vector<Exchange> out;
  std::ifstream file(BMSD_TEST_DATA "/captures/lltjbd.jsonl");
  for (std::string line; std::getline(file, line);) {
    const auto capture = nlohmann::json::parse(line);
    for (const auto& item : capture["exchanges"]) {
      Exchange exchange{hex(item["tx"].get<std::string>()), hex(item["rx"].get<std::string>())};
      if (receive(jbd::raw(exchange.tx), exchange.rx).error.fault == Fault::none) {
        out.push_back(std::move(exchange));
      }
    }
  }
  return out;
}

const Bytes kCells = hex("dd0400080f450f3d0f370f3dfec677");

TEST(Framing, every_split_of_the_stream_ends_at_the_same_frame) {
  for (const auto& [tx, rx] : recorded()) {
    const auto request = jbd::raw(tx);
    const auto whole = scan(request, rx);
    ASSERT_EQ(whole.state, FrameScan::State::complete);
    for (std::size_t n = 0; n < whole.begin + whole.size; ++n) {
      const auto part = scan(request, ByteView(rx).first(n));
      ASSERT_EQ(part.state, FrameScan::State::incomplete);
      EXPECT_GE(part.need, 1u);
      EXPECT_LE(n + part.need, whole.begin + whole.size) << "would wait for bytes that never come";
    }
  }
}

TEST(Framing, every_truncation_is_an_error) {
  for (const auto& [tx, rx] : recorded()) {
    for (std::size_t n = 0; n < rx.size(); ++n) {
      EXPECT_NE(receive(jbd::raw(tx), ByteView(rx).first(n)).error.fault, Fault::none);
    }
  }
}

TEST(Framing, no_single_bit_error_passes) {
  for (const auto& [tx, rx] : recorded()) {
    const auto good = receive(jbd::raw(tx), rx);
    for (std::size_t bit = 0; bit < rx.size() * 8; ++bit) {
      Bytes bad = rx;
      bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1U << bit % 8);
      const auto reply = receive(jbd::raw(tx), bad);
      if (reply.error.fault == Fault::none) { // the damage was in front of the frame
        EXPECT_LT(bit / 8, good.begin);
        EXPECT_TRUE(std::equal(reply.view().begin(), reply.view().end(), good.view().begin(), good.view().end()));
      }
    }
  }
}

TEST(Framing, garbage_in_front_is_skipped) {
  for (const auto* garbage : {"00", "0f3e", "dd", "dddd", "dd77", "dd040008", "7777dd0300", "dd04000100ff"}) {
    const auto reply = receive(jbd::read(0x04), hex(garbage) + kCells);
    EXPECT_EQ(reply.error.fault, Fault::none) << garbage;
    EXPECT_EQ(reply.size, kCells.size());
  }
}

TEST(Framing, a_late_answer_to_another_register_is_skipped_whole) {
  // Its payload looks like the answer that is waited for.
  const Bytes late = FakeJbd::reply(0x03, 0, kCells);
  const auto alone = receive(jbd::read(0x04), late);
  EXPECT_EQ(alone.error.fault, Fault::framing);
  EXPECT_EQ(alone.error.detail, "answer to another register");
  const Bytes wanted = FakeJbd::reply(0x04, 0, hex("0f46"));
  const auto both = receive(jbd::read(0x04), late + wanted);
  ASSERT_EQ(both.error.fault, Fault::none);
  EXPECT_EQ(both.begin, late.size());
}

TEST(Framing, payload_may_hold_start_and_end_bytes) {
  const Bytes payload = hex("dd0400dd77dd77dddd7777");
  const auto reply = receive(jbd::read(0x04), FakeJbd::reply(0x04, 0, payload));
  ASSERT_EQ(reply.error.fault, Fault::none);
  EXPECT_EQ(reply.size, payload.size() + 7);
}

TEST(Framing, the_most_telling_fault_is_reported) {
  const Bytes bad_sum = hex("dd0400080f450f3d0f370f3dfec577");
  const Bytes bad_end = hex("dd0400080f450f3d0f370f3dfec600");
  EXPECT_EQ(receive(jbd::read(0x04), bad_sum).error.fault, Fault::checksum);
  EXPECT_EQ(receive(jbd::read(0x04), bad_end).error.detail, "wrong end byte");
  EXPECT_EQ(receive(jbd::read(0x04), bad_end + bad_sum).error.fault, Fault::checksum);
  EXPECT_EQ(receive(jbd::read(0x04), bad_sum + bad_end).error.fault, Fault::checksum);
  EXPECT_EQ(receive(jbd::read(0x04), {}).error.fault, Fault::timeout);
}

TEST(Framing, random_bytes_never_pass_without_a_valid_checksum) {
  std::mt19937 random(1);
  const auto samples = recorded();
  int accepted = 0;
  for (int i = 0; i < 100'000; ++i) {
    const auto& [tx, rx] = samples[random() % samples.size()];
    Bytes line = rx;
    if (i % 2 == 0) {
      line.resize(random() % 64);
      std::generate(line.begin(), line.end(),
                    [&] { return static_cast<std::uint8_t>(random() % 4 ? random() : 0xDD); });
    } else {
      for (unsigned n = random() % 4; n > 0; --n) {
        line[random() % line.size()] = static_cast<std::uint8_t>(random());
      }
    }
    const auto reply = receive(jbd::raw(tx), line);
    if (reply.error.fault == Fault::none) {
      ++accepted;
      const auto frame = reply.view();
      ASSERT_EQ(frame[1], tx[2]);
      ASSERT_EQ(frame.size(), frame[3] + 7u);
      ASSERT_EQ(be16(frame, frame.size() - 3), negated_sum16(frame.subspan(2, frame.size() - 5)));
    }
  }
  EXPECT_GT(accepted, 1000); // unharmed ones among them
}

} // namespace
} // namespace bmsd::protocols
