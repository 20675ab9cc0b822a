// The index as JSON.
#include "training/data/dataset_index.h"

#include <filesystem>
#include <limits>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/json.h"
#include "base/json_fields.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr char kFormat[] = "t3video dataset";
constexpr int kVersion = 1;

std::string IndexPath(const std::string& folder) {
  return (fs::path(folder) / "dataset.json").string();
}

void Write(const std::string& path, const ordered_json& document) {
  WriteAtomically(path, DumpJson(document, 1) + "\n");
}

// The fields of an object of the index, all of which must be there.
class Required {
 public:
  Required(const json& object, std::string where) : fields_(object, std::move(where)) {}

  std::string Text(const std::string& key) { return Taken<std::string>(key); }
  bool Flag(const std::string& key) { return Taken<bool>(key); }
  int64_t Integer(const std::string& key, int64_t min, int64_t max) {
    Need(key);
    int64_t value = 0;
    fields_.TakeInteger(key, min, max, &value);
    return value;
  }
  double Number(const std::string& key, double min, double max) {
    Need(key);
    double value = 0;
    fields_.TakeNumber(key, min, max, &value);
    return value;
  }
  Required Object(const std::string& key) {
    return {Need(key), fmt::format("{}: {}", fields_.where(), key)};
  }
  // Of a field that may be absent.
  std::optional<Required> Optional(const std::string& key) {
    if (fields_.Find(key) == nullptr) return std::nullopt;
    return Object(key);
  }
  std::string OptionalText(const std::string& key) {
    return fields_.Find(key) == nullptr ? "" : Text(key);
  }
  template <typename Use>
  void ForEach(const std::string& key, const Use& use) {
    Need(key);
    fields_.ForEach(
        key, [&](const json& object, const std::string& where) { use(Required(object, where)); });
  }
  // A shard is a file of the folder itself: an index from elsewhere must not point at other files.
  std::string Shard() {
    const std::string shard = Text("shard");
    T3_CHECK(!shard.empty() && fs::path(shard).filename() == shard,
             "{}: its shard '{}' is not a file name", fields_.where(), shard);
    return shard;
  }

 private:
  const json& Need(const std::string& key) {
    const json* found = fields_.Find(key);
    T3_CHECK(found != nullptr, "{} has no field \"{}\"", fields_.where(), key);
    return *found;
  }
  template <typename T>
  T Taken(const std::string& key) {
    Need(key);
    T value{};
    fields_.Take(key, &value);
    return value;
  }

  JsonFields fields_;
};

constexpr int64_t kMaxCount = int64_t{1} << 40;
constexpr int64_t kMaxSide = 65536;

ordered_json ToJson(const ClipSize& bucket) {
  return {{"width", bucket.width}, {"height", bucket.height}, {"frames", bucket.frames}};
}

ClipSize SizeFrom(Required fields) {
  return {fields.Integer("width", 1, kMaxSide), fields.Integer("height", 1, kMaxSide),
          fields.Integer("frames", 1, kMaxSide)};
}

ordered_json ToJson(VideoSize size) { return {{"width", size.width}, {"height", size.height}}; }

VideoSize PictureSizeFrom(Required& fields) {
  return {fields.Integer("width", 1, kMaxSide), fields.Integer("height", 1, kMaxSide)};
}

ordered_json ToJson(const ClipSettings& settings) {
  ordered_json buckets = ordered_json::array();
  for (const ClipSize& bucket : settings.buckets) buckets.push_back(ToJson(bucket));
  ordered_json object{{"buckets", buckets},
                      {"fps", settings.fps},
                      {"clips_per_video", settings.clips_per_video},
                      {"max_upscale", settings.max_upscale}};
  if (settings.draft) object["draft"] = ToJson(*settings.draft);
  return object;
}

ClipSettings SettingsFrom(Required fields) {
  ClipSettings settings;
  fields.ForEach("buckets",
                 [&](Required bucket) { settings.buckets.push_back(SizeFrom(std::move(bucket))); });
  settings.fps = fields.Number("fps", 0, 1000);
  settings.clips_per_video = fields.Integer("clips_per_video", 1, kMaxCount);
  settings.max_upscale = fields.Number("max_upscale", 1, 16);
  if (auto draft = fields.Optional("draft")) settings.draft = PictureSizeFrom(*draft);
  return settings;
}

void AddDigest(const std::string& digest, ordered_json& object) {
  if (!digest.empty()) object["digest"] = digest;
}

ordered_json ToJson(const StoredText& text) {
  ordered_json object{{"caption", text.caption}, {"shard", text.shard}, {"name", text.name}};
  AddDigest(text.digest, object);
  return object;
}

