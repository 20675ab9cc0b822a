// t3 prepare: encodes sources into shards, resumable at every point.
#include "t3video/prepare.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <new>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/text.h"
#include "loading/load_models.h"
#include "pipeline/text_stage.h"
#include "runtime/device.h"
#include "training/data/clip_reader.h"
#include "training/data/dataset_index.h"
#include "training/data/dataset_writer.h"
#include "training/data/prepare_settings.h"
#include "training/data/source_encoder.h"
#include "training/data/source_stamp.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

// Why a source is rejected. Anything may go wrong with other people's files; none of it ends the
// preparation.
std::string ReasonOf(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return "out of memory";
  if (const auto* of_torch = dynamic_cast<const c10::Error*>(&error)) {
    return of_torch->what_without_backtrace();
  }
  return error.what();
}

// A source that can be used.
struct Usable {
  Source source;
  SourceStamp stamp;
  std::vector<StoredClip> stored;  // its clips that were encoded before
  std::vector<Clip> clips;         // all of its clips; empty when none is missing

  bool Lacks(size_t number) const {
    return std::none_of(stored.begin(), stored.end(), [&](const StoredClip& clip) {
      return clip.number == static_cast<int64_t>(number);
    });
  }
  int64_t Missing() const { return clips.empty() ? 0 : std::ssize(clips) - std::ssize(stored); }
};

class Preparation {
 public:
  Preparation(const ModelInfo& model, const PrepareRequest& request, at::ScalarType text_dtype,
              const RunContext& context)
      : model_(model), request_(request), text_dtype_(text_dtype), context_(context) {}

  PrepareResult Run() {
    dataset_.emplace(request_.output);
    OpenDataset();
    SourceList list = ReadSources(request_.source);
    result_.rejected = std::move(list.rejected);
    const std::vector<Usable> usable = Examine(list.sources);
    WriteRejected(request_.output, result_.rejected);
    CheckUsable(usable);
    try {
      EncodeCaptions(usable);
      EncodeClips(usable);
      CheckUsable(usable);
      dataset_->Save();
      Complete(usable);
    } catch (const Error& error) {
      Keep();
      throw Error(fmt::format("{}; {} {} ready in {}, and the same command continues with the rest",
                              error.what(), Counted(std::ssize(dataset_->index().clips), "clip"),
                              dataset_->index().clips.size() == 1 ? "is" : "are", request_.output),
                  error.kind());
    } catch (...) {
      Keep();
      throw;
    }
    WriteRejected(request_.output, result_.rejected);
    Summarise();
    return std::move(result_);
  }

 private:
  // Opens the dataset in the folder, or begins a new one.
  void OpenDataset() {
    DatasetIndex made;
    made.source = fs::weakly_canonical(fs::absolute(request_.source)).string();
    made.settings = SettingsOf(model_, request_);
    made.models = DigestModel(model_);
    if (made.settings.draft) made.decoder = DigestDecoder(model_);
    made.latent_channels = model_.vae->latent_channels;
    made.spatial_stride = model_.vae->spatial_stride();
    made.text_width = model_.text->dim;
    dataset_->Open(std::move(made));
  }

  std::vector<Usable> Examine(const std::vector<Source>& sources) {
    std::vector<Usable> usable;
    std::map<std::string, std::string> names;  // digest -> the file that has it
    Stage stage(context_, "examining files", std::ssize(sources));
    int64_t done = 0;
    for (const Source& source : sources) {
      try {
        Usable item{source, StampOf(source.path, dataset_->FindStamp(source.name)), {}, {}};
        const auto [first, fresh] = names.emplace(item.stamp.digest, source.name);
        T3_CHECK(fresh, "it has the same contents as {}, which counts", first->second);
        item.stored = StoredClipsOf(item);
        const bool complete =
            !item.stored.empty() && std::ssize(item.stored) == item.stored[0].of_source;
        if (!complete) item.clips = ClipsOf(source, settings());
        usable.push_back(std::move(item));
      } catch (const std::exception& error) {
        result_.rejected.push_back({source.name, ReasonOf(error)});
      }
      stage.Advance(++done);
    }
    for (const Usable& item : usable) {
      for (const StoredClip& clip : item.stored) dataset_->Keep(clip);
    }
    kept_ = std::ssize(dataset_->index().clips);
    result_.removed = dataset_->found_clips() - kept_;
    return usable;
  }

