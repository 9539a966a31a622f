// Lines of an ini file with their place, read by inih.
#pragma once

#include "messages/error.hpp"

#include <string>
#include <vector>

namespace bmsd::app {

struct IniLine {
  std::string section, key, value;
  int line = 0;
  bool begins = false; ///< no key: the section begins here
};

/// What is wrong with a line. `key` is its first word, whose value is lost; empty if nothing is.
struct IniProblem {
  int line = 0;
  std::string text;
  std::string section, key;
};

struct IniFile {
  std::vector<IniLine> lines;
  std::vector<IniProblem> problems; ///< by line
  bool rest_lost = false;           ///< the last problem: all after it is unknown
};

/// Fault::rejected: the file cannot be read (missing, a directory, no permission). What is wrong
/// inside comes back as problems; the other lines count. Indented lines continue the value before.
Result<IniFile> read_ini(const std::string& path);

} // namespace bmsd::app
