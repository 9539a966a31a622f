#include "app/ini_reader.hpp"

#include <ini.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

namespace bmsd::app {

namespace {

constexpr std::size_t kMaxBytes = 1 << 20;

struct Reading {
  std::FILE* file = nullptr;
  IniFile result;
  int line = 0;
  std::size_t size = 0;
  bool indented = false;
};

/// inih tells of a section only with its first key.
void note_section(Reading& reading, std::string_view text) {
  const auto end = text.find(']');
  if (text.starts_with('[') && end != std::string_view::npos) {
    reading.result.lines.push_back({std::string(text.substr(1, end - 1)), "", "", reading.line, true});
  }
}

/// inih reads through this, one line a call, so the count of calls is the line number.
char* next_line(char* buffer, int size, void* stream) {
  auto& reading = *static_cast<Reading*>(stream);
  const long before = std::ftell(reading.file); // negative: no file but a pipe
  if (std::fgets(buffer, size, reading.file) == nullptr) {
    return nullptr;
  }
  ++reading.line;
  // fgets() does not tell how much it has read: after a NUL byte all that follows in the line would be lost unseen.
  const auto length = std::strlen(buffer);
  if (before >= 0 && std::ftell(reading.file) != before + static_cast<long>(length)) {
    reading.result.problems.emplace_back(reading.line, "a NUL byte: the file is damaged, the rest is ignored");
    return nullptr;
  }
  reading.size += length + 1;
  if (reading.size > kMaxBytes) {
    reading.result.problems.emplace_back(reading.line,
                                         "the file is too large to be a configuration; the rest is ignored");
    return nullptr;
  }
  if (length + 1 == static_cast<std::size_t>(size) && buffer[length - 1] != '\n') {
    int c = 0;
    while ((c = std::fgetc(reading.file)) != EOF && c != '\n') {
    }
    reading.result.problems.emplace_back(reading.line,
                                         "the line is longer than " + std::to_string(size - 2) + " characters");
    buffer[0] = '\n';
    buffer[1] = '\0';
  }
  reading.indented = buffer[0] == ' ' || buffer[0] == '\t';
  note_section(reading, buffer);
  return buffer;
}

int on_entry(void* user, const char* section, const char* name, const char* value) {
  auto& reading = *static_cast<Reading*>(user);
  auto& lines = reading.result.lines;
  const std::string text = value == nullptr ? "" : value;
  if (reading.indented && !lines.empty() && lines.back().section == section && lines.back().key == name) {
    lines.back().value += " " + text;
  } else {
    lines.push_back({section, name, text, reading.line});
  }
  return 1;
}

} // namespace

Result<IniFile> read_ini(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return Error{Fault::rejected, path + ": " + std::strerror(errno)};
  }
  if (S_ISDIR(info.st_mode)) {
    return Error{Fault::rejected, path + ": is a directory, not a file"};
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (!file) {
    return Error{Fault::rejected, path + ": " + std::strerror(errno)};
  }
  Reading reading;
  reading.file = file.get();
  // inih goes on after a bad line and reports the first one.
  const int bad_line = ini_parse_stream(next_line, &reading, on_entry, &reading);
  if (bad_line > 0) {
    reading.result.problems.emplace_back(bad_line, "neither a [section] nor KEY = value");
  }
  std::sort(reading.result.problems.begin(), reading.result.problems.end());
  return std::move(reading.result);
}

} // namespace bmsd::app
