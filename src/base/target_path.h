// Where an output goes: behind symbolic links, and only to what a file can be written to.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace t3 {

// The longest name of a file, in bytes, that Linux's file systems take.
inline constexpr size_t kMaxNameBytes = 255;

// `path` with the symbolic links at its end followed, also those that lead to nothing yet: a rename
// then replaces the file that the link names, not the link. Throws Error where `path` is a pipe, a
// device or a socket (a file that appears whole by a rename would replace it), where links go in
// circles, and where the name is too long. "frames/" gives "frames".
std::filesystem::path ResolveTarget(const std::string& path);

// The folder of a target, "." where it names none.
std::filesystem::path FolderOf(const std::filesystem::path& target);

// Throws Error where the folder of `target`, which is to be written, does not exist, or where it or
// one above it is a file.
void CheckFolderOf(const std::filesystem::path& target);

// What exists at `folder` or, where nothing does, at the nearest place above it, if that is not a
// folder; "" otherwise.
std::filesystem::path FileInTheWayOf(const std::filesystem::path& folder);

// `name` cut at a character so that it has at most `bytes` bytes; what was cut off is replaced by
// "~" and eight digits that depend on all of it. A name that fits is returned as it is.
std::string ShortenName(std::string_view name, size_t bytes);

}  // namespace t3
