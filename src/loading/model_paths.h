// Finding a model's files in a folder.
#pragma once

#include <string>
#include <vector>

#include "t3video/options.h"

namespace t3 {

enum class ModelPart { kDit, kTextEncoder, kVae };

const char* PartName(ModelPart part);    // "denoiser", "text encoder", "VAE"
const char* PartOption(ModelPart part);  // "`dit`", "`text-encoder`", "`vae`"

// Where each part lies; a path is empty when the part was not found (the stage that needs it
// reports that).
struct ModelPaths {
  std::string folder;  // the model's folder, or empty
  std::string dit;
  std::string dit_config;  // config.json beside the DiT
  std::string text_encoder;
  std::string vae;
  std::string decoder;           // decodes in place of the VAE
  std::string tokenizer;         // sentencepiece model
  std::string defaults;          // t3.json of the folder
  bool dit_from_folder = false;  // the folder's own DiT, not one that --dit puts over it

  std::string& Of(ModelPart part);
};

// The files that are named, the folder that a model's name stands for ("demo", ComfyUI's, a Hugging
// Face cache) and its tokenizer and t3.json. Parts that are not named stay empty: FindCandidates
// lists what the folder has for them. Throws Error when the folder or a named file does not exist.
ModelPaths LocateModel(const ModelFiles& files);

// The files of `folder` that may hold `part`: groups by name, the most specific first. A set of
// shards is one file: its index, or else its first shard.
std::vector<std::vector<std::string>> FindCandidates(const std::string& folder, ModelPart part);

// Looks for config.json beside the DiT, in the folder and in its transformer/.
std::string FindDitConfig(const ModelPaths& paths);

// What was looked for and what the folder holds, for messages about a part that is not there.
std::string DescribeSearch(const std::string& folder, ModelPart part);
// The names of the folder's files, at most a dozen.
std::string DescribeFolder(const std::string& folder);

}  // namespace t3
