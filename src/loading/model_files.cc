// FindModelFiles: candidates by name, the choice by content.
#include "loading/model_files.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "loading/decoder_file.h"
#include "loading/model_layouts.h"
#include "loading/network.h"
#include "weights/quantisation.h"

namespace t3 {
namespace {

NetworkKind KindOf(ModelPart part) {
  return part == ModelPart::kDit           ? NetworkKind::kDit
         : part == ModelPart::kTextEncoder ? NetworkKind::kTextEncoder
                                           : NetworkKind::kVae;
}

enum class Verdict { kFits, kOther, kUnreadable };

class PartSelector {
 public:
  explicit PartSelector(ModelPaths* paths) : paths_(*paths) {}

  void Choose(ModelPart part) {
    if (!paths_.Of(part).empty()) return;
    const auto groups = FindCandidates(paths_.folder, part);
    if (groups.size() == 1 && groups.front().size() == 1) {
      paths_.Of(part) = groups.front().front();
      return;
    }
    for (const std::vector<std::string>& group : groups) {
      paths_.Of(part) = ChooseFrom(group, part);
      if (!paths_.Of(part).empty()) return;
    }
    // Nothing fits: where there is one obvious candidate, its own error says more than a list.
    if (!groups.empty() && groups.front().size() == 1) paths_.Of(part) = groups.front().front();
  }

 private:
  // "" where no file of the group is the network.
  std::string ChooseFrom(const std::vector<std::string>& group, ModelPart part) {
    std::vector<std::string> fitting;
    std::string unreadable;
    for (const std::string& path : group) {
      const Verdict verdict = Examine(path, part, &unreadable);
      if (verdict == Verdict::kFits) fitting.push_back(path);
    }
    T3_CHECK(fitting.size() < 2, "several files of {} could be the {}: {}; give one by {} FILE",
             paths_.folder, PartName(part), fmt::join(fitting, ", "), PartOption(part));
    T3_CHECK(!fitting.empty() || unreadable.empty(), "{}", unreadable);
    return fitting.empty() ? "" : fitting.front();
  }

  Verdict Examine(const std::string& path, ModelPart part, std::string* unreadable) {
    std::shared_ptr<const WeightFile> file;
    try {
      file = WeightFile::Open(path);
    } catch (const Error& error) {
      *unreadable = error.what();
      return Verdict::kUnreadable;
    }
    const std::vector<NetworkKind> kinds = FindNetworks(file);
    const bool fits = std::find(kinds.begin(), kinds.end(), KindOf(part)) != kinds.end() &&
                      FindUnsupportedQuantisation(file->tensors(), file->metadata()).empty() &&
                      (part == ModelPart::kDit || FitsDenoiser(file, part));
    return fits ? Verdict::kFits : Verdict::kOther;
  }

  bool FitsDenoiser(const std::shared_ptr<const WeightFile>& file, ModelPart part) {
    if (paths_.dit.empty()) return true;
    if (!dit_) dit_ = SizesOf(WeightFile::Open(paths_.dit), NetworkKind::kDit);
    const TensorViews other = SizesOf(file, KindOf(part));
    return part == ModelPart::kVae
               ? SameSize("patch_embedding.weight", 1, other, "conv2.weight", 0)
               : SameSize("text_embedding.0.weight", 1, other, "token_embedding.weight", 1);
  }

  static TensorViews SizesOf(const std::shared_ptr<const WeightFile>& file, NetworkKind kind) {
    return NameTensors(file, NamingOf(kind, file->tensors())).tensors;
  }

  // True where a size is unknown, too: opening the file will say why.
  bool SameSize(const char* dit_tensor, size_t dit_axis, const TensorViews& other,
                const char* other_tensor, size_t other_axis) const {
    const auto ours = dit_->find(dit_tensor);
    const auto theirs = other.find(other_tensor);
    if (ours == dit_->end() || theirs == other.end()) return true;
    const auto& a = ours->second.shape;
    const auto& b = theirs->second.shape;
    return dit_axis >= a.size() || other_axis >= b.size() || a[dit_axis] == b[other_axis];
  }

  ModelPaths& paths_;
  std::optional<TensorViews> dit_;  // of the denoiser, for its sizes
};

// A TAEHV only decodes.
void MoveTaehv(ModelPaths* paths) {
  if (paths->vae.empty() || !IsTaehvFile(paths->vae)) return;
  T3_CHECK(paths->decoder.empty(),
           "`vae` {} is a TAEHV, which only decodes, and `decoder` names {}; give one of the two",
           paths->vae, paths->decoder);
  paths->decoder = std::exchange(paths->vae, "");
}

}  // namespace

ModelPaths FindModelFiles(const ModelFiles& files) {
  ModelPaths paths = LocateModel(files);
  MoveTaehv(&paths);
  if (!paths.folder.empty()) {
    PartSelector selector(&paths);
    for (const ModelPart part : {ModelPart::kDit, ModelPart::kTextEncoder, ModelPart::kVae}) {
      selector.Choose(part);
    }
    if (paths.decoder.empty()) MoveTaehv(&paths);
  }
  paths.dit_config = FindDitConfig(paths);
  return paths;
}

}  // namespace t3
