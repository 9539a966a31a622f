// Which name a battery goes by. Pure.
#pragma once

#include "messages/identity.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace bmsd::actors {

/// The id of a battery is what its BMS says of itself, so that it keeps its name, instance and
/// history on any port. Two batteries that say the same at the same time (equal packs without
/// serial number) are told apart by their place; so is one that says nothing.
class Roster {
public:
  explicit Roster(bool port_as_id = false) : port_as_id_(port_as_id) {}

  /// Stable for the life of the roster: the same battery at the same place keeps its id.
  std::string id_for(const std::string& port, std::uint32_t address, const Identity& identity);

  /// The link of this place is gone: if the battery turns up elsewhere, it has moved.
  void vacate(const std::string& port, std::uint32_t address);

private:
  struct Seat {
    std::string unique_id;
    std::string id;
    bool vacant = false;
  };
  bool port_as_id_;
  std::map<std::string, Seat> seats_;         ///< by place
  std::map<std::string, std::string> places_; ///< id -> the place that has it
};

} // namespace bmsd::actors
