#include "actors/state_store.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

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

/// Nothing: no regular file, or too large to be state.
std::optional<std::string> read_all(int fd) {
  struct stat info {};
  std::string text;
  bool whole = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  ssize_t n = 1;
  while (whole && n > 0) {
    char buffer[4096];
    n = ::read(fd, buffer, sizeof buffer);
    text.append(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
    whole = text.size() <= kMaxStateBytes && (n >= 0 || errno == EINTR);
    n = n < 0 ? 1 : n;
  }
  return whole ? std::optional(std::move(text)) : std::nullopt;
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

StateStore::~StateStore() {
  {
    std::lock_guard lock(mutex_);
    end_ = true;
  }
  wake_.notify_one();
  if (writer_.joinable()) {
    writer_.join();
  }
}

std::optional<Json> StateStore::load(const std::string& name) {
  {
    std::lock_guard lock(mutex_);
    if (directory_.empty() || std::find(queue_.begin(), queue_.end(), name) != queue_.end()) {
      auto it = contents_.find(name);
      return it == contents_.end() ? std::nullopt : std::optional<Json>(Json::parse(it->second));
    }
  }
  const auto file = path(name);
  const int fd = ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); // a pipe would be waited for
  if (fd < 0) {
    if (errno != ENOENT) { // which may pass: it is not damaged
      spdlog::warn("state file {} cannot be read: {}", file, std::strerror(errno));
    }
    return std::nullopt;
  }
  const auto text = read_all(fd);
  ::close(fd);
  if (text) {
    auto json = Json::parse(*text, nullptr, false);
    if (!json.is_discarded() && json.is_object()) {
      std::lock_guard lock(mutex_);
      contents_.try_emplace(name, *text);
      return json;
    }
  }
  if (on_damage) {
    on_damage();
  }
  auto aside = file + ".damaged";
  bool moved = ::rename(file.c_str(), aside.c_str()) == 0;
  if (!moved) { // what has that name may be of another kind
    aside += "2";
    moved = ::rename(file.c_str(), aside.c_str()) == 0;
  }
  if (moved) {
    spdlog::warn("state file {} is damaged; set aside as {}, starting without it", file, aside);
  } else {
    spdlog::warn("state file {} is damaged and cannot be set aside: {}", file, std::strerror(errno));
  }
  return std::nullopt;
}

Result<void> StateStore::save(const std::string& name, const Json& content) {
  auto text = content.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::lock_guard lock(mutex_);
  const auto failure = failed_.find(name);
  const Result<void> outcome = failure == failed_.end() ? Result<void>() : Result<void>(failure->second);
  auto& known = contents_[name];
  if (known == text && outcome) {
    return {};
  }
  known = std::move(text);
  if (directory_.empty()) {
    return {};
  }
  // The first one may be half written: its new content comes after it.
  if (queue_.size() < 2 || std::find(queue_.begin() + 1, queue_.end(), name) == queue_.end()) {
    queue_.push_back(name);
    ++queued_;
  }
  if (!writer_.joinable()) {
    writer_ = std::thread([this] { work(); });
  }
  wake_.notify_one();
  return outcome;
}

void StateStore::when_written(std::function<void()> then) {
  {
    std::lock_guard lock(mutex_);
    if (done_ < queued_) {
      waiting_.push_back({queued_, std::move(then)});
      return;
    }
  }
  then();
}

bool StateStore::is_kept(const std::string& name) {
  std::lock_guard lock(mutex_);
  return !failed_.contains(name);
}

Result<void> StateStore::flush() {
  std::unique_lock lock(mutex_);
  written_.wait(lock, [this] { return queue_.empty(); });
  return failed_.empty() ? Result<void>() : Result<void>(failed_.begin()->second);
}

void StateStore::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return end_ || !queue_.empty(); });
    if (queue_.empty()) {
      return;
    }
    const auto name = queue_.front();
    const auto text = contents_[name];
    lock.unlock();
    const auto outcome = write(name, text);
    lock.lock();
    if (outcome) {
      failed_.erase(name);
    } else {
      if (failed_.empty()) {
        spdlog::warn("state is not kept: {}", outcome.error().detail);
      }
      failed_[name] = outcome.error();
    }
    queue_.pop_front();
    ++done_;
    written_.notify_all();
    while (!waiting_.empty() && waiting_.front().count <= done_) {
      auto then = std::move(waiting_.front().then);
      waiting_.pop_front();
      lock.unlock();
      then();
      lock.lock();
    }
  }
}

Result<void> StateStore::write(const std::string& name, const std::string& text) const {
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
  return {};
}

} // namespace bmsd::actors
