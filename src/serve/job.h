// A job as it is stored: what was requested, what was decided, what came of it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace t3::serve {

enum class JobStatus { kQueued, kInProgress, kCompleted, kFailed };

// "queued", "in_progress", "completed" or "failed".
std::string_view StatusName(JobStatus status);
bool IsFinished(JobStatus status);

// Times are milliseconds since 1970; 0: not yet.
struct Job {
  std::string id;
  std::string key;  // name of the API key that submitted it; empty without keys
  JobStatus status = JobStatus::kQueued;
  int64_t created = 0;
  int64_t started = 0;
  int64_t completed = 0;

  std::string prompt;
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();  // fields as given
  nlohmann::ordered_json options = nlohmann::ordered_json::object();   // option -> text
  nlohmann::ordered_json loras = nlohmann::ordered_json::array();      // {"name", "scale"}
  bool own_loras = true;     // before them, those of the server's model
  double seconds = 0;        // of the clip, where frames are to follow from it; else 0
  std::string input;         // "image", "video" or empty
  std::string input_file;    // name in the job's folder, made by the server; or empty
  std::string source_video;  // id of the job whose video this one refines; or empty

  int64_t width = 0;  // 0 until it is planned, likewise below
  int64_t height = 0;
  int64_t frames = 0;
  double fps = 0;
  uint64_t seed = 0;

  int64_t progress = 0;  // percent
  int64_t resumed = 0;   // how many times it continued
  int64_t crashes = 0;   // how many times in a row without a further step
  int64_t step = 0;      // the last one that was reported
  int64_t bytes = 0;     // of its files when completed
  std::vector<std::string> notes;
  // Seconds of each stage: {"denoising": 11.2, ...}; for expectations of later jobs.
  nlohmann::ordered_json stages = nlohmann::ordered_json::object();
  int64_t steps = 0;            // denoising steps that were run
  double expected_seconds = 0;  // of the whole job, as far as is known; 0: unknown
  std::string error_code;
  std::string error_message;
};

// What has no column of its own in the database, as JSON and back. Fields that are absent keep
// their defaults.
std::string JobBody(const Job& job);
void ReadJobBody(const std::string& body, Job* job);

int64_t NowMilliseconds();

}  // namespace t3::serve
