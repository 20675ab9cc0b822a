// A video as a folder of PNG files. PNG compression takes several times as long as all other work
// on a decoded frame, so several frames are compressed at once.
#include <deque>
#include <filesystem>
#include <future>
#include <optional>
#include <vector>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/target_path.h"
#include "base/temporary.h"
#include "media/backends.h"
#include "media/pixel_convert.h"
#include "media/png_file.h"
#include "media/video_settings.h"
#include "media/video_writer.h"

namespace t3 {
namespace {

namespace fs = std::filesystem;

std::string FrameName(int64_t index) { return fmt::format("frame_{:05}.png", index); }

bool IsFrameName(const std::string& name) {
  return name.starts_with("frame_") && name.ends_with(".png") && name.size() > 10 &&
         name.find_first_not_of("0123456789", 6) == name.size() - 4;
}

// A new folder appears whole, by a rename. One that exists may be a mount point or somebody's
// working directory, so it stays: at the end, the new frames replace its earlier ones. Until then
// they are in a hidden folder inside it.
class FrameFolder {
 public:
  explicit FrameFolder(const std::string& path) : target_(path) {
    if (!target_.has_filename()) target_ = target_.parent_path();
    exists_ = fs::is_directory(target_);
    if (exists_) CheckHoldsFramesOnly();
    const fs::path parent = FolderOf(target_);
    T3_CHECK(exists_ || !fs::exists(target_), "cannot write frames to {}: it is a file",
             target_.string());
    if (!exists_) CheckFolderOf(target_);
    temporary_.emplace(Temporary::Folder(exists_ ? target_ : parent, target_));
  }

  std::string NewFrame(int64_t index) const { return temporary_->path() + "/" + FrameName(index); }

  // The frames' names are on disk before the folder's, and the folder's before this returns.
  void Commit(int64_t frames) {
    try {
      SyncFolder(temporary_->path());
      if (!exists_) {
        fs::rename(temporary_->path(), target_);
        temporary_->Release();
        SyncFolder(FolderOf(target_));
        return;
      }
      for (const fs::path& old : Entries()) fs::remove(old);
      for (int64_t i = 0; i < frames; ++i) fs::rename(NewFrame(i), target_ / FrameName(i));
      SyncFolder(target_);
    } catch (const fs::filesystem_error& error) {
      Fail("cannot finish {}: {}", target_.string(), error.code().message());
    }
  }

 private:
  // What the folder shows; hidden files (.DS_Store, .gitkeep) are left alone.
  std::vector<fs::path> Entries() const {
    std::vector<fs::path> entries;
    for (const fs::directory_entry& entry : fs::directory_iterator(target_)) {
      if (!entry.path().filename().string().starts_with('.')) entries.push_back(entry.path());
    }
    return entries;
  }

  void CheckHoldsFramesOnly() const {
    for (const fs::path& entry : Entries()) {
      T3_CHECK(
          IsFrameName(entry.filename().string()),
          "cannot write frames to {}: the folder holds other files ({}); name a new folder, an "
          "empty one, or one that holds only frames of an earlier run (frame_00000.png, ...)",
          target_.string(), entry.filename().string());
    }
  }

  fs::path target_;
  std::optional<Temporary> temporary_;
  bool exists_ = false;
};

class FrameFolderWriter : public VideoWriter {
 public:
  FrameFolderWriter(const std::string& path, const VideoSettings& settings)
      : path_(path),
        settings_(settings),
        bits_(PngBits(path, settings.pixel_format)),
        threads_(ThreadCount(settings.threads)),
        folder_(path) {}

  void Write(const FrameView& frame) override {
    CheckFrame(path_, settings_, frame);
    PngPicture picture = ToPng(frame, bits_, settings_.metadata, threads_);
    while (static_cast<int>(running_.size()) >= threads_) WaitForOldest();
    running_.push_back(std::async(
        std::launch::async,
        [name = folder_.NewFrame(frames_++), png = std::move(picture)] { WritePng(name, png); }));
  }

  void Finish() override {
    while (!running_.empty()) WaitForOldest();
    T3_CHECK(frames_ > 0, "cannot finish {}: no frame was written", path_);
    folder_.Commit(frames_);
  }

 private:
  void WaitForOldest() {
    std::future<void> oldest = std::move(running_.front());
    running_.pop_front();
    oldest.get();
  }

  std::string path_;
  VideoSettings settings_;
  int bits_;
  int threads_;
  int64_t frames_ = 0;
  FrameFolder folder_;
  std::deque<std::future<void>> running_;  // after folder_: joined before the folder is removed
};

}  // namespace

std::unique_ptr<VideoWriter> OpenFrameFolderWriter(const std::string& path,
                                                   const VideoSettings& settings) {
  CheckNoEncoderOptions(path, settings);
  return std::make_unique<FrameFolderWriter>(path, settings);
}

}  // namespace t3
