// The index as JSON.
#include "training/data/dataset_index.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/atomic_file.h"
#include "base/check.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr char kFormat[] = "t3video dataset";
constexpr int kVersion = 1;

std::string IndexPath(const std::string& folder) {
  return (fs::path(folder) / "dataset.json").string();
}

void WriteJson(const std::string& path, const ordered_json& json) {
  AtomicFile file(path);
  {
    std::ofstream stream(file.temporary(), std::ios::binary);
    // Names of files need not be UTF-8.
    stream << json.dump(1, ' ', false, ordered_json::error_handler_t::replace) << '\n';
    stream.close();
    T3_CHECK(stream.good(), "cannot write {}; is the disk full?", path);
  }
  file.Commit();
}

ordered_json ToJson(const ClipSize& bucket) {
  return {{"width", bucket.width}, {"height", bucket.height}, {"frames", bucket.frames}};
}

ClipSize SizeFrom(const ordered_json& json) {
  return {json.at("width"), json.at("height"), json.at("frames")};
}

ordered_json ToJson(const ClipSettings& settings) {
  ordered_json buckets = ordered_json::array();
  for (const ClipSize& bucket : settings.buckets) buckets.push_back(ToJson(bucket));
  return {{"buckets", buckets},
          {"fps", settings.fps},
          {"clips_per_video", settings.clips_per_video},
          {"max_upscale", settings.max_upscale}};
}

ClipSettings SettingsFrom(const ordered_json& json) {
  ClipSettings settings;
  for (const ordered_json& bucket : json.at("buckets")) {
    settings.buckets.push_back(SizeFrom(bucket));
  }
  settings.fps = json.at("fps");
  settings.clips_per_video = json.at("clips_per_video");
  settings.max_upscale = json.at("max_upscale");
  return settings;
}

ordered_json ToJson(const StoredClip& clip) {
  return {{"file", clip.file},
          {"caption", clip.caption},
          {"bucket", ToJson(clip.bucket)},
          {"start", clip.start},
          {"number", clip.number},
          {"of_source", clip.of_source},
          {"source",
           {{"bytes", clip.source.bytes},
            {"modified", clip.source.modified},
            {"digest", clip.source.digest}}},
          {"shard", clip.shard},
          {"name", clip.name}};
}

std::string SizeList(const ClipSettings& settings) {
  std::vector<std::string> texts;
  for (const ClipSize& bucket : settings.buckets) texts.push_back(ClipSizeText(bucket));
  return fmt::format("{}", fmt::join(texts, " "));
}

// A shard is a file of the folder itself: an index from elsewhere must not point at other files.
std::string ShardFrom(const ordered_json& json) {
  const std::string shard = json.at("shard");
  T3_CHECK(!shard.empty() && fs::path(shard).filename() == shard, "its shard '{}' is no file name",
           shard);
  return shard;
}

StoredClip ClipFrom(const ordered_json& json) {
  const ordered_json& source = json.at("source");
  return {.file = json.at("file"),
          .caption = json.at("caption"),
          .bucket = SizeFrom(json.at("bucket")),
          .start = json.at("start"),
          .number = json.at("number"),
          .of_source = json.at("of_source"),
          .source = {source.at("bytes"), source.at("modified"), source.at("digest")},
          .shard = ShardFrom(json),
          .name = json.at("name")};
}

DatasetIndex IndexFrom(const ordered_json& json) {
  T3_CHECK(json.at("format") == kFormat, "its format is not '{}'", kFormat);
  T3_CHECK(json.at("version") == kVersion, "its version is {}, this program reads {}",
           json.at("version").dump(), kVersion);
  DatasetIndex index;
  index.source = json.at("source");
  index.settings = SettingsFrom(json.at("settings"));
  index.models = {json.at("vae").at("digest"), json.at("text_encoder").at("digest")};
  index.latent_channels = json.at("vae").at("channels");
  index.spatial_stride = json.at("vae").at("stride");
  index.text_width = json.at("text_encoder").at("width");
  index.complete = json.at("complete");
  for (const ordered_json& text : json.at("texts")) {
    index.texts.push_back({text.at("caption"), ShardFrom(text), text.at("name")});
  }
  for (const ordered_json& clip : json.at("clips")) index.clips.push_back(ClipFrom(clip));
  return index;
}

}  // namespace

void WriteIndex(const std::string& folder, const DatasetIndex& index) {
  ordered_json texts = ordered_json::array(), clips = ordered_json::array();
  for (const StoredText& text : index.texts) {
    texts.push_back({{"caption", text.caption}, {"shard", text.shard}, {"name", text.name}});
  }
  for (const StoredClip& clip : index.clips) clips.push_back(ToJson(clip));
  WriteJson(IndexPath(folder),
            {{"format", kFormat},
             {"version", kVersion},
             {"complete", index.complete},
             {"source", index.source},
             {"settings", ToJson(index.settings)},
             {"vae",
              {{"digest", index.models.vae},
               {"channels", index.latent_channels},
               {"stride", index.spatial_stride}}},
             {"text_encoder", {{"digest", index.models.text_encoder}, {"width", index.text_width}}},
             {"texts", texts},
             {"clips", clips}});
}

std::optional<DatasetIndex> ReadIndex(const std::string& folder) {
  const std::string path = IndexPath(folder);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  try {
    std::ifstream stream(path, std::ios::binary);
    return IndexFrom(ordered_json::parse(stream));
  } catch (const ordered_json::exception& error) {
    Fail("{} is no dataset: {}", path, error.what());
  } catch (const Error& error) {
    Fail("{} is no dataset: {}", path, error.what());
  }
}

std::string DifferenceInMaking(const DatasetIndex& a, const DatasetIndex& b) {
  if (a.source != b.source) return fmt::format("its source was {}, now {}", a.source, b.source);
  if (a.models.vae != b.models.vae) return "it was made with another VAE";
  if (a.models.text_encoder != b.models.text_encoder) {
    return "it was made with another text encoder or tokenizer";
  }
  if (a.settings.buckets != b.settings.buckets) {
    return fmt::format("its sizes were {}, now {}", SizeList(a.settings), SizeList(b.settings));
  }
  const ordered_json before = ToJson(a.settings), now = ToJson(b.settings);
  for (const auto& [key, value] : now.items()) {
    if (before.at(key) != value) {
      return fmt::format("its {} was {}, now {}", key, before.at(key).dump(), value.dump());
    }
  }
  return "";
}

void WriteRejected(const std::string& folder, const std::vector<RejectedSource>& rejected) {
  ordered_json list = ordered_json::array();
  for (const RejectedSource& source : rejected) {
    list.push_back({{"file", source.file}, {"reason", source.reason}});
  }
  WriteJson((fs::path(folder) / "rejected.json").string(), list);
}

}  // namespace t3
