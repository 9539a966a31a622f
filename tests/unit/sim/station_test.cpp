// Whole stations on real ptys and sockets: request bytes in, reply bytes out.
#include "app/sim/byte_line.hpp"
#include "app/sim/lltjbd_sim.hpp"
#include "app/sim/paced_writer.hpp"
#include "app/sim/station.hpp"
#include "support.hpp"

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace bmsd::sim {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::bytes;
using test::hex;

constexpr const char* kReadBasicInfo = "dda50300fffd77";
constexpr std::size_t kBasicInfoReply = 36; // 0x03 with three sensors

struct Stations : testing::Test {
  Stations() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bmssim-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
  }
  ~Stations() override { std::filesystem::remove_all(directory); }

  StationOptions options(std::string_view key) const {
    StationOptions out;
    out.simulator = find_simulator(key);
    out.link = transports::SerialAddress{path()};
    out.device.name = "test";
    return out;
  }
  std::string path() const { return (directory / "pack").string(); }

  void start(const StationOptions& options) {
    auto made = make_station(io, options, [this](const std::string& link) { ready = link; });
    ASSERT_TRUE(made) << to_string(made.error());
    station = std::move(*made);
    fd = ::open(path().c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
    ASSERT_GE(fd, 0);
  }
  void TearDown() override {
    if (fd >= 0) {
      ::close(fd);
    }
  }

  void write(const Bytes& data) const {
    ASSERT_EQ(::write(fd, data.data(), data.size()), static_cast<ssize_t>(data.size()));
  }

  /// Runs the station until `size` bytes have come or the time is up.
  Bytes read(std::size_t size, Clock::duration limit) {
    Bytes out;
    const auto deadline = Clock::now() + limit;
    while (out.size() < size && Clock::now() < deadline) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(1));
      std::array<std::uint8_t, 512> chunk{};
      const auto got = ::read(fd, chunk.data(), chunk.size());
      if (got > 0) {
        ++reads;
        out.insert(out.end(), chunk.begin(), chunk.begin() + got);
        last_byte = Clock::now();
      }
    }
    return out;
  }

  std::filesystem::path directory;
  asio::io_context io;
  std::string ready;
  std::unique_ptr<Station> station;
  int fd = -1;
  int reads = 0;
  Clock::time_point last_byte;
};

TEST_F(Stations, AnswersOnAPty) {
  start(options("lltjbd"));
  EXPECT_EQ(ready, path());
  write(bytes(kReadBasicInfo));
  const auto reply = read(kBasicInfoReply, 2s);
  ASSERT_EQ(reply.size(), kBasicInfoReply);
  EXPECT_EQ(hex(ByteView(reply).first(4)), "dd03001d");
  EXPECT_EQ(reply[4 + 19], 50) << "SoC";
}

TEST_F(Stations, RequestInPiecesAndAfterRubbish) {
  start(options("lltjbd"));
  write(bytes("0077dd"));
  EXPECT_TRUE(read(1, 20ms).empty());
  const auto request = bytes(kReadBasicInfo);
  for (auto byte : ByteView(request).first(request.size() - 1)) {
    write({byte});
    EXPECT_TRUE(read(1, 2ms).empty());
  }
  write({request.back()});
  EXPECT_EQ(read(kBasicInfoReply, 2s).size(), kBasicInfoReply);
}

TEST_F(Stations, TwoRequestsAtOnceAreAnsweredInOrder) {
  start(options("lltjbd"));
  write(bytes("dda50300fffd77dda50400fffc77"));
  const auto replies = read(kBasicInfoReply + 39, 2s);
  ASSERT_EQ(replies.size(), kBasicInfoReply + 39);
  EXPECT_EQ(replies[1], 0x03);
  EXPECT_EQ(replies[kBasicInfoReply + 1], 0x04);
}

TEST_F(Stations, KeepsToTheWireTime) {
  auto paced = options("lltjbd");
  paced.baud = 9600;
  start(paced);
  const double wire = (7 + 36) * 10 / 9.6; // request and reply, ms
  double best = 1e9;                       // of several: a busy machine may be late now and then
  for (int i = 0; i < 8; ++i) {
    reads = 0;
    const auto sent = Clock::now();
    write(bytes(kReadBasicInfo));
    ASSERT_EQ(read(kBasicInfoReply, 5s).size(), kBasicInfoReply);
    const std::chrono::duration<double, std::milli> took = last_byte - sent;
    EXPECT_GE(took.count(), wire - 1.0);
    EXPECT_GE(reads, 2) << "in chunks, not all at the end";
    best = std::min(best, took.count());
  }
  EXPECT_LE(best, wire + 15.0);
}