  // The clips of a source from an earlier run, with its present name and caption.
  std::vector<StoredClip> StoredClipsOf(const Usable& item) const {
    std::vector<StoredClip> clips = dataset_->FindClips(item.stamp.digest);
    for (StoredClip& clip : clips) {
      clip.file = item.source.name;
      clip.caption = item.source.caption;
      clip.source = item.stamp;
    }
    return clips;
  }

  void CheckUsable(const std::vector<Usable>& usable) const {
    if (usable.size() > dropped_.size()) return;
    const auto& rejected = result_.rejected;
    Fail("{} has nothing to train on: {}", request_.source,
         rejected.empty()
             ? "it names no video or image"
             : fmt::format("{} rejected; {}: {}", Counted(std::ssize(rejected), "source"),
                           rejected[0].file, rejected[0].reason));
  }

  void EncodeCaptions(const std::vector<Usable>& usable) {
    std::set<std::string> known, wanted{""};  // the empty prompt, for prompt dropout
    for (const StoredText& text : dataset_->index().texts) known.insert(text.caption);
    for (const Usable& item : usable) wanted.insert(item.source.caption);
    result_.captions = std::ssize(wanted) - 1;
    std::vector<std::string> missing;
    std::set_difference(wanted.begin(), wanted.end(), known.begin(), known.end(),
                        std::back_inserter(missing));
    EncodeTexts(model_, missing, text_dtype_, context_, stages_,
                [&](const std::string& caption, const EncodedText& text) {
                  dataset_->AddText(caption, text);
                  dataset_->SaveWhenDue();
                });
    dataset_->Save();
  }

  void EncodeClips(const std::vector<Usable>& usable) {
    int64_t total = 0, done = 0;
    for (const Usable& item : usable) total += item.Missing();
    if (total == 0) return;
    const c10::NoGradGuard no_grad;
    SourceEncoder encoder(model_, settings().draft.has_value(), request_.output, context_);
    Stage stage(context_, "encoding clips", total);
    for (const Usable& item : usable) {
      std::optional<ClipReader> reader;  // opened at the first clip
      for (size_t number = 0; number < item.clips.size(); ++number) {
        if (!item.Lacks(number)) continue;
        if (!dropped_.contains(item.source.name)) EncodeClip(encoder, item, number, reader);
        dataset_->SaveWhenDue();
        stage.Advance(++done);
      }
    }
    stage.Finish(stages_);
  }

