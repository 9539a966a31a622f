#include "actors/state_store.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace bmsd::actors {

namespace {

constexpr std::size_t kMaxStateBytes = 1 << 20;

Error failure(const std::string& what, const std::string& path) {
  return {Fault::rejected, what + " " + path + ": " + std::strerror(errno)};
}

Result<void> write_all(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) {
    return failure("cannot create", path);
  }
  std::size_t done = 0;
  while (done < text.size()) {
    const auto n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      auto error = failure("cannot write", path);
      ::close(fd);
      return error;
    }
    done += static_cast<std::size_t>(n);
  }
  const bool synced = ::fsync(fd) == 0;
  if (::close(fd) != 0 || !synced) {
    return failure("cannot sync", path);
  }
  return {};
}

void sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
}

} // namespace

std::string sanitized(std::string_view text) {
  std::string clean;
  for (char c : text) {
    clean += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return clean;
}

std::string StateStore::path(const std::string& name) const {
  return directory_ + "/" + sanitized(name) + ".json";
}

std::optional<Json> StateStore::load(const std::string& name) {
  std::lock_guard lock(mutex_);
  if (directory_.empty()) {
    auto it = written_.find(name);
    return it == written_.end() ? std::nullopt : std::optional<Json>(Json::parse(it->second));
  }
  const auto file = path(name);
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    return std::nullopt;
  }
  std::string text(std::istreambuf_iterator<char>(stream), {});
  auto json = text.size() <= kMaxStateBytes ? Json::parse(text, nullptr, false) : Json(Json::value_t::discarded);
  if (!stream.bad() && !json.is_discarded() && json.is_object()) {
    written_[name] = text;
    return json;
  }
  const auto aside = file + ".damaged";
  if (::rename(file.c_str(), aside.c_str()) == 0) {
    spdlog::warn("state file {} is damaged; set aside as {}, starting without it", file, aside);
  } else {
    spdlog::warn("state file {} is damaged and cannot be set aside: {}", file, std::strerror(errno));
  }
  return std::nullopt;
}

Result<void> StateStore::save(const std::string& name, const Json& content) {
  std::lock_guard lock(mutex_);
  auto text = content.dump() + "\n";
  auto& known = written_[name];
  if (known == text) {
    return {};
  }
  if (!directory_.empty()) {
    const auto file = path(name);
    const auto temporary = file + ".new";
    if (::mkdir(directory_.c_str(), 0755) != 0 && errno != EEXIST) {
      return failure("cannot create", directory_);
    }
    if (auto written = write_all(temporary, text); !written) {
      ::unlink(temporary.c_str());
      return written;
    }
    if (::rename(temporary.c_str(), file.c_str()) != 0) {
      return failure("cannot replace", file);
    }
    sync_directory(directory_);
  }
  known = std::move(text);
  return {};
}

} // namespace bmsd::actors
