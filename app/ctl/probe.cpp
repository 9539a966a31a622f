#include "app/ctl/probe.hpp"

#include "actors/port/link_factory.hpp"
#include "actors/port/search.hpp"
#include "messages/json.hpp"
#include "protocols/core/protocol.hpp"

#include <asio/io_context.hpp>

#include <chrono>
#include <optional>
#include <ostream>

namespace bmsd::app {

namespace {

using namespace actors;
using Clock = std::chrono::steady_clock;

class Probe {
public:
  Probe(const PortConfig& port, const ProbeOptions& options, std::ostream& out)
      : port_(port), options_(options), out_(out), link_(make_link(io_, port)) {}

  Result<void> run() {
    if (auto opened = open(); !opened) {
      return opened;
    }
    if (link_.line) {
      search_line();
    } else {
      listen();
    }
    link_.get()->close();
    if (found_ == 0) {
      return Error{Fault::timeout, "no known BMS found on " + transports::to_string(port_.address)};
    }
    return {};
  }

private:
  static constexpr std::chrono::seconds kListen{6};
  static constexpr int kRounds = 2;
  static constexpr protocols::Patience kAnotherAddress{.requests = 2, .retries = false};

  Result<void> open() {
    std::optional<Result<void>> opened;
    link_.get()->open([&](Result<void> result) { opened = std::move(result); });
    while (!opened && io_.run_one() > 0) {
    }
    return opened.value_or(Error{Fault::link, "cannot open the port"});
  }

  void say(const std::string& text) {
    if (!options_.json) {
      out_ << text << std::flush;
    }
  }

  void report(const protocols::ProtocolInfo& info, std::uint32_t address, const Identity& identity) {
    ++found_;
    if (options_.json) {
      auto json = to_json(identity);
      json["protocol"] = info.key;
      json["address"] = address;
      out_ << json.dump() << std::endl;
      return;
    }
    out_ << "found " << info.label << " (protocol " << info.key << ")";
    if (!identity.model.empty()) {
      out_ << ", model " << identity.model;
    }
    if (identity.cell_count) {
      out_ << ", " << *identity.cell_count << " cells";
    }
    if (!identity.unique_id.empty()) {
      out_ << ", id " << identity.unique_id;
    }
    out_ << "\n";
  }

  // -- ask and answer ---------------------------------------------------------------

  void search_line() {
    SessionPlan plan;
    auto port = std::make_shared<PortPlan>();
    port->config = port_;
    plan.port = port;
    plan.protocol = port_.protocol.empty() ? nullptr : protocols::find_protocol(port_.protocol);
    std::vector<std::optional<std::uint32_t>> addresses(port_.addresses.begin(), port_.addresses.end());
    if (addresses.empty()) {
      addresses = {std::nullopt};
    }
    std::optional<Candidate> found;
    for (const auto& address : addresses) {
      plan.address = address;
      found = found ? also_at(*found, *address) : search_address(plan);
      if (found && !options_.all) {
        return;
      }
    }
    if (found && options_.all && port_.addresses.empty()) {
      list_others(*found);
    }
  }

  /// A quick round, and a patient one if nobody answered.
  std::optional<Candidate> search_address(const SessionPlan& plan) {
    Search search(std::make_shared<const SessionPlan>(plan), std::nullopt);
    for (int round = 0; round < kRounds; ++round) {
      search.begin();
      while (const auto next = search.next()) {
        if (try_one(next->candidate, next->patience)) {
          return next->candidate;
        }
      }
      if (plan.protocol != nullptr) {
        break;
      }
      if (round + 1 < kRounds) {
        say("nobody answered: once more, with patience\n");
      }
    }
    return std::nullopt;
  }

  /// The same protocol at another address. Gives what was found before, whatever comes of it.
  Candidate also_at(Candidate found, std::uint32_t address) {
    auto other = found;
    other.address = address;
    try_one(other, kAnotherAddress);
    return found;
  }

