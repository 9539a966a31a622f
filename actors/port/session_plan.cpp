#include "actors/port/session_plan.hpp"

#include <algorithm>

namespace bmsd::actors {

namespace {

constexpr std::uint32_t kNoAddress = 0;

Parity parity_of(const std::string& text) {
  return text == "even" ? Parity::even : text == "odd" ? Parity::odd : Parity::none;
}

const char* text_of(Parity parity) {
  return parity == Parity::even ? "even" : parity == Parity::odd ? "odd" : "none";
}

/// One of the first addresses that a protocol has: where nearly all batteries are that stand alone.
bool is_usual(const Candidate& candidate) {
  constexpr std::size_t kUsual = 3;
  const auto& addresses = candidate.protocol->addresses;
  const auto first = addresses.first(std::min(addresses.size(), kUsual));
  return addresses.empty() || std::find(first.begin(), first.end(), candidate.address) != first.end();
}

bool wanted(const SessionPlan& plan, const protocols::ProtocolInfo& info) {
  const auto& among = plan.port->config.search_among;
  return among.empty() || std::find(among.begin(), among.end(), info.key) != among.end();
}

/// A battery without an address is alone on its line, even if others are looked for there: the first session finds it.
bool is_mine(const SessionPlan& plan, const protocols::ProtocolInfo& info) {
  const auto& all = plan.port->sessions;
  return info.has_addresses() || !plan.port->is_shared() || all.empty() || all.front() == plan.session;
}

bool fits(const SessionPlan& plan, const Candidate& candidate) {
  return wanted(plan, *candidate.protocol) && is_mine(plan, *candidate.protocol) &&
         (plan.protocol == nullptr || candidate.protocol == plan.protocol) &&
         (!plan.address || candidate.address == *plan.address) &&
         (!plan.port->config.line || candidate.line == *plan.port->config.line);
}

/// The nth address of the range without the one that is taken.
std::optional<std::uint32_t> nth_other(const protocols::AddressRange& range, std::uint32_t taken, std::size_t n) {
  for (auto address = range.first; address <= range.last && range.last > range.first; ++address) {
    if (address != taken && --n == 0) {
      return address;
    }
  }
  return std::nullopt;
}

} // namespace

std::string place_name(const SessionPlan& plan) {
  auto place = sanitized(plan.port->config.name);
  if (plan.follower > 0) {
    return place + "__n" + std::to_string(plan.follower);
  }
  return plan.address && *plan.address != 0 ? place + "__" + std::to_string(*plan.address) : place;
}

std::optional<Candidate> remembered_candidate(StateStore& store, const std::string& place) {
  const auto json = store.load("port_" + place);
  if (!json) {
    return std::nullopt;
  }
  const auto number = [&](const char* key) {
    const auto it = json->find(key);
    const auto value = it != json->end() && it->is_number() ? it->get<double>() : -1.0;
    return value >= 0 && value <= 1e7 ? static_cast<int>(value) : -1;
  };
  const auto* protocol = protocols::find_protocol(text_at(*json, "protocol"));
  const auto baud = number("baud");
  const auto address = number("address");
  if (protocol == nullptr || baud <= 0 || address < 0) {
    return std::nullopt;
  }
  return Candidate{protocol, {baud, parity_of(text_at(*json, "parity"))}, static_cast<std::uint32_t>(address)};
}

void remember_candidate(StateStore& store, const std::string& place, const Candidate& candidate) {
  const Json json = {{"protocol", candidate.protocol->key},
                     {"baud", candidate.line.baud},
                     {"parity", text_of(candidate.line.parity)},
                     {"address", candidate.address}};
  // A state directory that cannot be written costs the head start of the next search, no more.
  [[maybe_unused]] const auto saved = store.save("port_" + place, json);
}

bool waits_for_turn(const SessionPlan& plan) {
  const auto& all = plan.port->sessions;
  const auto turn = plan.port->turn->get();
  return plan.protocol == nullptr && plan.address && plan.port->is_shared() && !plan.port->spoken->get() &&
         turn < all.size() && all[turn] != plan.session;
}

std::vector<Candidate> candidates(const SessionPlan& plan, const std::optional<Candidate>& remembered) {
  const auto spoken = plan.port->is_shared() ? plan.port->spoken->get() : std::nullopt;
  if (plan.follower > 0) {
    const auto address = spoken ? nth_other(spoken->protocol->chain, spoken->address, plan.follower) : std::nullopt;
    return address ? std::vector{Candidate{spoken->protocol, spoken->line, *address}} : std::vector<Candidate>();
  }
  if (spoken) { // the other addresses are those of others
    return is_mine(plan, *spoken->protocol)
               ? std::vector{Candidate{spoken->protocol, spoken->line, plan.address.value_or(spoken->address)}}
               : std::vector<Candidate>();
  }
  if (waits_for_turn(plan)) {
    return remembered && fits(plan, *remembered) ? std::vector{*remembered} : std::vector<Candidate>();
  }
  std::vector<const protocols::ProtocolInfo*> order;
  for (const protocols::ProtocolInfo& info : protocols::registry()) {
    const bool searched = info.detect_order >= 0 || !plan.port->config.search_among.empty();
    if (info.medium == protocols::Medium::serial && searched && wanted(plan, info) && is_mine(plan, info)) {
      order.push_back(&info);
    }
  }
  std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->detect_order < b->detect_order; });
  if (plan.protocol != nullptr) {
    order = {plan.protocol};
  }
  std::vector<Candidate> all;
  for (const auto* info : order) {
    std::vector<LineSettings> lines(info->lines.begin(), info->lines.end());
    if (plan.port->config.line) {
      lines = {*plan.port->config.line};
    }
    std::vector<std::uint32_t> addresses(info->addresses.begin(), info->addresses.end());
    if (plan.address) {
      addresses = {*plan.address};
    } else if (addresses.empty()) {
      addresses = {kNoAddress};
    }
    for (const auto& line : lines) {
      for (auto address : addresses) {
        all.push_back({info, line, address});
      }
    }
  }
  // Groups of equal line settings, in the order of their first member.
  std::vector<Candidate> grouped;
  if (remembered && fits(plan, *remembered)) {
    grouped.push_back(*remembered);
  }
  const auto add_by_line = [&](bool usual) {
    std::vector<LineSettings> lines;
    for (const auto& candidate : all) {
      if (std::find(lines.begin(), lines.end(), candidate.line) == lines.end()) {
        lines.push_back(candidate.line);
      }
    }
    for (const auto& line : lines) {
      for (const auto& candidate : all) {
        if (candidate.line == line && is_usual(candidate) == usual &&
            std::find(grouped.begin(), grouped.end(), candidate) == grouped.end()) {
          grouped.push_back(candidate);
        }
      }
    }
  };
  add_by_line(true);
  add_by_line(false);
  return grouped;
}

std::vector<Candidate> candidates_after_loss(const SessionPlan& plan, const Candidate& lost) {
  std::vector<Candidate> out = {lost};
  for (const auto& candidate : candidates(plan, lost)) {
    if (candidate != lost) {
      out.push_back(candidate);
      out.push_back(lost);
    }
  }
  return out;
}

protocols::ProtocolConfig protocol_config(const Core& core, const SessionPlan& plan, std::uint32_t address) {
  const auto& port = plan.port->config;
  const auto setup = core.config()->setup_of(port.name, {});
  protocols::ProtocolConfig config;
  config.address = address;
  config.soc_low_warning = setup.settings.soc_low_warning;
  config.soc_low_alarm = setup.settings.soc_low_alarm;
  config.soc_alarms = !setup.settings.soc_calculation;
  config.battery_capacity = setup.settings.battery_capacity;
  config.allow_writes = port.allow_writes;
  config.options = port.options;
  return config;
}

} // namespace bmsd::actors
