#include "app/ini_reader.hpp"

#include "messages/text.hpp"

#include <ini.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

namespace bmsd::app {

namespace {

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool is_comment(std::string_view text) {
  return text.starts_with(';') || text.starts_with('#');
}

/// From where a comment begins that follows something else on its line.
std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == ';' && is_blank(text[i - 1])) {
      return text.substr(0, i);
    }
  }
  return text;
}

std::string first_word(std::string_view text) {
  const auto end = std::find_if(text.begin(), text.end(),
                                [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_'; });
  return {text.begin(), end};
}

/// Reads through inih, which goes on after a bad line but tells the first one only, keeps 49 characters of a
/// section's name and takes one that is not closed for nothing. So each line is looked at before inih gets it.
class Reader {
public:
  explicit Reader(std::FILE* file) : file_(file) {}

  IniFile read() {
    ini_parse_stream(next_line, this, on_entry, this);
    return std::move(result_);
  }

private:
  /// One line a call, so the count of calls is the line number.
  static char* next_line(char* buffer, int size, void* reader) {
    return static_cast<Reader*>(reader)->next(buffer, size);
  }

  static int on_entry(void* reader, const char*, const char* key, const char* value) {
    static_cast<Reader*>(reader)->take(key, value == nullptr ? "" : value);
    return 1;
  }

  void take(const char* key, const std::string& text) {
    auto& lines = result_.lines;
    if (kind_ == Kind::continuation && !lines.empty()) {
      lines.back().value += " " + text;
    } else {
      lines.push_back({section_, key, text, line_});
    }
  }

  char* next(char* buffer, int size) {
    const long start = std::ftell(file_); // negative: no file but a pipe
    if (std::fgets(buffer, size, file_) == nullptr) {
      return nullptr;
    }
    ++line_;
    // fgets() does not tell how much it has read: after a NUL byte all that follows in the line would be lost unseen.
    const auto length = std::strlen(buffer);
    if (start >= 0 && std::ftell(file_) != start + static_cast<long>(length)) {
      return give_up("a NUL byte: the file is damaged, the rest is ignored");
    }
    size_ += length + 1;
    if (size_ > kMaxBytes) {
      return give_up("the file is too large to be a configuration; the rest is ignored");
    }
    std::string_view text(buffer, length);
    if (line_ == 1 && text.starts_with(kByteOrderMark)) {
      text.remove_prefix(kByteOrderMark.size());
    }
    const bool indented = !text.empty() && is_blank(text.front());
    text = trimmed(text);
    std::string problem;
    const auto before = last_;
    if (length + 1 == static_cast<std::size_t>(size) && buffer[length - 1] != '\n') {
      skip_rest_of_line();
      kind_ = is_comment(text) ? Kind::nothing : Kind::bad;
      problem = kind_ == Kind::nothing ? "" : "the line is longer than " + std::to_string(size - 2) + " characters";
    } else {
      problem = look_at(text, indented);
    }
    if (!problem.empty()) {
      const bool continues = indented && (before == Kind::key || before == Kind::continuation);
      report(continues ? result_.lines.back().key : text.starts_with('[') ? "" : first_word(text), std::move(problem));
    }
    last_ = kind_ == Kind::nothing ? last_ : kind_;
    show(text, buffer);
    return buffer;
  }

  /// What inih gets to see.
  void show(std::string_view text, char* buffer) const {
    switch (kind_) {
    case Kind::key: // not indented, which to inih would be more of another value
      std::memmove(buffer, text.data(), text.size());
      std::strcpy(buffer + text.size(), "\n");
      break;
    case Kind::continuation: break;
    case Kind::section: std::strcpy(buffer, "[]\n"); break;
    case Kind::nothing:
    case Kind::bad: std::strcpy(buffer, "\n"); break;
    }
  }

  char* give_up(const char* why) {
    result_.problems.push_back({line_, why, section_, {}});
    result_.rest_lost = true;
    return nullptr;
  }

  void skip_rest_of_line() {
    int c = 0;
    while ((c = std::fgetc(file_)) != EOF && c != '\n') {
    }
  }

  /// What is wrong with a line; empty: nothing, or nothing new. Sets its kind.
  std::string look_at(std::string_view text, bool indented) {
    if (text.empty() || is_comment(text)) {
      kind_ = Kind::nothing;
      return {};
    }
    const auto before = last_;
    if (std::any_of(text.begin(), text.end(),
                    [](char c) { return c != '\t' && std::iscntrl(static_cast<unsigned char>(c)) != 0; })) {
      kind_ = Kind::bad;
      return "control characters: the file is damaged, or it is no configuration";
    }
    if (indented && before == Kind::bad && text.find_first_of("=:") == std::string_view::npos) { // belongs to it
      kind_ = Kind::bad;
      return {};
    }
    if (indented && (before == Kind::key || before == Kind::continuation)) {
      kind_ = Kind::continuation;
      return {};
    }
    return text.front() == '[' ? begin_section(text) : look_at_key(text);
  }

  /// inih tells of a section only with its first key.
  std::string begin_section(std::string_view text) {
    const auto rest = without_comment(text);
    const auto end = rest.find(']');
    section_ = trimmed(rest.substr(1, end == std::string_view::npos ? end : end - 1));
    result_.lines.push_back({section_, "", "", line_, true});
    kind_ = Kind::section;
    if (end == std::string_view::npos) {
      return "the ] is missing; this is taken for [" + section_ + "]";
    }
    if (!trimmed(rest.substr(end + 1)).empty()) {
      return "there is something after the ], which is ignored";
    }
    return {};
  }

  std::string look_at_key(std::string_view text) {
    const auto equals = without_comment(text).find_first_of("=:");
    const auto key = trimmed(text.substr(0, std::min(equals, text.size())));
    const bool is_key =
        equals != std::string_view::npos && !key.empty() && std::none_of(key.begin(), key.end(), is_blank);
    kind_ = is_key ? Kind::key : Kind::bad;
    return is_key ? "" : "neither a [section] nor KEY = value";
  }

  void report(std::string key, std::string problem) {
    result_.problems.push_back({line_, std::move(problem), section_, std::move(key)});
  }

  std::FILE* file_;
  IniFile result_;
  std::string section_;
  int line_ = 0;
  std::size_t size_ = 0;
  enum class Kind { nothing, section, key, continuation, bad };
  Kind kind_ = Kind::nothing; ///< of the line
  Kind last_ = Kind::nothing; ///< of the last one that was more than blank or a comment
};

} // namespace

Result<IniFile> read_ini(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return Error{Fault::rejected, path + ": " + std::strerror(errno)};
  }
  if (S_ISDIR(info.st_mode)) {
    return Error{Fault::rejected, path + ": is a directory, not a file"};
  }
  if (!S_ISREG(info.st_mode) && !S_ISCHR(info.st_mode)) { // it could be waited for without end
    return Error{Fault::rejected, path + ": is not a file"};
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (!file) {
    return Error{Fault::rejected, path + ": " + std::strerror(errno)};
  }
  return Reader(file.get()).read();
}

} // namespace bmsd::app