  void list_others(const Candidate& found) {
    const auto& range = found.protocol->chain;
    if (!found.protocol->daisy_chain()) {
      say(std::string(found.protocol->label) + " has no addresses: one battery per line\n");
      return;
    }
    for (auto address = range.first; address <= range.last; ++address) {
      if (address != found.address) {
        also_at(found, address);
      }
    }
  }

  bool try_one(const Candidate& candidate, protocols::Patience patience) {
    const auto started = Clock::now();
    say("trying " + std::string(candidate.protocol->key) + " at " + std::to_string(candidate.line.baud) +
        (candidate.address != 0 ? ", address " + std::to_string(candidate.address) : "") + " ... ");
    protocols::ProtocolConfig config;
    config.address = candidate.address;
    config.options = port_.options;
    auto protocol = candidate.protocol->exchange(config);
    Identity identity;
    protocols::ScriptRunner runner;
    if (auto set = link_.line->set_line(candidate.line); !set) {
      say(set.error().detail + "\n");
      return false;
    }
    runner.start(protocol->identify(identity), patience);
    while (const auto* request = runner.pending()) {
      std::optional<Reply> reply;
      link_.line->exchange(*request, [&](Reply r) { reply = std::move(r); });
      io_.restart();
      while (!reply && io_.run_one() > 0) {
      }
      Reply closed;
      closed.error = {Fault::link, "the port closed"};
      runner.answer(reply ? std::move(*reply) : std::move(closed));
    }
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started).count();
    if (!runner.result()) {
      say(to_string(runner.result().error()) + " (" + std::to_string(ms) + " ms)\n");
      return false;
    }
    say("answered (" + std::to_string(ms) + " ms)\n");
    report(*candidate.protocol, candidate.address, identity);
    return true;
  }

  // -- listening ---------------------------------------------------------------------

  void listen() {
    say("listening for " + std::to_string(kListen.count()) + " s ...\n");
    struct Listener {
      const protocols::ProtocolInfo* info;
      std::unique_ptr<protocols::BroadcastProtocol> protocol;
    };
    std::vector<Listener> listeners;
    std::size_t heard = 0;
    const protocols::ProtocolConfig config{.options = port_.options};
    for (const protocols::ProtocolInfo& info : protocols::registry()) {
      if (info.medium == protocols::Medium::can) {
        listeners.push_back({&info, info.broadcast(config)});
      }
    }
    const auto started = Clock::now();
    const auto now = [&] { return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started); };
    if (link_.bus) {
      link_.bus->on_frame = [&](const CanFrame& frame) {
        ++heard;
        for (auto& listener : listeners) {
          listener.protocol->on_frame(frame, now());
          if (found_ == 0 && listener.protocol->identified(now())) {
            report(*listener.info, 0, listener.protocol->identity());
          }
        }
      };
    }
    const auto* document_info = protocols::find_protocol(port_.protocol.empty() ? "mqtt_json" : port_.protocol);
    auto documents =
        document_info != nullptr && document_info->document != nullptr ? document_info->document(config) : nullptr;
    if (link_.broker && documents) {
      link_.broker->on_document = [&](const Document& document) {
        ++heard;
        Identity identity;
        Sample sample;
        if (auto taken = documents->on_document(document, identity, sample); !taken) {
          say("message refused: " + to_string(taken.error()) + "\n");
        } else if (found_ == 0) {
          report(*document_info, 0, identity);
        }
      };
    }
    io_.restart();
    const auto end = Clock::now() + kListen;
    while (Clock::now() < end && found_ == 0 && io_.run_one_until(end) > 0) {
    }
    if (found_ == 0) {
      say("heard " + std::to_string(heard) + (link_.bus ? " frames" : " messages") + ", none of a known BMS\n");
    }
  }

  asio::io_context io_;
  const PortConfig& port_;
  const ProbeOptions& options_;
  std::ostream& out_;
  MadeLink link_;
  int found_ = 0;
};

} // namespace

Result<void> probe(const PortConfig& port, const ProbeOptions& options, std::ostream& out) {
  return Probe(port, options, out).run();
}

} // namespace bmsd::app
