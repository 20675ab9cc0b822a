// Recognising the program's own results.
#include "pipeline/existing_files.h"

#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "base/json.h"
#include "media/png_file.h"
#include "media/video_reader.h"
#include "pipeline/decode_target.h"
#include "pipeline/state/record.h"
#include "weights/weight_file.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// A folder without a visible file counts as absent.
bool IsPresent(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return fs::exists(path, ignored);
  for (const fs::directory_entry& entry : fs::directory_iterator(path, ignored)) {
    if (!entry.path().filename().string().starts_with('.')) return true;
  }
  return false;
}

Metadata ReadMetadata(const std::string& path) {
  if (IsTensorFile(path)) return WeightFile::Open(path, FileOrigin::kOwn)->metadata();
  Metadata metadata;
  const auto reader = VideoReader::Open(path);
  for (const auto& [key, value] : reader->info().metadata) {
    if (key != "comment" && key != "COMMENT") continue;  // as decode.cc writes it; Matroska shouts
    const nlohmann::json comment = ParseJson(value, path);
    if (!comment.is_object()) continue;
    for (const auto& [name, text] : comment.items()) {
      if (text.is_string()) metadata[name] = text.get<std::string>();
    }
  }
  return metadata;
}

bool IsOfT3(const Metadata& metadata) { return metadata.contains("t3.version"); }

bool AreOfOneRun(Metadata a, Metadata b) {
  a.erase("t3.version");
  b.erase("t3.version");
  return a == b;
}

[[noreturn]] void Refuse(const std::string& path) {
  Fail(
      "{} exists and is not an earlier result of the same settings; `overwrite` replaces it, or "
      "name another file",
      path);
}

// Also a folder such as ".", which is not the place of a video.
[[noreturn]] void RefuseOutput(const std::string& path, const Metadata& existing) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored) && existing.empty()) {
    FailUsage(
        "`output` {} is a folder that holds other files; name a file in it, such as {}, or an "
        "empty folder for PNG frames",
        path, (fs::path(path) / "video.mp4").string());
  }
  Refuse(path);
}

// A picture that a run wrote to be watched.
bool IsPreview(const std::string& path) {
  try {
    return ReadPng(path, /*keep_16_bits=*/false).text.contains("step");
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

Metadata OutputMetadata(const std::string& path) {
  try {
    return ReadMetadata(path);
  } catch (const std::exception&) {  // another program's
    return {};
  }
}

void CheckReplaceable(const OutputOptions& output, const Metadata& metadata) {
  if (output.path.empty() || output.overwrite || !IsPresent(output.path)) return;
  const Metadata existing = OutputMetadata(output.path);
  if (!IsOfT3(existing) || !AreOfOneRun(existing, metadata)) RefuseOutput(output.path, existing);
}

void CheckReplaceable(const std::string& path, bool overwrite,
                      const std::function<bool(const std::string& path)>& is_own) {
  T3_CHECK(path.empty() || overwrite || !IsPresent(path) || is_own(path),
           "{} exists and is not an earlier result of this command; `overwrite` replaces it, or "
           "name another file",
           path);
}

void CheckReplaceable(const Request& request, const RunIdentity& identity, bool wrote_outputs) {
  if (request.output.overwrite) return;
  const bool discards = request.checkpoint.existing_state == ExistingState::kDiscard;
  const std::optional<bool> recorded = RecordsRun(request.record.path, identity);
  for (const std::string& path : {request.output.path, request.output.save_latents}) {
    if (path.empty() || wrote_outputs || !IsPresent(path)) continue;
    const Metadata existing = OutputMetadata(path);
    // The record knows the weights as well, and small Y4M frames have no place for metadata.
    const bool same =
        recorded.value_or(IsOfT3(existing) && AreOfOneRun(existing, identity.metadata));
    if (!same && !(discards && (recorded || IsOfT3(existing)))) RefuseOutput(path, existing);
  }
  // A job's records are named by the program, and damaged ones are written again.
  const std::string& record = request.record.path;
  if (!record.empty() && !request.record.skip_finished && IsPresent(record) &&
      !recorded.value_or(false) && !(discards && recorded)) {
    Refuse(record);
  }
  const std::string& preview = request.preview.path;
  if (!preview.empty() && IsPresent(preview) && !IsPreview(preview)) Refuse(preview);
}

}  // namespace t3
