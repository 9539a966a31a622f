// Whether another battery is where one was, or only a damaged or missing serial number. Pure.
#pragma once

#include <string>
#include <utility>

namespace bmsd::actors {

class OtherName {
public:
  /// The known battery has spoken.
  void none() { times_ = 0; }
  /// Another name than the known one; whether it has been said so often in a row.
  bool said(const std::string& name, int needed) {
    times_ = std::exchange(name_, name) == name ? times_ + 1 : 1;
    return times_ >= needed;
  }

private:
  std::string name_;
  int times_ = 0;
};

} // namespace bmsd::actors
