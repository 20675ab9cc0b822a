// Supervision, with shell scripts in place of workers.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "serve/ids.h"
#include "serve/testing/temporary_folder.h"
#include "serve/worker_process.h"
#include "serve/worker_slot.h"
#include "serve/workers.h"

namespace t3::serve {
namespace {

using namespace std::chrono_literals;

constexpr const char* kReady =
    R"(echo '{"event":"ready","device":"cpu","image_to_video":false,"defaults":{}}')";
constexpr const char* kId = R"=(id=$(expr "$line" : '.*"id":"\(video_[0-9a-f]*\)".*'))=";

class Supervision : public testing::Test {
 protected:
  Supervision()
      : files_(folder_.path() + "/data"), jobs_(std::in_place, files_, Free(), "demo", metrics_) {}

  static Limits Free() {
    Limits limits;
    limits.min_free_bytes = 1;
    return limits;
  }

  // A program that is ready, then runs `body` for each line of its stdin.
  std::string Script(const std::string& body) const {
    std::string path = folder_.path() + "/worker";
    std::ofstream(path) << "#!/bin/sh\nread open\n"
                        << kReady << "\nwhile read line; do\n"
                        << kId << "\n"
                        << body << "\ndone\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }

  std::string Submit() {
    Job job;
    job.id = NewVideoId();
    job.prompt = "p";
    job.created = NowMilliseconds();
    return jobs_->Submit(job, nullptr).job.id;
  }

  Job WaitFor(const std::string& id, JobStatus status) const {
    Job job;
    for (int i = 0; i < 1000; ++i) {
      job = jobs_->Find("", id)->job;
      if (job.status == status) return job;
      std::this_thread::sleep_for(10ms);
    }
    ADD_FAILURE() << "the job is " << StatusName(job.status) << " " << job.error_message;
    return job;
  }

  TemporaryFolder folder_;
  JobFiles files_;
  Metrics metrics_;
  std::optional<Jobs> jobs_;
};

constexpr const char* kComplete =
    R"(echo "{\"event\":\"completed\",\"id\":\"$id\",\"stages\":{\"denoising\":1},\"notes\":[],\"bytes\":5}")";

TEST_F(Supervision, RunsJobsOneAfterTheOther) {
  Workers workers({{Script(kComplete), nullptr, ""}}, files_, *jobs_, metrics_);
  const std::string a = Submit(), b = Submit();
  EXPECT_EQ(WaitFor(a, JobStatus::kCompleted).progress, 100);
  WaitFor(b, JobStatus::kCompleted);
  jobs_->Stop();
}

TEST_F(Supervision, AJobContinuesAfterItsWorkerDied) {
  const std::string mark = folder_.path() + "/died";
  Workers workers(
      {{Script("if [ ! -e " + mark + " ]; then touch " + mark + "; kill -9 $$; fi\n" + kComplete),
        nullptr, ""}},
      files_, *jobs_, metrics_);
  const Job job = WaitFor(Submit(), JobStatus::kCompleted);
  EXPECT_EQ(job.resumed, 1);
  EXPECT_NE(metrics_.Text().find("t3_worker_restarts_total{worker=\"0\"} 1"), std::string::npos);
  jobs_->Stop();
}

TEST_F(Supervision, AJobThatAlwaysKillsItsWorkerFailsAndOthersRun) {
  Workers workers({{Script("case \"$line\" in *'\"prompt\":\"bad\"'*) kill -9 $$;; esac\n" +
                           std::string(kComplete)),
                    nullptr, ""}},
                  files_, *jobs_, metrics_);
  Job bad;
  bad.id = NewVideoId();
  bad.prompt = "bad";
  bad.created = NowMilliseconds();
  jobs_->Submit(bad, nullptr);
  const std::string good = Submit();
  const Job failed = WaitFor(bad.id, JobStatus::kFailed);
  EXPECT_EQ(failed.error_code, "worker_failed");
  EXPECT_NE(failed.error_message.find("was killed by signal 9"), std::string::npos);
  WaitFor(good, JobStatus::kCompleted);
  jobs_->Stop();
}

TEST_F(Supervision, DeletingARunningJobCancelsIt) {
  // Answers a cancel alone.
  Workers workers({{Script("case \"$line\" in *'\"do\":\"cancel\"'*) echo "
                           "\"{\\\"event\\\":\\\"stopped\\\",\\\"id\\\":\\\"$id\\\"}\";; esac"),
                    nullptr, ""}},
                  files_, *jobs_, metrics_);
  const std::string a = Submit();
  WaitFor(a, JobStatus::kInProgress);
  const auto feed = jobs_->Watch("", a);
  EXPECT_TRUE(jobs_->Delete("", a));
  EXPECT_FALSE(jobs_->Find("", a).has_value());
  EXPECT_TRUE(feed->ended());
  for (int i = 0; i < 500 && std::filesystem::exists(files_.Folder(a)); ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(std::filesystem::exists(files_.Folder(a)));
  WaitFor(Submit(), JobStatus::kInProgress);  // the worker goes on
  jobs_->Stop();
}

// Jobs may cancel a job before the slot has sent it: TakeNext has returned it, and that is all.
TEST_F(Supervision, ACancelFollowsTheJobThatItOvertook) {
  const std::string stopped = R"(echo "{\"event\":\"stopped\",\"id\":\"$id\"}")";
  WorkerSlot slot(0,
                  {Script(R"(case "$line" in *'"do":"run"'*) run=$id;; esac)"
                          "\ncase \"$line\" in *'\"do\":\"cancel\"'*) "
                          "[ \"$run\" != \"$id\" ] || " +
                          stopped + ";; esac"),
                   nullptr, ""},
                  files_, *jobs_, metrics_);
  Job overtaken;
  overtaken.id = NewVideoId();
  overtaken.prompt = "p";
  overtaken.created = NowMilliseconds();
  slot.Cancel(overtaken.id);
  jobs_->Submit(overtaken, nullptr);
  WaitFor(Submit(), JobStatus::kInProgress);  // which waits for the first to stop
  jobs_->Stop();
}

TEST_F(Supervision, NonsenseFromAWorkerEndsNothing) {
  Workers workers(
      {{Script("echo nonsense; echo '{}'; echo '[1]'; echo noise >&2\n" + std::string(kComplete)),
        nullptr, ""}},
      files_, *jobs_, metrics_);
  WaitFor(Submit(), JobStatus::kCompleted);
  jobs_->Stop();
}

TEST_F(Supervision, ANewServerContinuesWhatRan) {
  std::string id;
  {
    Workers workers({{Script("true"), nullptr, ""}}, files_, *jobs_, metrics_);
    id = Submit();
    WaitFor(id, JobStatus::kInProgress);
    jobs_->Stop();
  }
  jobs_.reset();
  Jobs later(files_, Free(), "demo", metrics_);
  const auto view = later.Find("", id);
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->job.status, JobStatus::kQueued);
  EXPECT_EQ(view->live.queue_position, 1);
  const std::atomic<bool> stopping{false};
  EXPECT_EQ(later.TakeNext(0, stopping)->resumed, 1);
}

TEST_F(Supervision, OldJobsAreRemoved) {
  Limits limits = Free();
  limits.keep_bytes = 1;
  const std::string id = Submit();
  {
    const std::atomic<bool> stopping{false};
    const std::optional<Job> job = jobs_->TakeNext(0, stopping);
    std::ofstream(files_.Video(id)) << "a video";
    jobs_->Report(id, {{"event", "completed"},
                       {"stages", nlohmann::ordered_json::object()},
                       {"notes", nlohmann::ordered_json::array()},
                       {"bytes", 7}});
  }
  jobs_.reset();
  Jobs later(files_, limits, "demo", metrics_);
  EXPECT_TRUE(later.Find("", id).has_value());
  later.Tidy();
  EXPECT_FALSE(later.Find("", id).has_value());
  EXPECT_FALSE(std::filesystem::exists(files_.Folder(id)));
}

TEST_F(Supervision, FailuresAreTheUploadsWhereTheyNameIt) {
  const std::atomic<bool> stopping{false};
  const auto failure = [&](const std::string& file) {
    Job job;
    job.id = NewVideoId();
    job.created = NowMilliseconds();
    job.input = "video";
    job.input_file = "input.mp4";
    jobs_->Submit(job, nullptr);
    EXPECT_EQ(jobs_->TakeNext(0, stopping)->id, job.id);
    jobs_->Report(job.id, {{"event", "failed"},
                           {"code", "generation_failed"},
                           {"message", "cannot read " + files_.Folder(job.id) + file + ": cut"},
                           {"again", false}});
    const Job failed = jobs_->Find("", job.id)->job;
    return failed.error_code + ": " + failed.error_message;
  };
  EXPECT_EQ(failure("/input.mp4"), "invalid_request: cannot read `input_reference`: cut");
  EXPECT_EQ(failure("/state"), "generation_failed: cannot read state: cut");
}

TEST(WorkerProcess, SaysHowItEnded) {
  WorkerProcess failing("/bin/false", {});
  EXPECT_FALSE(failing.ReadLine().has_value());
  EXPECT_EQ(failing.Wait(5), "exited with code 1");
  WorkerProcess missing("/nonexistent", {});
  EXPECT_EQ(missing.Wait(5), "exited with code 127");
  WorkerProcess silent("/bin/cat", {});
  EXPECT_TRUE(silent.Send("line"));
  EXPECT_EQ(silent.ReadLine()->text, "line");
  EXPECT_EQ(silent.Wait(0), "was killed by signal 9");
}

}  // namespace
}  // namespace t3::serve
