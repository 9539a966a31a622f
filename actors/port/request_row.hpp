// What the polls of one battery ask, one request after the other, as far as they have shown it. The port gets such a
// row in one go, so that the session sleeps until the last reply is there.
#pragma once

#include "messages/frame.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace bmsd::actors {

/// The requests of a row from one of them to its end. Those after the first are guesses.
struct RowPart {
  std::shared_ptr<const std::vector<Request>> row; ///< empty: nothing is known to follow
  std::size_t from = 0;

  /// `n` requests further; nullptr: the end.
  const Request* at(std::size_t n) const { return row && n < row->size() - from ? &(*row)[from + n] : nullptr; }
};

/// The same bytes, and the same is taken for the reply to them.
bool same_question(const Request& a, const Request& b);

/// Pure. Learns from a poll in which nothing went wrong, and forgets when something does or was asked for nothing; a
/// protocol that asks something else every time is soon left alone for a while.
class RequestRow {
public:
  /// Longer rows would keep the other batteries of a line waiting.
  static constexpr std::size_t kLongest = 16;

  void poll_begins();
  /// What the script asks now, and what is likely to follow.
  RowPart asked(const Request& request);
  /// Something had to be repeated, or failed.
  void went_wrong();
  /// A reply came that the script had not asked for.
  void in_vain();
  void poll_ended();

private:
  std::shared_ptr<const std::vector<Request>> known_;
  std::vector<Request> heard_;           ///< in this poll, while no row is known
  std::size_t inside_ = 0, outside_ = 0; ///< of the known row were so many requests of this poll
  bool clean_ = true;
  int wrong_guesses_ = 0;
  unsigned polls_ = 0;
};

} // namespace bmsd::actors
