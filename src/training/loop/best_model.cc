// Keeps the model with the lowest score, and the score beside it.
#include "training/loop/best_model.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

std::string ScorePath(const std::string& folder) {
  return (fs::path(folder) / "gates.json").string();
}

}  // namespace

BestModel::BestModel(const std::string& output, int64_t step)
    : folder_((fs::path(output) / "best").string()) {
  std::error_code ignored;
  T3_CHECK(!fs::exists(folder_, ignored) || fs::is_directory(folder_, ignored),
           "{} is a file; the best model is written to a folder of that name: move the file away",
           folder_);
  if (!fs::exists(ScorePath(folder_), ignored)) return;
  try {
    const nlohmann::json stored = ReadJson(ScorePath(folder_));
    const int64_t of = stored.at("step");
    if (of > step) return;
    score_ = stored.at("score");
    step_ = of;
  } catch (const std::exception& error) {
    spdlog::warn("cannot read the score of the best model: {}", error.what());
  }
}

bool BestModel::IsIn(const std::string& output) {
  std::error_code ignored;
  return fs::exists(ScorePath((fs::path(output) / "best").string()), ignored);
}

void BestModel::Offer(int64_t step, const GateResult& result,
                      const std::function<void(const std::string& folder)>& save) {
  if (!std::isfinite(result.score) || result.score >= score_) return;
  // Without a score the folder is not counted, should the work end between the two files.
  fs::create_directories(folder_);
  fs::remove(ScorePath(folder_));
  save(folder_);
  const nlohmann::ordered_json stored{
      {"step", step}, {"score", result.score}, {"values", result.values}};
  WriteAtomically(ScorePath(folder_), DumpJson(stored, 2) + "\n");
  score_ = result.score;
  step_ = step;
}

std::string BestModel::Text() const {
  if (step_ < 0) return "";
  return fmt::format("{} has the model of step {} (score {:.3f})", folder_, step_, score_);
}

}  // namespace t3
