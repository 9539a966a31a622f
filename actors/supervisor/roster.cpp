#include "actors/supervisor/roster.hpp"

#include "actors/state_store.hpp"

#include <algorithm>

namespace bmsd::actors {

namespace {

std::string place_of(const std::string& port, std::uint32_t address) {
  return address == 0 ? sanitized(port) : sanitized(port) + "__" + std::to_string(address);
}

/// Whether the place is the port, or an address of it.
bool belongs_to(const std::string& place, const std::string& port) {
  return place == port || place.starts_with(port + "__");
}

} // namespace

Roster::Roster(bool port_as_id, const Json& memory) : port_as_id_(port_as_id) {
  const auto places = memory.is_object() ? memory.find("places") : memory.end();
  if (port_as_id || places == memory.end() || !places->is_object()) {
    return;
  }
  for (const auto& [place, seat] : places->items()) {
    const auto unique = text_at(seat, "unique_id");
    const auto plain = sanitized(unique);
    // Nothing else can have been given to it.
    if (const auto id = text_at(seat, "id"); !plain.empty() && (id == plain || id == plain + "_" + place)) {
      seats_[place] = {unique, id};
    }
  }
  // An id with a place behind it makes sense only beside the one that has the id without.
  std::erase_if(seats_, [this](const auto& entry) {
    const auto plain = sanitized(entry.second.unique_id);
    return entry.second.id != plain &&
           std::none_of(seats_.begin(), seats_.end(), [&](const auto& other) { return other.second.id == plain; });
  });
}

Roster::Seating Roster::seat(const std::string& port, std::uint32_t address, const Identity& identity, bool may_wait) {
  const auto place = place_of(port, address);
  const auto& unique = identity.own_name();
  const auto owner_of = [&](const std::string& id) {
    return std::find_if(seats_.begin(), seats_.end(),
                        [&](const auto& entry) { return entry.first != place && entry.second.id == id; });
  };
  const auto taken = [&](const std::string& id) {
    const auto owner = owner_of(id);
    return owner != seats_.end() && owner->second.heard && !owner->second.vacant;
  };
  Seating seating;
  if (const auto mine = seats_.find(place); mine != seats_.end()) {
    auto& seat = mine->second;
    if (seat.unique_id == unique && !taken(seat.id)) {
      seat.heard = true;
      seat.vacant = false;
      return {seat.id, {}};
    }
    seating.left = seat.heard ? seat.id : std::string();
    seats_.erase(mine);
  }
  seating.id = sanitized(unique);
  if (seating.id.empty() || port_as_id_) {
    seating.id = place;
  }
  if (taken(seating.id)) {
    if (may_wait) {
      return {{}, seating.left};
    }
    seating.id += "_" + place;
  }
  if (const auto owner = owner_of(seating.id); owner != seats_.end()) {
    if (!owner->second.heard && may_wait) {
      return {{}, seating.left};
    }
    seats_.erase(owner); // it has moved
  }
  seats_[place] = Seat{unique, seating.id, true, false};
  return seating;
}

void Roster::vacate(const std::string& port, std::uint32_t address) {
  const auto seat = seats_.find(place_of(port, address));
  if (seat != seats_.end()) {
    seat->second.vacant = true;
  }
}

void Roster::vacate_port(const std::string& port) {
  for (auto& [place, seat] : seats_) {
    seat.vacant = seat.vacant || belongs_to(place, sanitized(port));
  }
}

Json Roster::memory() const {
  Json places = Json::object();
  for (const auto& [place, seat] : seats_) {
    if (!seat.unique_id.empty() && !port_as_id_) {
      places[place] = {{"unique_id", seat.unique_id}, {"id", seat.id}};
    }
  }
  return {{"places", std::move(places)}};
}

} // namespace bmsd::actors
