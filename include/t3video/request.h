// A video to generate, and what came of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "t3video/generation_params.h"

namespace t3 {

// How frames are encoded. An empty string or an absent number is the container's default.
struct FileOptions {
  std::string codec;                  // an encoder's name in FFmpeg, e.g. "libx265"
  std::optional<int> crf;             // constant quality, on the encoder's own scale
  std::string pixel_format;           // e.g. "yuv420p10le"; for PNG frames "rgb48" gives 16 bits
  std::optional<int64_t> last_frame;  // stop after this frame, counted from 1
};

// A decoded frame; valid during the call that receives it.
struct Frame {
  int64_t index = 0;  // from 0
  int64_t width = 0;
  int64_t height = 0;
  std::span<const float> rgb;  // (3,height,width) in [-1,1], nominally: values may lie outside
};

// (height,width,3), rounded once and clamped to 0..255.
std::vector<uint8_t> ToRgb8(const Frame& frame);

// Called for each frame in order, from a thread of the library's own but never from two at once.
// An exception ends the run.
using FrameSink = std::function<void(const Frame&)>;

// A picture: a file (PNG, JPEG or WebP), or pixels in memory.
struct ImageInput {
  std::string path = {};
  int64_t width = 0;  // of `rgb`, pixels
  int64_t height = 0;
  std::vector<uint8_t> rgb = {};  // (height,width,3)
  bool empty() const { return path.empty() && rgb.empty(); }
};

struct OutputOptions {
  // .mp4 .mkv .mov .webm .y4m .gif .webp, .png (one frame), a folder/, or .safetensors (latents)
  std::string path;
  FrameSink sink;             // frames to memory in place of `path`; such a run keeps no state
  std::optional<double> fps;  // absent: the model's
  FileOptions file;
  std::string save_latents;  // file for the final latents; empty: none
  std::string keep_draft;    // file for the draft's video; empty: none
  bool overwrite = false;    // replace files that are not an earlier result of the same settings
};

// What a run does with the state that an earlier run left beside the same output.
enum class ExistingState {
  kContinue,  // continues the same run; throws Error when it is another one
  kDiscard,   // starts again
  kForce,     // continues even when model, inputs or settings differ
};

struct CheckpointOptions {
  // Steps between checkpoints beside the output; 0: none; absent: about every two minutes.
  std::optional<int64_t> every;
  bool drop_latents = false;  // do not keep the final latents until the video is complete
  ExistingState existing_state = ExistingState::kContinue;
  std::string resume_from;  // a state file elsewhere than beside the output
};

struct PreviewOptions {
  std::string path;              // PNG file for the current estimate of the clean video
  std::optional<int64_t> every;  // steps between previews; absent: 5
  // TAEHV file that decodes its frames; empty: the model's decoder where that is a TAEHV, else one
  // pixel a latent, by a linear map
  std::string decoder;
};

struct RecordOptions {
  std::string path;            // JSON file, written when the video is complete
  std::string compare_with;    // record of an earlier run whose result this run should equal
  bool skip_finished = false;  // do nothing when `path` says that this run is finished
};

// What is absent or empty is the model's own, or off.
struct Request {
  std::string prompt;
  std::optional<std::string> negative_prompt;  // absent: the model's
  std::string text_embeds;                     // file of EncodeText() in place of both prompts
  GenerationParams params;
  std::optional<uint64_t> seed;  // absent: 0
  // File with tensor `noise` (z,T,h,w), of any float dtype, in place of the seed's noise.
  std::string noise;
  ImageInput image;       // first frame of the video (image to video)
  std::string video;      // file whose clip the video starts from (video to video)
  std::string draft_dit;  // denoiser file for the draft; empty: the model's
  // Takes the low frequencies of each frame from the source clip or the draft. Absent: true.
  std::optional<bool> match_colors;
  OutputOptions output;
  CheckpointOptions checkpoint;
  PreviewOptions preview;
  RecordOptions record;
};

// What a finished request reports. Memory is 0 where it was not measured.
struct Result {
  std::string output;  // its path; empty: a sink
  int64_t width = 0;   // pixels of the video that was written
  int64_t height = 0;
  int64_t frames = 0;
  struct Stage {
    std::string name;
    double seconds = 0;
    int64_t device_peak_bytes = 0;  // peak of the device's allocator during the stage
    int64_t host_peak_bytes = 0;    // peak resident memory of the process during the stage
    // On the device outside the allocator at the end of the stage: the context, code and memory of
    // libraries, and other processes.
    int64_t device_context_bytes = 0;
    std::vector<double> step_seconds{};  // of a denoising: of each step of this run
    // What `seconds` consist of, and what ran beside them, by name; of a decode into a video file.
    std::vector<std::pair<std::string, double>> part_seconds{};
  };
  std::vector<Stage> stages;
  std::vector<std::string> notes;  // e.g. that the video was cropped
  int64_t resumed_from = 0;        // steps that an earlier run had done
  bool skipped = false;            // it was finished already
};

}  // namespace t3
