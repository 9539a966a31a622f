// Which name a battery goes by. Pure.
#pragma once

#include "messages/identity.hpp"
#include "messages/json.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace bmsd::actors {

/// The id of a battery is what its BMS says of itself, so that it keeps its name, instance and
/// history on any port. Two batteries that say the same at the same time (equal packs without
/// serial number) are told apart by their place; so is one that says nothing. Who had an id before
/// the last restart has it again, whoever answers first.
class Roster {
public:
  /// `memory`: what memory() gave in an earlier life; anything else is as nothing.
  explicit Roster(bool port_as_id = false, const Json& memory = {});

  struct Seating {
    std::string id;   ///< empty: not yet
    std::string left; ///< the battery that was here until now and is nowhere else; empty: none
  };
  /// The same battery at the same place keeps its id. Not yet: another place has the id, or had it before the restart
  /// and has not been heard of yet. Maybe that is about to fall silent, because the battery has moved: ask again when
  /// something has changed, or without `may_wait`.
  Seating seat(const std::string& port, std::uint32_t address, const Identity& identity, bool may_wait);

  /// The battery of this place is gone or silent: if it turns up elsewhere, it has moved.
  void vacate(const std::string& port, std::uint32_t address);
  /// The whole port is gone.
  void vacate_port(const std::string& port);

  Json memory() const;

private:
  struct Seat {
    std::string unique_id;
    std::string id;
    bool heard = false; ///< in this life
    bool vacant = false;
  };
  bool port_as_id_;
  std::map<std::string, Seat> seats_; ///< by place; no id twice
};

} // namespace bmsd::actors
