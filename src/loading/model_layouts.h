// What the folder of a model holds: official, diffusers' and ComfyUI's layouts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loading/model_part.h"

namespace t3 {

// The files of `folder` that may hold `part`: groups by name, the most specific first. A set of
// shards is one file: its index, or else its first shard.
std::vector<std::vector<std::string>> FindCandidates(const std::string& folder, ModelPart part);

// The sentencepiece model of `folder`; "" where there is none.
std::string FindTokenizer(const std::string& folder);

// The path of `name` in `folder`; "" where that is not a file.
std::string FileIn(const std::filesystem::path& folder, const char* name);

// What was looked for and what the folder holds, for messages about a part that is not there.
std::string DescribeSearch(const std::string& folder, ModelPart part);
// The names of the folder's files, at most a dozen.
std::string DescribeFolder(const std::string& folder);

}  // namespace t3
