// Videos and images of a folder, with the captions beside them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "t3video/prepare.h"

namespace t3 {

// A video or image that the folder shows.
struct FoundMedia {
  std::string name;     // relative to the folder; a link's own name
  std::string caption;  // file of its caption, likewise
};

struct FolderContents {
  std::vector<FoundMedia> media;  // by name
  std::vector<RejectedSource> rejected;
};

// Walks the folder and its subfolders, symbolic links included; a folder that is reached twice, as
// by links in a circle, is walked once. The caption of NAME.mp4 is NAME.txt in the same folder;
// letters of either case will do where only one file fits. Subfolders that cannot be read, links to
// nothing and captions without media are rejected. Throws Error when `folder` itself cannot be
// read. Time grows as n log n with the number of files.
FolderContents WalkFolder(const std::filesystem::path& folder);

bool IsImageName(const std::filesystem::path& name);
bool IsMediaName(const std::filesystem::path& name);

}  // namespace t3
