// The files of a model as they are named, and what its folder's name stands for.
#pragma once

#include <string>

#include "loading/model_part.h"
#include "t3video/options.h"

namespace t3 {

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
  bool dit_from_folder = false;  // the folder's own DiT, not one that `dit` names in its place

  std::string& Of(ModelPart part);
};

// The files that are named, the folder that a model's name stands for ("demo", ComfyUI's, a Hugging
// Face cache) and its tokenizer and t3.json. Parts that are not named stay empty: FindCandidates
// lists what the folder has for them. Throws Error when the folder or a named file does not exist.
ModelPaths LocateModel(const ModelFiles& files);

// Looks for config.json beside the DiT, in the folder and in its transformer/.
std::string FindDitConfig(const ModelPaths& paths);

}  // namespace t3
