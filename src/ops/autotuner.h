// Online autotuning: which of several implementations of an op is the fastest for a shape. Normal
// calls run one candidate after the other, and their results are used, so timing costs no run of
// its own; results of one shape may differ in their rounding until it is done. What timing finds
// goes to ops/plan_table.h, where a later process finds it.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace t3 {

struct TuningOptions {
  std::string key;            // names machine and shape, in logs and tables
  size_t max_candidates = 4;  // 1: the first candidate is used, untimed
  // Calls that run the first candidate before trials begin: rare shapes are not worth timing.
  int64_t warmup_calls = 0;
  int timed_runs = 1;  // of a candidate, averaged
};

// The candidates for one shape, best guess first.
struct Candidates {
  std::vector<std::string> names;  // stable for one machine: what tables store
  // Makes a candidate ready. False: it is refused, and `refusal` says why.
  std::function<bool(size_t candidate)> build;
  std::function<std::string()> refusal;
};

// The choice for one shape.
class Tuning {
 public:
  enum class State {
    kRefused,    // no candidate is left
    kFirst,      // the first candidate, or trials are under way
    kFromTable,  // the candidate that a table named
    kTimed,      // the fastest of several
  };
  // Runs a candidate on the operands of this call. False: it is refused.
  using RunFn = std::function<bool(size_t candidate)>;
  // What is wrong with the result of a candidate's first run; "" if nothing is. A wrong candidate
  // is not used again.
  using VerifyFn = std::function<std::string()>;

  // `from_table` names the candidate to use, if that is not empty.
  Tuning(TuningOptions options, Candidates candidates, const std::string& from_table = {});

  // Runs one candidate for this call: the next trial's, or the chosen one. Each candidate has two
  // trials: the first loads its code and is verified, the second is timed on the current stream of
  // the device of `on`. A table's candidate is verified in its first run. False once all candidates
  // have been refused.
  bool Run(const at::Tensor& on, const RunFn& run, const VerifyFn& verify = {});
  // Runs trials until all are done.
  void RunAllTrials(const at::Tensor& on, const RunFn& run);
  // Ends trials with the fastest so far, if at least two candidates have been timed.
  void Finish();

  State state() const { return state_; }
  const std::string& key() const { return options_.key; }
  size_t chosen() const { return chosen_; }
  const std::string& chosen_name() const { return candidates_.names[chosen_]; }
  // Of the last call.
  const std::string& last_name() const { return candidates_.names[last_]; }
  // Whether the table named a candidate that could not be used.
  bool stale() const { return stale_; }
  // The times so far, or the table's choice, for people.
  std::string Describe() const;

 private:
  struct Trial {
    size_t candidate = 0;
    bool ran = false;
    std::optional<std::pair<c10::Event, c10::Event>> timed{};  // around its timed runs
    std::optional<double> ms{};
  };

  void UseTable(const std::string& name);
  void UseFirst();
  void Build(size_t max_candidates);
  Trial* NextTrial();
  bool RunTrial(Trial& trial, const at::Tensor& on, const RunFn& run, const VerifyFn& verify,
                std::string* reason);
  bool RunChosen(const RunFn& run, const VerifyFn& verify, std::string* reason);
  void ChooseFastest();
  void Refuse(size_t candidate, const std::string& reason);

  TuningOptions options_;
  Candidates candidates_;
  State state_ = State::kRefused;
  bool stale_ = false;
  bool all_built_ = false;
  bool verified_ = false;  // the table's candidate
  std::vector<Trial> trials_;
  size_t chosen_ = 0;
  size_t last_ = 0;
  int64_t calls_ = 0;
};

// Entries (with a member `tuning`) for every shape on every GPU. One call at a time.
template <typename Shape, typename Entry>
class Autotuner {
 public:
  // use(entry) of the shape, which make() creates on its first use.
  template <typename Make, typename Use>
  auto With(int device, const Shape& shape, Make make, Use use) {
    const std::lock_guard lock(mutex_);
    const std::pair<int, Shape> key(device, shape);
    auto found = entries_.find(key);
    if (found == entries_.end()) found = entries_.emplace(key, make()).first;
    return use(found->second);
  }
  // Calls f(shape, entry) for all.
  template <typename F>
  void ForEach(F f) {
    const std::lock_guard lock(mutex_);
    for (auto& [key, entry] : entries_) f(key.second, entry);
  }
  void Clear() {
    const std::lock_guard lock(mutex_);
    entries_.clear();
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<int, Shape>, Entry> entries_;
};

}  // namespace t3
