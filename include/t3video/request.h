// One video to make, and what came of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace t3 {

// How frames become a file. Empty strings and absent numbers mean the default of the container.
struct FileOptions {
  std::string codec;                  // an encoder's name in FFmpeg, e.g. "libx265"
  std::optional<int> crf;             // constant quality, on the encoder's own scale
  std::string pixel_format;           // e.g. "yuv420p10le"; for PNG frames "rgb48" gives 16 bits
  std::optional<int64_t> last_frame;  // stop after this frame, counted from 1
};

// What a run does with the state that an earlier run left beside the same output.
enum class ExistingState {
  kContinue,  // goes on where it is of the same run; throws Error where it is of another
  kDiscard,   // starts anew
  kForce,     // goes on even where model, inputs or settings differ
};

// What is absent comes from the model (its t3.json, else its preset).
struct Request {
  std::string prompt;
  std::optional<std::string> negative_prompt;
  std::optional<int64_t> width;  // pixels; a size the model cannot make is made larger and cropped
  std::optional<int64_t> height;
  std::optional<int64_t> frames;  // 4n + 1
  std::optional<double> fps;
  std::optional<int64_t> steps;
  std::optional<double> guidance;  // 1 runs the conditional branch alone
  std::optional<double> shift;
  std::optional<std::string> sampler;  // euler | unipc
  uint64_t seed = 0;
  std::string image;               // first frame of the video (image to video)
  std::string attention = "auto";  // auto | t3 | full | close | remote | swin
  std::string windows;             // "t,h,w;t,h,w;..." window counts; empty: the model's own
  std::string text_embeds;         // file of `t3 encode-text` in place of the text encoder
  std::string noise;               // file with tensor `noise` in place of the seed's
  std::string save_latents;        // file for the final latents
  std::string output;              // .mp4 .mkv .mov .webm .y4m, a folder/, or .safetensors
  FileOptions file;
  // The sampler's state goes beside the output every so many steps: 0 never, absent so that about
  // two minutes are at risk.
  std::optional<int64_t> checkpoint_every;
  bool keep_latents = true;  // the final latents are on disk until the video is complete
  ExistingState existing_state = ExistingState::kContinue;
  std::string resume_from;     // a state file elsewhere than beside the output
  std::string preview;         // PNG file for the current guess of the clean video
  int64_t preview_every = 5;   // steps
  std::string record;          // JSON file for what was done, written when it is complete
  std::string repeats;         // record of an earlier run, which this one is compared with
  bool skip_finished = false;  // nothing is done where `record` says that it was
};

// What a finished request reports. Memory is 0 where it was not measured.
struct Result {
  std::string output;
  int64_t width = 0;
  int64_t height = 0;
  int64_t frames = 0;
  struct Stage {
    std::string name;
    double seconds = 0;
    int64_t device_peak_bytes = 0;  // peak of the device's allocator within the stage
    int64_t host_peak_bytes = 0;    // peak of the process's resident memory within the stage
    // Of the device beside what the allocator holds, at the stage's end: the context, the code and
    // memory of libraries, and what other processes have.
    int64_t device_context_bytes = 0;
  };
  std::vector<Stage> stages;
  std::vector<std::string> notes;  // e.g. that the video was cropped
  int64_t resumed_from = 0;        // steps that an earlier run had done
  bool skipped = false;            // it was finished already
};

}  // namespace t3
