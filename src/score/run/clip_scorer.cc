// Decodes a clip, and its reference in step, and hands each frame to every metric.
#include "score/run/clip_scorer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/check.h"
#include "base/failure.h"
#include "base/text.h"
#include "runtime/file_digest.h"
#include "score/run/in_parallel.h"
#include "score/run/thumbnail.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// Of a file, or of every file of a folder.
std::string DigestOfClip(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return FileDigest(path);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
  std::ranges::sort(files);
  std::string all;
  for (const fs::path& file : files) all += file.filename().string() + FileDigest(file.string());
  return TextDigest(all);
}

// Throws Error unless the two are of one size and length.
void CheckPair(const SourceInfo& clip, const SourceInfo& reference, const std::string& path) {
  T3_CHECK(clip.width == reference.width && clip.height == reference.height &&
               clip.frames == reference.frames,
           "the reference {} has {}x{} and {}, the clip {}x{} and {}", path, reference.width,
           reference.height, Counted(reference.frames, "frame"), clip.width, clip.height,
           clip.frames);
}

}  // namespace

struct ClipScorer::Running {
  OpenedGroup* opened = nullptr;
  std::string key;
  std::unique_ptr<ClipMetric> metric;
  std::optional<ScoreProblem> failure;

  std::string name() const { return std::string(opened->group.name); }
  const MetricNeeds& needs() const { return opened->group.needs(); }
  void Fail() { failure = ScoreProblem{name(), CurrentError().what()}; }
};

ClipScores ClipScorer::Score(const SetClip& clip) {
  ClipScores scores;
  scores.name = clip.name, scores.path = clip.path, scores.prompt = clip.prompt;
  std::vector<Running> running;
  try {
    Reuse(clip, scores, running);
    scores.reused = running.empty() && !scores.thumbnail.empty();
    if (!scores.reused) Decode(clip, scores, running);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted) throw;
    scores.failures.push_back({"", error.what()});
  } catch (const std::exception& error) {
    scores.failures.push_back({"", error.what()});
  }
  return scores;
}

// Takes what the state has, names what the clip lacks, and leaves the rest in `running`.
void ClipScorer::Reuse(const SetClip& clip, ClipScores& scores, std::vector<Running>& running) {
  const std::string digest = DigestOfClip(clip.path);
  const std::string reference = clip.reference.empty() ? "" : DigestOfClip(clip.reference);
  if (const auto kept = state_.FindClip(digest)) {
    scores.width = kept->width, scores.height = kept->height, scores.frames = kept->frames;
    scores.fps = kept->fps, scores.thumbnail = kept->thumbnail;
  }
  for (OpenedGroup& opened : groups_) {
    const MetricNeeds& needs = opened.group.needs();
    const std::string name(opened.group.name);
    const std::string& lacks = needs.prompt && clip.prompt.empty() ? clip.no_prompt
                               : needs.reference                   ? clip.no_reference
                                                                   : std::string();
    if (!lacks.empty()) {
      scores.failures.push_back({name, lacks});
      continue;
    }
    const std::string key =
        TextDigest(opened.identity + "\n" + digest + (needs.prompt ? "\n" + clip.prompt : "") +
                   (needs.reference ? "\n" + reference : ""));
    if (const auto kept = state_.FindGroup(key)) {
      scores.values.insert(kept->values.begin(), kept->values.end());
      if (!kept->gap.empty()) scores.gaps.push_back({name, kept->gap});
    } else {
      running.push_back({&opened, key, nullptr, {}});
    }
  }
}

void ClipScorer::StartAll(const SetClip& clip, ClipScores& scores, std::vector<Running>& running) {
  const ClipInfo info{clip.path,  scores.width, scores.height, scores.frames,
                      scores.fps, clip.prompt,  clip.reference};
  for (Running& one : running) {
    if (one.failure) continue;
    try {
      one.metric = one.opened->metric->Start(info);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kUsage) {
        one.Fail();
        continue;
      }
      scores.gaps.push_back({one.name(), error.what()});
      state_.KeepGroup(one.key, {{}, error.what()});
    } catch (...) {
      one.Fail();
    }
  }
}

// The reference clip, or nothing where it is not wanted or cannot be used.
std::optional<ClipFrames> ClipScorer::OpenReference(const SetClip& clip, const SourceInfo& info,
                                                    std::vector<Running>& running) {
  std::optional<ClipFrames> reference;
  const bool wanted =
      std::ranges::any_of(running, [](const Running& one) { return one.needs().reference; });
  if (!wanted) return reference;
  try {
    reference.emplace(clip.reference);
    CheckPair(info, reference->info(), clip.reference);
  } catch (...) {
    reference.reset();
    FailReference(running);
  }
  return reference;
}

void ClipScorer::FailReference(std::vector<Running>& running) {
  for (Running& one : running) {
    if (one.needs().reference && !one.failure) one.Fail();
  }
}

void ClipScorer::AddFrame(const ScoreFrame& frame, std::vector<Running>& running) {
  InParallel(std::ssize(running), [&](int64_t i) {
    Running& one = running[static_cast<size_t>(i)];
    if (one.metric == nullptr || one.failure) return;
    try {
      one.metric->Add(frame);
    } catch (...) {
      one.Fail();
    }
  });
}

void ClipScorer::Decode(const SetClip& clip, ClipScores& scores, std::vector<Running>& running) {
  ClipFrames frames(clip.path);
  const SourceInfo& info = frames.info();
  scores.width = info.width, scores.height = info.height;
  scores.frames = info.frames, scores.fps = info.fps;
  std::optional<ClipFrames> reference = OpenReference(clip, info, running);
  StartAll(clip, scores, running);
  for (int64_t index = 0; index < info.frames; ++index) {
    at_frame_(index, info.frames);
    frames.Next();
    ScoreFrame frame{index, info.width, info.height, frames.rgb(), frames.luma(), nullptr, nullptr};
    if (reference) {
      try {
        reference->Next();
        frame.reference_rgb = reference->rgb(), frame.reference_luma = reference->luma();
      } catch (...) {
        reference.reset();
        FailReference(running);
      }
    }
    if (index == info.frames / 2) scores.thumbnail = ThumbnailOf(frame);
    AddFrame(frame, running);
  }
  FinishAll(scores, running);
  state_.KeepClip(DigestOfClip(clip.path),
                  {scores.width, scores.height, scores.frames, scores.fps, scores.thumbnail});
}

void ClipScorer::FinishAll(ClipScores& scores, std::vector<Running>& running) {
  for (Running& one : running) {
    if (one.metric != nullptr && !one.failure) {
      try {
        KeptGroup kept;
        for (const auto& [name, value] : one.metric->Finish()) {
          T3_CHECK(std::isfinite(value), "{} is not a number", name);
          kept.values[std::string(name)] = value;
        }
        state_.KeepGroup(one.key, kept);
        scores.values.insert(kept.values.begin(), kept.values.end());
      } catch (...) {
        one.Fail();
      }
    }
    if (one.failure) scores.failures.push_back(*one.failure);
  }
}

}  // namespace t3
