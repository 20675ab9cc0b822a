// The database of jobs.
#include "serve/job_store.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "serve/ids.h"
#include "serve/testing/temporary_folder.h"

namespace t3::serve {
namespace {

Job NewJob(const std::string& key, const std::string& prompt) {
  Job job;
  job.id = NewVideoId();
  job.key = key;
  job.created = 1000;
  job.prompt = prompt;
  job.seed = 18446744073709551615U;
  return job;
}

TEST(JobStore, KeepsEverything) {
  const TemporaryFolder folder;
  Job job = NewJob("ann", "Ein \"Ballon\" \xc3\xa4\n");
  job.settings["size"] = "256x144";
  job.notes = {"a", "b"};
  job.stages["denoising"] = 1.5;
  {
    JobStore store(folder.path() + "/jobs.sqlite");
    store.Insert(job);
    job.status = JobStatus::kFailed;
    job.error_message = "no";
    job.completed = 5;
    store.Update(job);
  }
  const JobStore store(folder.path() + "/jobs.sqlite");
  const std::optional<Job> found = store.Find(job.id);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(JobBody(*found), JobBody(job));
  EXPECT_EQ(found->status, JobStatus::kFailed);
  EXPECT_EQ(found->key, "ann");
  EXPECT_EQ(found->seed, job.seed);
  EXPECT_EQ(found->completed, 5);
  EXPECT_FALSE(store.Find("video_").has_value());
}

TEST(JobStore, PagesThroughTheJobsOfAKey) {
  const TemporaryFolder folder;
  JobStore store(folder.path() + "/jobs.sqlite");
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    const Job job = NewJob("ann", "p");
    store.Insert(job);
    store.Insert(NewJob("bob", "p"));
    ids.push_back(job.id);
  }
  std::vector<std::string> seen;
  std::string after;
  for (bool more = true; more;) {
    const JobPage page = store.List("ann", after, 2, true);
    for (const Job& job : page.jobs) seen.push_back(job.id);
    more = page.has_more;
    after = seen.back();
  }
  EXPECT_EQ(seen, std::vector<std::string>(ids.rbegin(), ids.rend()));
  EXPECT_EQ(store.List("ann", ids[1], 10, false).jobs.front().id, ids[2]);
  // Another key's id is as good as none.
  EXPECT_EQ(store.List("bob", ids[4], 10, true).jobs.size(), 5U);
  EXPECT_TRUE(store.List("eve", "", 10, true).jobs.empty());
}

TEST(JobStore, ListsWhatIsUnfinishedInOrderOfSubmission) {
  const TemporaryFolder folder;
  JobStore store(folder.path() + "/jobs.sqlite");
  Job first = NewJob("", "1"), second = NewJob("", "2"), third = NewJob("", "3");
  for (const Job& job : {first, second, third}) store.Insert(job);
  second.status = JobStatus::kCompleted;
  first.status = JobStatus::kInProgress;
  store.Update(second);
  store.Update(first);
  const std::vector<Job> unfinished = store.Unfinished();
  ASSERT_EQ(unfinished.size(), 2U);
  EXPECT_EQ(unfinished[0].prompt, "1");
  EXPECT_EQ(unfinished[1].prompt, "3");
  EXPECT_EQ(store.Count(JobStatus::kCompleted), 1);
  store.Remove(second.id);
  EXPECT_EQ(store.Finished().size(), 0U);
}

TEST(JobStore, RefusesALaterForm) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/jobs.sqlite";
  { Database(path).Execute("PRAGMA user_version = 99"); }
  EXPECT_THROW(JobStore{path}, Error);
}

}  // namespace
}  // namespace t3::serve
