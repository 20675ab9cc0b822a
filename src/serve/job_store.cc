// The database of jobs.
#include "serve/job_store.h"

#include <utility>

#include "base/check.h"

namespace t3::serve {
namespace {

constexpr int64_t kVersion = 1;

// `number` is the order of submission: times may be equal or go back.
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL,
  status INTEGER NOT NULL,
  created INTEGER NOT NULL,
  started INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_key ON jobs (key, number);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, number);
)";

constexpr const char* kColumns = "id, key, status, created, started, completed, body";

Job JobOfRow(const Statement& row) {
  Job job;
  job.id = row.Text(0);
  job.key = row.Text(1);
  job.status = static_cast<JobStatus>(row.Integer(2));
  job.created = row.Integer(3);
  job.started = row.Integer(4);
  job.completed = row.Integer(5);
  ReadJobBody(row.Text(6), &job);
  return job;
}

}  // namespace

JobStore::JobStore(const std::string& path) : database_(path), reader_(path) {
  database_.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  Statement version = database_.Prepare("PRAGMA user_version");
  version.Step();
  const int64_t found = version.Integer(0);
  T3_CHECK(found == 0 || found == kVersion,
           "{} has jobs in form {}, and this version of t3 reads form {}; wanted another data "
           "folder or the version that wrote it",
           path, found, kVersion);
  database_.Execute(kSchema);
  database_.Execute(fmt::format("PRAGMA user_version = {}", kVersion));
}

void JobStore::InsertAll(const std::vector<Insertion*>& batch) {
  const std::lock_guard lock(mutex_);
  try {
    database_.Execute("BEGIN IMMEDIATE");
    for (const Insertion* insertion : batch) {
      const Job& job = *insertion->job;
      Statement statement = database_.Prepare(
          fmt::format("INSERT INTO jobs ({}) VALUES (?, ?, ?, ?, ?, ?, ?)", kColumns));
      statement.Bind(job.id).Bind(job.key).Bind(static_cast<int64_t>(job.status));
      statement.Bind(job.created).Bind(job.started).Bind(job.completed).Bind(JobBody(job)).Step();
    }
    database_.Execute("COMMIT");
  } catch (...) {
    for (Insertion* insertion : batch) insertion->error = std::current_exception();
    database_.TryRollback();
  }
}

void JobStore::Insert(const Job& job) {
  Insertion own{&job};
  std::unique_lock lock(insertions_mutex_);
  insertions_.push_back(&own);
  while (!own.done) {
    if (inserting_) {
      inserted_.wait(lock);
      continue;
    }
    inserting_ = true;
    const std::vector<Insertion*> batch = std::exchange(insertions_, {});
    lock.unlock();
    InsertAll(batch);
    lock.lock();
    for (Insertion* insertion : batch) insertion->done = true;
    inserting_ = false;
    inserted_.notify_all();
  }
  if (own.error) std::rethrow_exception(own.error);
}

void JobStore::Update(const Job& job) {
  const std::lock_guard lock(mutex_);
  Statement statement = database_.Prepare(
      "UPDATE jobs SET status = ?, started = ?, completed = ?, body = ? WHERE id = ?");
  statement.Bind(static_cast<int64_t>(job.status)).Bind(job.started).Bind(job.completed);
  statement.Bind(JobBody(job)).Bind(job.id).Step();
}

void JobStore::Remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  database_.Prepare("DELETE FROM jobs WHERE id = ?").Bind(id).Step();
}

std::optional<Job> JobStore::Find(const std::string& id) const {
  const std::lock_guard lock(read_mutex_);
  Statement statement = reader_.Prepare(fmt::format("SELECT {} FROM jobs WHERE id = ?", kColumns));
  if (!statement.Bind(id).Step()) return std::nullopt;
  return JobOfRow(statement);
}

JobPage JobStore::List(const std::string& key, const std::string& after, int64_t limit,
                       bool descending) const {
  const std::lock_guard lock(read_mutex_);
  // Where the job `after` has gone the page is the first.
  Statement statement = reader_.Prepare(fmt::format(
      "SELECT {} FROM jobs WHERE key = ? AND (number {} (SELECT number FROM jobs WHERE id = ? AND "
      "key = ?) OR NOT EXISTS (SELECT 1 FROM jobs WHERE id = ? AND key = ?)) ORDER BY number {} "
      "LIMIT ?",
      kColumns, descending ? "<" : ">", descending ? "DESC" : "ASC"));
  statement.Bind(key).Bind(after).Bind(key).Bind(after).Bind(key).Bind(limit + 1);
  JobPage page;
  while (statement.Step()) page.jobs.push_back(JobOfRow(statement));
  page.has_more = std::ssize(page.jobs) > limit;
  if (page.has_more) page.jobs.pop_back();
  return page;
}

std::vector<Job> JobStore::Select(const std::string& rest) const {
  const std::lock_guard lock(read_mutex_);
  Statement statement = reader_.Prepare(fmt::format("SELECT {} FROM jobs {}", kColumns, rest));
  std::vector<Job> jobs;
  while (statement.Step()) jobs.push_back(JobOfRow(statement));
  return jobs;
}

std::vector<Job> JobStore::Unfinished() const {
  return Select("WHERE status IN (0, 1) ORDER BY number");
}

std::vector<Job> JobStore::Finished() const {
  return Select("WHERE status IN (2, 3) ORDER BY completed, number");
}

int64_t JobStore::Count(JobStatus status) const {
  const std::lock_guard lock(read_mutex_);
  Statement statement = reader_.Prepare("SELECT COUNT(*) FROM jobs WHERE status = ?");
  statement.Bind(static_cast<int64_t>(status)).Step();
  return statement.Integer(0);
}

int64_t JobStore::FinishedBytes() const {
  const std::lock_guard lock(read_mutex_);
  Statement statement =
      reader_.Prepare("SELECT SUM(json_extract(body, '$.bytes')) FROM jobs WHERE status IN (2, 3)");
  statement.Step();
  return statement.Integer(0);
}

}  // namespace t3::serve
