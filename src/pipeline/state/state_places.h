// Where the state of a run lies: beside its output or, where that takes no file, elsewhere.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "weights/types.h"

namespace t3 {

// Metadata of a state: the output of its run, as OutputName(), and what decides its latents.
inline constexpr const char* kOutputKey = "t3.run.output";
inline constexpr const char* kInputsKey = "t3.run.inputs";
std::string OutputName(const std::string& output);

// Files beside an output a.mp4: a.mp4.checkpoint.safetensors, a.mp4.latents.safetensors. Those of a
// folder of frames are beside the folder. Names that would be too long are shortened.
std::string CheckpointBeside(const std::string& output);
std::string LatentsBeside(const std::string& output);

// The current folder, then the system's folder for temporary files.
std::vector<std::filesystem::path> OtherFolders();

// Where `folder` takes the file `beside` of a run with this metadata: under its own name or with a
// number. Files there stay, unless they are an earlier state of the same run. "" where there is no
// such place.
std::string FreePlace(const std::filesystem::path& folder, const std::string& beside,
                      const Metadata& metadata);

// The files that hold a state of `output`: final latents before checkpoints, and each beside it
// before those of OtherFolders() that are this user's and name the output. What is beside an output
// is listed whatever it is.
std::vector<std::string> StateFiles(const std::string& output);

}  // namespace t3