ordered_json ToJson(const StoredClip& clip) {
  ordered_json object{{"file", clip.file},
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
  AddDigest(clip.digest, object);
  if (!clip.draft) return object;
  object["draft"] = ToJson(clip.draft->size);
  object["draft"]["name"] = clip.draft->name;
  AddDigest(clip.draft->digest, object["draft"]);
  return object;
}

std::string SizeList(const ClipSettings& settings) {
  std::vector<std::string> texts;
  for (const ClipSize& bucket : settings.buckets) texts.push_back(ClipSizeText(bucket));
  return fmt::format("{}", fmt::join(texts, " "));
}

std::string DraftText(const ClipSettings& settings) {
  if (!settings.draft) return "none";
  return fmt::format("{}x{}", settings.draft->width, settings.draft->height);
}

StoredClip ClipFrom(Required fields) {
  StoredClip clip;
  clip.file = fields.Text("file");
  clip.caption = fields.Text("caption");
  clip.bucket = SizeFrom(fields.Object("bucket"));
  clip.start = fields.Number("start", 0, 1e9);
  clip.of_source = fields.Integer("of_source", 1, kMaxCount);
  clip.number = fields.Integer("number", 0, clip.of_source - 1);
  Required source = fields.Object("source");
  constexpr auto kAny = std::numeric_limits<int64_t>::min();
  constexpr auto kMax = std::numeric_limits<int64_t>::max();
  clip.source = {source.Integer("bytes", 0, kMax), source.Integer("modified", kAny, kMax),
                 source.Text("digest")};
  clip.shard = fields.Shard();
  clip.name = fields.Text("name");
  clip.digest = fields.OptionalText("digest");
  if (auto draft = fields.Optional("draft")) {
    const VideoSize size = PictureSizeFrom(*draft);
    clip.draft = StoredDraft{size, draft->Text("name"), draft->OptionalText("digest")};
  }
  return clip;
}

DatasetIndex IndexFrom(const json& document) {
  Required fields(document, "its JSON");
  T3_CHECK(fields.Text("format") == kFormat, "its format is not '{}'", kFormat);
  const int64_t version = fields.Integer("version", 0, kMaxCount);
  T3_CHECK(version == kVersion, "its version is {}, this program reads {}", version, kVersion);
  DatasetIndex index;
  index.source = fields.Text("source");
  index.settings = SettingsFrom(fields.Object("settings"));
  Required vae = fields.Object("vae"), text_encoder = fields.Object("text_encoder");
  index.models = {vae.Text("digest"), text_encoder.Text("digest")};
  index.latent_channels = vae.Integer("channels", 1, 4096);
  index.spatial_stride = vae.Integer("stride", 1, 256);
  index.text_width = text_encoder.Integer("width", 1, kMaxSide);
  if (auto decoder = fields.Optional("decoder")) index.decoder = decoder->Text("digest");
  index.complete = fields.Flag("complete");
  fields.ForEach("texts", [&](Required text) {
    index.texts.push_back(
        {text.Text("caption"), text.Shard(), text.Text("name"), text.OptionalText("digest")});
  });
  fields.ForEach("clips", [&](Required clip) {
    index.clips.push_back(ClipFrom(std::move(clip)));
    T3_CHECK(index.clips.back().draft.has_value() == index.settings.draft.has_value(),
             "its clip {} {} a draft, unlike its settings", index.clips.back().name,
             index.clips.back().draft ? "has" : "lacks");
  });
  return index;
}

}  // namespace

void WriteIndex(const std::string& folder, const DatasetIndex& index) {
  ordered_json texts = ordered_json::array(), clips = ordered_json::array();
  for (const StoredText& text : index.texts) texts.push_back(ToJson(text));
  for (const StoredClip& clip : index.clips) clips.push_back(ToJson(clip));
  ordered_json document{
      {"format", kFormat},
      {"version", kVersion},
      {"complete", index.complete},
      {"source", index.source},
      {"settings", ToJson(index.settings)},
      {"vae",
       {{"digest", index.models.vae},
        {"channels", index.latent_channels},
        {"stride", index.spatial_stride}}},
      {"text_encoder", {{"digest", index.models.text_encoder}, {"width", index.text_width}}}};
  if (!index.decoder.empty()) document["decoder"] = {{"digest", index.decoder}};
  document["texts"] = texts;
  document["clips"] = clips;
  Write(IndexPath(folder), document);
}

std::optional<DatasetIndex> ReadIndex(const std::string& folder) {
  const std::string path = IndexPath(folder);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  const json document = ReadJson(path, kLongLists);
  try {
    return IndexFrom(document);
  } catch (const Error& error) {
    Fail("{} is not a dataset of t3 prepare: {}", path, error.what());
  }
}

std::string DifferenceInMaking(const DatasetIndex& a, const DatasetIndex& b) {
  if (a.source != b.source) return fmt::format("its source was {}, now {}", a.source, b.source);
  if (a.models.vae != b.models.vae) return "it was prepared with another VAE";
  if (a.models.text_encoder != b.models.text_encoder) {
    return "it was prepared with another text encoder or tokenizer";
  }
  if (a.settings.buckets != b.settings.buckets) {
    return fmt::format("its sizes were {}, now {}", SizeList(a.settings), SizeList(b.settings));
  }
  if (a.settings.draft != b.settings.draft) {
    return fmt::format("its draft was {}, now {}", DraftText(a.settings), DraftText(b.settings));
  }
  if (a.decoder != b.decoder) return "its drafts were decoded by another decoder";
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
  Write((fs::path(folder) / "rejected.json").string(), list);
}

}  // namespace t3
