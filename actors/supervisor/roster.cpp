#include "actors/supervisor/roster.hpp"

#include "actors/state_store.hpp"

namespace bmsd::actors {

namespace {

std::string place_of(const std::string& port, std::uint32_t address) {
  return address == 0 ? sanitized(port) : sanitized(port) + "__" + std::to_string(address);
}

} // namespace

std::string Roster::id_for(const std::string& port, std::uint32_t address, const Identity& identity) {
  const auto place = place_of(port, address);
  const auto& unique = identity.unique_id.empty() ? identity.serial : identity.unique_id;
  auto& seat = seats_[place];
  if (!seat.id.empty() && seat.unique_id == unique && places_[seat.id] == place) {
    seat.vacant = false;
    return seat.id;
  }
  std::string id = sanitized(unique);
  if (id.empty() || port_as_id_) {
    id = place;
  }
  const auto taken = places_.find(id);
  if (taken != places_.end() && taken->second != place && !seats_[taken->second].vacant) {
    id += "_" + place;
  }
  seats_[place] = {unique, id, false};
  places_[id] = place;
  return id;
}

void Roster::vacate(const std::string& port, std::uint32_t address) {
  const auto seat = seats_.find(place_of(port, address));
  if (seat != seats_.end()) {
    seat->second.vacant = true;
  }
}

} // namespace bmsd::actors
