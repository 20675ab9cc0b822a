// The walk, and captions by the names of their files.
#include "training/data/source_folder.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "media/extension.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

const std::set<std::string> kImageExtensions{".png", ".jpg", ".jpeg", ".webp"};

// Path without extension.
std::string StemOf(const fs::path& name) { return fs::path(name).replace_extension().string(); }

class Walk {
 public:
  explicit Walk(fs::path folder) : folder_(std::move(folder)) {}

  FolderContents Run() {
    Enter("");
    T3_CHECK(root_failure_.empty(), "cannot read the folder {}: {}", folder_.string(),
             root_failure_);
    // Links last: a folder that also has a place of its own is known by that.
    while (!folders_.empty() || !linked_.empty()) {
      std::vector<fs::path>& next = folders_.empty() ? linked_ : folders_;
      const fs::path name = next.back();
      next.pop_back();
      Enter(name);
    }
    std::sort(media_.begin(), media_.end());
    std::sort(captions_.begin(), captions_.end());
    Match();
    std::sort(contents_.rejected.begin(), contents_.rejected.end(),
              [](const auto& a, const auto& b) { return a.file < b.file; });
    return std::move(contents_);
  }

 private:
  void Reject(const fs::path& name, const std::string& reason) {
    contents_.rejected.push_back({name.string(), reason});
  }

  void Enter(const fs::path& name) {
    std::error_code failure;
    const fs::path real = fs::canonical(folder_ / name, failure);
    if (!failure && !walked_.insert(real).second) return;
    fs::directory_iterator entry(folder_ / name, failure);
    // `entry` becomes the end when advancing fails.
    for (; !failure && entry != fs::directory_iterator(); entry.increment(failure)) {
      Sort(name / entry->path().filename(), *entry);
    }
    if (!failure) return;
    if (name.empty()) {
      root_failure_ = failure.message();
    } else {
      Reject(name, "the folder cannot be read: " + failure.message());
    }
  }

  void Sort(const fs::path& name, const fs::directory_entry& entry) {
    std::error_code failure;
    const bool link = entry.is_symlink(failure);
    const fs::file_status status = entry.status(failure);
    if (fs::is_directory(status)) {
      (link ? linked_ : folders_).push_back(name);
      return;
    }
    if (name.filename().string().starts_with('.')) return;
    const bool caption = Extension(name) == ".txt";
    const bool dangling = link && !fs::exists(status);
    // Without an extension, the link may have led to a folder.
    if (!IsMediaName(name) && !caption && !(dangling && !name.has_extension())) return;
    if (fs::is_regular_file(status)) {
      (caption ? captions_ : media_).push_back(name);
      return;
    }
    if (!caption) broken_.push_back(name);
    if (dangling) return Reject(name, "it is a link to something that is not there");
    if (failure) return Reject(name, "it cannot be read: " + failure.message());
    Reject(name, "it is not a regular file");
  }

  void Match() {
    for (const fs::path& caption : captions_) {
      by_stem_[StemOf(caption)].push_back(caption);
      by_lower_case_[AsciiLowerCase(StemOf(caption))].push_back(caption);
    }
    std::set<fs::path> used;
    for (const fs::path& name : broken_) used.insert(CaptionOf(name));
    for (const fs::path& name : media_) {
      const fs::path caption = CaptionOf(name);
      if (caption.empty()) {
        Reject(name, "it has no caption; wanted " + StemOf(name) + ".txt");
        continue;
      }
      used.insert(caption);
      contents_.media.push_back({name.string(), caption.string()});
    }
    for (const fs::path& caption : captions_) {
      if (!used.contains(caption)) {
        Reject(caption, "it is a caption without a video or image of its name");
      }
    }
  }

  // Empty where there is none, or several that differ in case alone.
  fs::path CaptionOf(const fs::path& name) const {
    const std::string stem = StemOf(name);
    if (const auto exact = by_stem_.find(stem); exact != by_stem_.end()) {
      // The usual spelling wins over NAME.TXT beside it.
      const std::vector<fs::path>& files = exact->second;
      const auto usual = std::find(files.begin(), files.end(), fs::path(stem + ".txt"));
      return usual != files.end() ? *usual : files[0];
    }
    const auto similar = by_lower_case_.find(AsciiLowerCase(stem));
    if (similar == by_lower_case_.end() || similar->second.size() != 1) return {};
    return similar->second[0];
  }

  fs::path folder_;
  std::string root_failure_;
  std::vector<fs::path> folders_, linked_;  // still to be entered
  std::set<fs::path> walked_;               // real paths
  std::vector<fs::path> media_, captions_;
  std::vector<fs::path> broken_;  // media that are rejected already; their captions are not stray
  std::map<std::string, std::vector<fs::path>> by_stem_, by_lower_case_;  // captions
  FolderContents contents_;
};

}  // namespace

bool IsImageName(const fs::path& name) { return kImageExtensions.contains(Extension(name)); }

bool IsMediaName(const fs::path& name) {
  return IsImageName(name) || kVideoExtensions.contains(Extension(name));
}

FolderContents WalkFolder(const fs::path& folder) { return Walk(folder).Run(); }

}  // namespace t3