TEST_F(Stations, ThinksBeforeAnAnswer) {
  auto slow = options("lltjbd");
  slow.answer_delay = 80ms;
  start(slow);
  const auto sent = Clock::now();
  write(bytes(kReadBasicInfo));
  ASSERT_EQ(read(kBasicInfoReply, 2s).size(), kBasicInfoReply);
  EXPECT_GE(last_byte - sent, 80ms);
}

TEST_F(Stations, SilentNeverAnswers) {
  auto silent = options("lltjbd");
  ASSERT_TRUE(silent.faults.set("silent=1"));
  start(silent);
  for (int i = 0; i < 5; ++i) {
    write(bytes(kReadBasicInfo));
    EXPECT_TRUE(read(1, 20ms).empty());
  }
}

TEST_F(Stations, DropsWhatItsSeedSays) {
  auto lossy = options("lltjbd");
  ASSERT_TRUE(lossy.faults.set("drop=0.3"));
  start(lossy);
  FaultInjector same(lossy.faults, lossy.battery.seed);
  Bytes requests;
  Bytes expected;
  for (std::uint8_t reg = 0x40; reg < 0x7C; ++reg) { // 60 registers that this BMS doesn't know
    const auto low = static_cast<std::uint8_t>(0x100 - reg);
    for (int byte : {0xDD, 0xA5, int{reg}, 0x00, 0xFF, int{low}, 0x77}) {
      requests.push_back(static_cast<std::uint8_t>(byte));
    }
    if (!same.next(Clock::now()).lost) {
      const auto refusal = lltjbd_reply(reg, 0x80, {});
      expected.insert(expected.end(), refusal.begin(), refusal.end());
    }
  }
  EXPECT_GE(expected.size() / 7, 30U);
  EXPECT_LE(expected.size() / 7, 52U);
  write(requests);
  EXPECT_EQ(hex(read(expected.size(), 5s)), hex(expected));
  EXPECT_TRUE(read(1, 20ms).empty());
}

TEST_F(Stations, CorruptRepliesAreNeverWhole) {
  auto noisy = options("lltjbd");
  ASSERT_TRUE(noisy.faults.set("corrupt=1"));
  noisy.battery.current = 0.0;
  start(noisy);
  const auto good = bytes("dd05000474657374fe3c77");
  for (int i = 0; i < 50; ++i) {
    write(bytes("dda50500fffb77"));
    const auto reply = read(good.size(), 1s);
    ASSERT_EQ(reply.size(), good.size());
    EXPECT_NE(hex(reply), hex(good));
  }
}

TEST_F(Stations, LivesAtItsSpeed) {
  auto fast = options("lltjbd");
  fast.speed = 36'000.0; // an hour in 0.1 s
  fast.battery.current = -28.0;
  fast.battery.soc = 90.0;
  start(fast);
  int soc = 100;
  const auto deadline = Clock::now() + 5s;
  while (soc > 60 && Clock::now() < deadline) {
    write(bytes(kReadBasicInfo));
    const auto reply = read(kBasicInfoReply, 1s);
    ASSERT_EQ(reply.size(), kBasicInfoReply);
    EXPECT_LE(reply[4 + 19], soc);
    soc = reply[4 + 19];
  }
  EXPECT_LE(soc, 60);
}

TEST_F(Stations, LinkIsRemovedAndAStaleOneReplaced) {
  std::filesystem::create_symlink("/dev/pts/nonsense", path());
  start(options("lltjbd"));
  EXPECT_TRUE(std::filesystem::read_symlink(path()).string().starts_with("/dev/pts/"));
  EXPECT_NE(std::filesystem::read_symlink(path()), "/dev/pts/nonsense");
  station.reset();
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(path())));
}

