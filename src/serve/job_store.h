// Jobs on disk: an SQLite database in WAL mode, which survives a kill at any moment.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "serve/job.h"
#include "serve/sqlite.h"

namespace t3::serve {

struct JobPage {
  std::vector<Job> jobs;
  bool has_more = false;
};

// For use from several threads. Every change is on disk when its call returns. Throws Error when
// the database cannot be read or written (a full disk).
class JobStore {
 public:
  // Creates the file where there is none. Throws Error for a database of another program or of a
  // later version.
  explicit JobStore(const std::string& path);

  void Insert(const Job& job);
  void Update(const Job& job);
  void Remove(const std::string& id);
  std::optional<Job> Find(const std::string& id) const;

  // Jobs of `key` in order of submission or the reverse, from behind the job `after`, which need
  // not exist ("": from the beginning).
  JobPage List(const std::string& key, const std::string& after, int64_t limit,
               bool descending) const;
  // Queued and running ones in order of submission.
  std::vector<Job> Unfinished() const;
  // Completed and failed ones, the earliest finished first.
  std::vector<Job> Finished() const;
  int64_t Count(JobStatus status) const;

 private:
  std::vector<Job> Select(const std::string& rest) const;

  mutable std::mutex mutex_;
  mutable Database database_;
};

}  // namespace t3::serve
