// Finding a model's files in a folder.
#pragma once

#include <string>

#include "t3video/options.h"

namespace t3 {

// Where each part lies; a path is empty when the part was not found (the stage that needs it says
// so).
struct ModelPaths {
  std::string folder;  // the model's folder, or empty
  std::string dit;
  std::string dit_config;  // config.json beside the DiT
  std::string text_encoder;
  std::string vae;
  std::string tokenizer;         // sentencepiece model
  std::string defaults;          // t3.json of the folder
  bool dit_from_folder = false;  // the folder's own DiT, not one laid over it by --dit
};

// Official, diffusers and ComfyUI folders, single files over them. Throws Error when the folder
// does not exist, a named file is not there, or no DiT is found; the message lists what was looked
// for.
ModelPaths FindModelFiles(const ModelFiles& files);

// A file or folder that comes with the program: beside an installed t3 or in the build folder; ""
// where it is not there.
std::string ShippedPath(const std::string& name);

// The folder of the shipped model: beside an installed t3 or in the build folder. Throws Error when
// this installation has none.
std::string DemoModelFolder();

}  // namespace t3