TEST_F(Stations, NeverReplacesAFile) {
  std::ofstream(path()) << "precious";
  const auto made = make_station(io, options("lltjbd"), [](const std::string&) {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().fault, Fault::link);
  EXPECT_TRUE(std::filesystem::is_regular_file(path()));
}

TEST_F(Stations, SlcanSendsOnlyWhenOpen) {
  auto fast = options("pylontech_can");
  fast.interval = 20ms;
  start(fast);
  EXPECT_TRUE(read(1, 100ms).empty());
  const std::string open = "C\rS6\rO\r";
  write(Bytes(open.begin(), open.end()));
  const auto got = read(3 + 300, 2s);
  const std::string text(got.begin(), got.end());
  EXPECT_TRUE(text.starts_with("\a\r\r")) << text;
  for (const auto* id : {"t3518", "t3554", "t3566", "t3597", "t35C2C000", "t35E850594C4F4E202020\r"}) {
    EXPECT_NE(text.find(id), std::string::npos) << id << " in " << text;
  }
}

TEST_F(Stations, UnreadFramesDoNotPileUp) {
  auto fast = options("pylontech_can");
  fast.interval = 1ms;
  start(fast);
  const std::string open = "S6\rO\r";
  write(Bytes(open.begin(), open.end()));
  const auto deadline = Clock::now() + 300ms;
  while (Clock::now() < deadline) {
    io.restart();
    io.run_one_for(1ms);
  }
  std::array<std::uint8_t, 8192> waiting{};
  EXPECT_GT(::read(fd, waiting.data(), waiting.size()), 0);
  EXPECT_LT(::read(fd, waiting.data(), waiting.size()), 3000);
}

TEST_F(Stations, WrongKindOfLink) {
  auto wrong = options("lltjbd");
  wrong.link = transports::CanAddress{"can0"};
  EXPECT_EQ(make_station(io, wrong, [](const std::string&) {}).error().fault, Fault::unsupported);
  EXPECT_EQ(make_station(io, options("mqtt_json"), [](const std::string&) {}).error().fault, Fault::unsupported);
}

TEST(TcpLine, OneClientAfterAnother) {
  asio::io_context io;
  auto opened = open_tcp_line(io, "127.0.0.1", 0);
  ASSERT_TRUE(opened) << to_string(opened.error());
  auto& line = **opened;
  std::string heard;
  line.on_bytes = [&](ByteView data) {
    heard.append(data.begin(), data.end());
    line.write(data);
  };
  const auto port = static_cast<std::uint16_t>(std::stoi(line.link().substr(line.link().rfind(':') + 1)));
  const auto wait_for = [&io](const auto& condition) {
    const auto deadline = Clock::now() + 5s;
    while (!condition() && Clock::now() < deadline) {
      io.restart();
      io.run_one_for(5ms);
    }
    return condition();
  };
  using asio::ip::tcp;
  asio::io_context other;
  for (const std::string text : {"first", "second"}) {
    heard.clear();
    tcp::socket client(other);
    client.connect({asio::ip::make_address("127.0.0.1"), port});
    client.write_some(asio::buffer(text));
    EXPECT_TRUE(wait_for([&] { return heard == text; })) << heard;
    std::array<char, 16> echo{};
    EXPECT_EQ(client.read_some(asio::buffer(echo)), text.size());
  }
}

TEST(PacedWriter, LastByteOfEachChunkIsOnTime) {
  double best = 1e9; // lateness of the latest chunk, ms, in the best of several runs
  for (int run = 0; run < 8; ++run) {
    asio::io_context io;
    const auto started = Clock::now();
    double latest = 0.0;
    std::size_t total = 0;
    int chunks = 0;
    PacedWriter writer(io, 9600, [&](ByteView data) {
      total += data.size();
      ++chunks;
      const double at = std::chrono::duration<double, std::milli>(Clock::now() - started).count();
      const double due = static_cast<double>(total) / 0.96;
      EXPECT_GE(at, due - 0.5);
      latest = std::max(latest, at - due);
    });
    writer.send(Bytes(34), started);
    writer.send(Bytes(10), started);
    io.run();
    EXPECT_EQ(total, 44U);
    EXPECT_LE(chunks, 9) << "few wake-ups";
    best = std::min(best, latest);
  }
  EXPECT_LE(best, 15.0);
}

TEST(PacedWriter, UnpacedWritesAtOnce) {
  asio::io_context io;
  std::size_t total = 0;
  PacedWriter writer(io, 0, [&](ByteView data) { total += data.size(); });
  writer.send(Bytes(34), Clock::now());
  EXPECT_EQ(total, 34U);
}

} // namespace
} // namespace bmsd::sim