  // A source that cannot be read or encoded is dropped. A lack of memory or of room on the disk
  // ends the preparation.
  void EncodeClip(SourceEncoder& encoder, const Usable& item, size_t number,
                  std::optional<ClipReader>& reader) {
    const Clip& clip = item.clips[number];
    const std::optional<VideoSize> size = DraftOf(clip.bucket);
    encoder.PlanFor(clip.bucket, size);
    at::Tensor latents, draft;
    try {
      if (!reader) reader.emplace(item.source);
      latents = encoder.EncodeClip(clip, *reader);
      if (size) draft = encoder.EncodeDraft(clip, *size, *reader);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kInterrupted) throw;
      return Drop(item, error.what());
    } catch (const c10::OutOfMemoryError&) {
      throw;  // of the device: not this file's fault
    } catch (const std::exception& error) {
      return Drop(item, ReasonOf(error));
    }
    if (size) draft = encoder.EncodeEnlarged(draft, clip.bucket);
    for (const at::Tensor& encoded : {latents, draft}) {
      if (encoded.defined() && !encoded.isfinite().all().item<bool>()) {
        return Drop(item, fmt::format("the VAE {} encodes it to values that are not finite",
                                      model_.paths.vae));
      }
    }
    Store(item, number, latents, draft);
  }

  const ClipSettings& settings() const { return dataset_->index().settings; }

  std::optional<VideoSize> DraftOf(const ClipSize& bucket) const {
    if (!settings().draft) return std::nullopt;
    return DraftFor(bucket, *settings().draft, 2 * dataset_->index().spatial_stride);
  }

  // `draft`: undefined without drafts.
  void Store(const Usable& item, size_t number, const at::Tensor& latents,
             const at::Tensor& draft) {
    const Clip& clip = item.clips[number];
    StoredClip stored{.file = item.source.name,
                      .caption = item.source.caption,
                      .bucket = clip.bucket,
                      .start = clip.start,
                      .number = static_cast<int64_t>(number),
                      .of_source = std::ssize(item.clips),
                      .source = item.stamp,
                      .shard = "",
                      .name = fmt::format("{}.{}", item.stamp.digest, number)};
    if (draft.defined()) stored.draft = StoredDraft{*DraftOf(clip.bucket), stored.name + ".draft"};
    dataset_->AddClip(std::move(stored), latents, draft);
  }

  // Rejects a source that turned out broken: none of its clips stays.
  void Drop(const Usable& item, const std::string& reason) {
    const std::string& name = item.source.name;
    kept_ -= std::ssize(item.stored);
    result_.rejected.push_back({name, reason});
    dropped_.insert(name);
    dataset_->RemoveSource(name);
  }

  // Puts clips in the order of their sources, whatever the order in which they were encoded.
  void Complete(const std::vector<Usable>& usable) {
    std::map<std::string, size_t> places;
    for (const Usable& item : usable) places.emplace(item.source.name, places.size());
    dataset_->Complete(places);
  }

  // Saves before an error ends the work. A second error, of a full disk for instance, adds nothing.
  void Keep() {
    try {
      dataset_->Save();
    } catch (const std::exception&) {
    }
  }

  void Summarise() {
    result_.clips = std::ssize(dataset_->index().clips);
    result_.encoded = result_.clips - kept_;
    std::map<ClipSize, int64_t> buckets;
    for (const StoredClip& clip : dataset_->index().clips) ++buckets[clip.bucket];
    for (const auto& [bucket, count] : buckets) {
      const auto draft = DraftOf(bucket);
      result_.buckets.push_back(fmt::format(
          "{}: {}{}", ClipSizeText(bucket), Counted(count, "clip"),
          draft ? fmt::format(" with drafts of {}x{}", draft->width, draft->height) : ""));
    }
  }

  const ModelInfo& model_;
  const PrepareRequest& request_;
  at::ScalarType text_dtype_;
  const RunContext& context_;
  std::optional<DatasetWriter> dataset_;
  int64_t kept_ = 0;  // clips that need not be encoded again
  std::set<std::string> dropped_;
  std::vector<Result::Stage> stages_;
  PrepareResult result_;
};

}  // namespace

PrepareResult Prepare(const ModelFiles& files, const RunOptions& options,
                      const PrepareRequest& request, const ProgressFn& progress,
                      const CancelToken* cancel) {
  if (!files.loras.value_or(std::vector<Lora>()).empty() || !files.added_loras.empty()) {
    FailUsage("a LoRA changes the denoiser, which preparing does not use; leave it out");
  }
  if (options.host_memory_limit != 0) {
    FailUsage("preparing has no limit for host memory; it needs a few frames and one shard");
  }
  const ModelInfo model = OpenModel(files);
  RequireDit(model);
  CheckVae(model);
  const at::Device device = ResolveDevice(options.device);
  SetUpDevice(device, options);
  const RunContext context{progress, cancel, device, options.memory_limit};
  try {
    return Preparation(model, request, ResolveDtype(options.dtype, device), context).Run();
  } catch (const c10::OutOfMemoryError&) {
    Fail(
        "out of device memory while preparing {}; a smaller memory limit or clip size needs less. "
        "What was encoded so far is saved",
        request.output);
  }
}

}  // namespace t3
