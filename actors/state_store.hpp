// State that survives a kill -9: small JSON files in the state directory.
#pragma once

#include "messages/error.hpp"
#include "messages/json.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace bmsd::actors {

/// Thread-safe. Files are written by a thread of their own, so that a slow disk delays nobody.
/// A directory that cannot be written costs persistence, never the daemon.
class StateStore {
public:
  /// Called where a damaged file is found, by the thread that loads it. Set before the first load().
  std::function<void()> on_damage;

  /// An empty directory name keeps everything in memory only.
  explicit StateStore(std::string directory) : directory_(std::move(directory)) {}
  ~StateStore();
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  /// What was saved last, else the content of `name`.json. A damaged file is set aside as
  /// `name`.json.damaged and reported in the log; then, and when there is none, nothing is returned.
  std::optional<Json> load(const std::string& name);
  /// Temporary file, fsync, rename, soon. Writes nothing when the content is what is stored already.
  /// The error is that of the attempt before, if that failed.
  Result<void> save(const std::string& name, const Json& content);
  /// Calls `then` once all that was saved so far is on the disk, or could not be written: at once, or from
  /// the thread that writes.
  void when_written(std::function<void()> then);
  /// False: the last attempt to write it failed.
  bool is_kept(const std::string& name);
  /// Waits until everything is on the disk. The error of a file that could not be written.
  Result<void> flush();

private:
  std::string path(const std::string& name) const;
  void work();
  Result<void> write(const std::string& name, const std::string& text) const;

  const std::string directory_;
  std::mutex mutex_;
  std::condition_variable wake_, written_;
  std::map<std::string, std::string> contents_; ///< what each file holds or is going to
  std::map<std::string, Error> failed_;         ///< the files whose last write failed
  std::deque<std::string> queue_;               ///< the first one is being written
  struct Waiting {
    std::uint64_t count = 0;
    std::function<void()> then;
  };
  std::deque<Waiting> waiting_; ///< by count
  std::uint64_t queued_ = 0, done_ = 0;
  bool end_ = false;
  std::thread writer_;
};

/// Letters, digits and '_' only, for file names, settings paths and bus names.
std::string sanitized(std::string_view text);

} // namespace bmsd::actors
