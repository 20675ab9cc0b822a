// Trials, timing and refusal of candidates.
#include "ops/autotuner.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "ops/plan_table.h"

namespace t3 {

Tuning::Tuning(TuningOptions options, Candidates candidates, const std::string& from_table)
    : options_(std::move(options)), candidates_(std::move(candidates)) {
  if (candidates_.names.empty()) return;
  if (!from_table.empty()) UseTable(from_table);
  if (state_ != State::kFromTable) UseFirst();
}

void Tuning::UseFirst() {
  state_ = State::kRefused;
  // Building can take long, so the others are built when their trials begin.
  Build(1);
  if (trials_.empty()) {
    spdlog::info("{}: no plan can be built: {}", options_.key, candidates_.refusal());
    return;
  }
  state_ = State::kFirst;
  chosen_ = trials_.front().candidate;
}

void Tuning::UseTable(const std::string& name) {
  const auto found = std::ranges::find(candidates_.names, name);
  const auto candidate = static_cast<size_t>(found - candidates_.names.begin());
  stale_ = found == candidates_.names.end() || !candidates_.build(candidate);
  if (stale_) {
    spdlog::info("{}: the plan {} of the table cannot be built ({}); choosing another",
                 options_.key, name, candidates_.refusal());
    return;
  }
  chosen_ = candidate;
  state_ = State::kFromTable;
}

void Tuning::Build(size_t max_candidates) {
  for (size_t candidate = trials_.empty() ? 0 : trials_.back().candidate + 1;
       candidate < candidates_.names.size() && trials_.size() < max_candidates; ++candidate) {
    if (candidates_.build(candidate)) {
      trials_.push_back({.candidate = candidate});
    } else {
      spdlog::debug("{}: plan {} is refused: {}", options_.key, candidates_.names[candidate],
                    candidates_.refusal());
    }
  }
}

bool Tuning::Run(const at::Tensor& on, const RunFn& run, const VerifyFn& verify) {
  ++calls_;
  while (state_ != State::kRefused) {
    Trial* trial = NextTrial();
    last_ = trial != nullptr ? trial->candidate : chosen_;
    std::string reason;
    const bool ran = trial != nullptr ? RunTrial(*trial, on, run, verify, &reason)
                                      : RunChosen(run, verify, &reason);
    if (ran) return true;
    Refuse(last_, reason.empty() ? candidates_.refusal() : reason);
  }
  return false;
}

void Tuning::RunAllTrials(const at::Tensor& on, const RunFn& run) {
  do {
    if (!Run(on, run)) return;
  } while (NextTrial() != nullptr);
}

Tuning::Trial* Tuning::NextTrial() {
  if (state_ != State::kFirst || options_.max_candidates < 2 || calls_ <= options_.warmup_calls) {
    return nullptr;
  }
  if (!std::exchange(all_built_, true)) Build(options_.max_candidates);
  const auto next = std::ranges::find_if(trials_, [](const Trial& t) { return !t.timed && !t.ms; });
  if (next != trials_.end()) return &*next;
  Finish();
  return nullptr;
}

bool Tuning::RunTrial(Trial& trial, const at::Tensor& on, const RunFn& run, const VerifyFn& verify,
                      std::string* reason) {
  if (!std::exchange(trial.ran, true)) {
    if (!run(trial.candidate)) return false;
    if (verify) *reason = verify();
    return reason->empty();
  }
  const c10::DeviceType type = on.device().type();
  const c10::Stream stream = c10::impl::VirtualGuardImpl(type).getStream(on.device());
  c10::Event begin(type, c10::EventFlag::BACKEND_DEFAULT);
  c10::Event end(type, c10::EventFlag::BACKEND_DEFAULT);
  begin.record(stream);
  for (int i = 0; i < options_.timed_runs; ++i) {
    if (!run(trial.candidate)) return false;
  }
  end.record(stream);
  trial.timed.emplace(std::move(begin), std::move(end));
  return true;
}

bool Tuning::RunChosen(const RunFn& run, const VerifyFn& verify, std::string* reason) {
  if (!run(chosen_)) return false;
  if (state_ != State::kFromTable || std::exchange(verified_, true) || !verify) return true;
  *reason = verify();
  return reason->empty();
}

void Tuning::Finish() {
  const auto timed = std::ranges::count_if(trials_, [](const Trial& t) { return t.timed || t.ms; });
  if (state_ != State::kFirst || timed == 0) return;
  ChooseFastest();
  if (timed < 2) return;  // nothing to compare with
  state_ = State::kTimed;
  AddFoundPlan(options_.key, chosen_name());
  spdlog::debug("{}: {}", options_.key, Describe());
}

// Waits for the timed runs.
void Tuning::ChooseFastest() {
  const Trial* best = nullptr;
  for (Trial& trial : trials_) {
    if (trial.timed) {
      trial.timed->second.synchronize();
      trial.ms = trial.timed->first.elapsedTime(trial.timed->second) / options_.timed_runs;
      trial.timed.reset();
    }
    if (trial.ms && (best == nullptr || *trial.ms < *best->ms)) best = &trial;
  }
  chosen_ = (best != nullptr ? best : &trials_.front())->candidate;
}

// A candidate that was built and then refused its operands is not tried again.
void Tuning::Refuse(size_t candidate, const std::string& reason) {
  spdlog::warn("{}: plan {} is not used: {}", options_.key, candidates_.names[candidate], reason);
  if (state_ == State::kFromTable) {
    stale_ = true;
    UseFirst();
    return;
  }
  std::erase_if(trials_, [&](const Trial& trial) { return trial.candidate == candidate; });
  if (trials_.empty()) {
    state_ = State::kRefused;
  } else {
    ChooseFastest();
  }
}

std::string Tuning::Describe() const {
  if (state_ == State::kFromTable) return "from the table: " + chosen_name();
  std::string text;
  for (const Trial& trial : trials_) {
    if (!trial.ms) continue;
    text += fmt::format("{}{:.3f} ms{} {}", text.empty() ? "" : "; ", *trial.ms,
                        trial.candidate == chosen_ ? " (taken)" : "",
                        candidates_.names[trial.candidate]);
  }
  return text;
}

}  // namespace t3
