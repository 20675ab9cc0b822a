// Jobs on disk: an SQLite database in WAL mode, which survives a kill at any moment.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
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

  // Jobs that come at the same time are written together: the disk is waited for once.
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
  // Of their files.
  int64_t FinishedBytes() const;

 private:
  struct Insertion {
    const Job* job;
    bool done = false;
    std::exception_ptr error = nullptr;
  };

  void InsertAll(const std::vector<Insertion*>& batch);
  std::vector<Job> Select(const std::string& rest) const;

  std::mutex mutex_;
  Database database_;  // that writes
  mutable std::mutex read_mutex_;
  mutable Database reader_;  // which does not wait for writes

  std::mutex insertions_mutex_;
  std::condition_variable inserted_;
  std::vector<Insertion*> insertions_;  // that wait
  bool inserting_ = false;
};

}  // namespace t3::serve
