// Which BMS to try next on a line, and how patiently. Pure; one thread at a time.
#pragma once

#include "actors/port/session_plan.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace bmsd::actors {

class Search {
public:
  using Duration = std::chrono::nanoseconds;
  struct Try {
    Candidate candidate;
    protocols::Patience patience;
  };

  /// `remembered`: what was there before, tried first.
  Search(SessionPlanPtr plan, std::optional<Candidate> remembered);
  /// A session that ends, for whatever reason, lets others of its line search.
  ~Search() { pass_turn(); }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  /// From the first candidate on.
  void begin();
  /// nullopt: the round has ended without success.
  std::optional<Try> next();
  /// There is nobody to look for: others of the line search first, or have found one that is alone.
  bool idle() const { return candidates_.empty(); }
  /// The last one answered.
  void found(const Candidate& candidate);
  /// How long to rest after a round without success.
  Duration rest();
  /// How long to leave a battery of a shared line alone that was silent `times` in a row: the others do not
  /// wait for it. 0: not at all.
  Duration pause(unsigned times) const;
  /// For such a battery.
  protocols::Patience patience_after(unsigned silent) const;

private:
  bool deserves_patience(const Candidate& candidate) const;
  void pass_turn();

  SessionPlanPtr plan_;
  std::optional<Candidate> remembered_;
  std::optional<Candidate> known_; ///< what answered last
  std::vector<Candidate> candidates_;
  std::size_t next_ = 0;
  bool waits_ = false;  ///< for its turn on the line
  unsigned rounds_ = 0; ///< since somebody was found
};

} // namespace bmsd::actors
