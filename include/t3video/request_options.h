// Every option of a generation, declared once. Flags, settings files, checkpoints, records,
// metadata and shell completion are made from these declarations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "t3video/options.h"
#include "t3video/request.h"

namespace t3 {

enum class OptionGroup { kModel, kPrompt, kVideo, kSampling, kOutput, kSafety, kMachine };

// What a value decides.
enum class OptionEffect {
  kLatents,   // a run with another value is another run
  kFrames,    // how frames are made from the latents
  kPlayback,  // how fast the file plays
  kEncoding,  // how frames are encoded
  kNone,      // how the run is done
};

struct Option {
  const char* name;  // the flag without dashes, the key of settings
  OptionGroup group;
  OptionEffect effect;
  const char* help;
  const char* fallback = "";  // what an absent value means
  const char* choices = "";   // the words that are accepted, separated by spaces
  bool path = false;          // the value names a file or folder
  bool bytes = false;         // the value is an amount of memory
};

// Each Visit function calls visit(const Option&, member&) for every option of its struct, which
// may be const.
template <typename Files, typename Visit>
void VisitModelOptions(Files& files, Visit visit) {
  using enum OptionGroup;
  constexpr auto kLatents = OptionEffect::kLatents;
  visit(Option{"model", kModel, kLatents,
               "checkpoint folder (official, diffusers or ComfyUI layout), or 'demo'",
               "$T3_MODEL_DIR", "", true},
        files.model);
  visit(Option{"dit", kModel, kLatents, "denoiser file", "the folder's", "", true}, files.dit);
  visit(Option{"text-encoder", kModel, kLatents, "UMT5 file", "the folder's", "", true},
        files.text_encoder);
  visit(Option{"vae", kModel, kLatents, "VAE file; a TAEHV (taew2_1, taew2_2) only decodes",
               "the folder's", "", true},
        files.vae);
  visit(
      Option{"decoder", kModel, kLatents,
             "file that decodes in place of the VAE: a TAEHV, or another VAE for the same latents",
             "the VAE", "", true},
      files.decoder);
  visit(Option{"tokenizer", kModel, kLatents, "sentencepiece model", "the folder's", "", true},
        files.tokenizer);
  visit(Option{"lora", kModel, kLatents,
               "LoRA for the denoiser, FILE or FILE:SCALE, in place of the model's own; may be "
               "repeated; or none",
               "the model's, if any", "", true},
        files.loras);
  visit(Option{"add-lora", kModel, kLatents,
               "likewise, after the model's own or those of `lora`; may be repeated", "", "", true},
        files.added_loras);
}

template <typename Options, typename Visit>
void VisitMachineOptions(Options& options, Visit visit) {
  using enum OptionGroup;
  constexpr auto kNone = OptionEffect::kNone;
  visit(Option{"device", kMachine, kNone, "auto, cpu, cuda or cuda:N", "$T3_DEVICE, else auto",
               "auto cpu cuda cuda:0"},
        options.device);
  visit(Option{"dtype", kMachine, OptionEffect::kLatents,
               "type to compute in: auto, bf16, fp32 or fp8", "auto", "auto bf16 fp32 fp8"},
        options.dtype);
  visit(Option{"memory-limit", kMachine, kNone, "maximum memory on the device, e.g. 24GB",
               "all of it", "", false, true},
        options.memory_limit);
  visit(Option{"host-memory-limit", kMachine, kNone,
               "maximum memory of the process on the host, e.g. 64GB", "what is free", "", false,
               true},
        options.host_memory_limit);
  visit(Option{"gpus", kMachine, kNone, "GPUs that share the work; with --device cpu, processes",
               "1"},
        options.gpus);
  visit(Option{"deterministic", kMachine, kNone,
               "use only kernels that give the same bits every time"},
        options.deterministic);
}

template <typename Params, typename Visit>
void VisitScheduleParams(Params& params, Visit visit) {
  using enum OptionGroup;
  constexpr auto kLatents = OptionEffect::kLatents;
  visit(Option{"sampler", kSampling, kLatents, "euler, unipc, renoise or rcm", "the model's",
               "euler unipc renoise rcm"},
        params.sampler);
  visit(Option{"steps", kSampling, kLatents, "denoising steps", "the model's"}, params.steps);
  visit(Option{"timesteps", kSampling, kLatents,
               "timesteps to denoise at, falling from 1000, e.g. 1000,757,522; in place of steps "
               "and shift",
               "the model's, if any"},
        params.timesteps);
  visit(
      Option{"sigmas", kSampling, kLatents,
             "the same as noise levels, falling from 1, e.g. 1,0.757,0.522", "the model's, if any"},
      params.sigmas);
  visit(Option{"guidance", kSampling, kLatents,
               "classifier-free guidance scale; 1 runs the conditional branch only", "the model's"},
        params.guidance);
  visit(Option{"shift", kSampling, kLatents, "shift of the noise schedule", "the model's"},
        params.shift);
}

template <typename Params, typename Visit>
void VisitRefinementParams(Params& params, Visit visit) {
  using enum OptionGroup;
  constexpr auto kLatents = OptionEffect::kLatents;
  visit(
      Option{"strength", kSampling, kLatents,
             "with a source video or a draft: the fraction of the schedule to run, from 0 (encode "
             "and decode) to 1 (plain generation)",
             "the model's, else 0.4"},
      params.strength);
  visit(Option{"draft", kSampling, kLatents,
               "generate a clip of WIDTHxHEIGHT first and refine it; or none",
               "the model's, else none", "none"},
        params.draft);
  visit(Option{"draft-steps", kSampling, kLatents, "denoising steps of the draft", "the model's"},
        params.draft_steps);
  visit(Option{"draft-sampling", kSampling, kLatents,
               "JSON object with what differs in the sampling of the draft, e.g. "
               "{\"guidance\": 1, \"timesteps\": [1000, 757, 522]}",
               "as the video's where given, else the model's"},
        params.draft_sampling);
}

template <typename Params, typename Visit>
void VisitGenerationParams(Params& params, Visit visit) {
  using enum OptionGroup;
  constexpr auto kLatents = OptionEffect::kLatents;
  visit(Option{"size", kVideo, kLatents, "WIDTHxHEIGHT in pixels",
               "the model's; with an image the image's aspect"},
        params.size);
  visit(Option{"frames", kVideo, kLatents, "number of frames, 4n+1", "the model's"}, params.frames);
  VisitScheduleParams(params, visit);
  VisitRefinementParams(params, visit);
  visit(Option{"fp8-exclude-steps", kSampling, kLatents,
               "with `dtype` fp8: so many of the first and of the last steps compute in bf16", "0"},
        params.fp8_exclude_steps);
  visit(Option{"attention", kSampling, kLatents,
               "auto (as the model was trained), t3, full, close, remote or swin", "auto",
               "auto t3 full close remote swin"},
        params.attention);
  visit(Option{"windows", kSampling, kLatents,
               "window counts \"t,h,w;t,h,w;...\"; layer i uses entry i mod length",
               "the model's, else planned"},
        params.windows);
}

template <typename R, typename Visit>
void VisitPromptOptions(R& request, Visit visit) {
  using enum OptionGroup;
  constexpr auto kLatents = OptionEffect::kLatents;
  visit(Option{"prompt", kPrompt, kLatents, "what the video shows"}, request.prompt);
  visit(
      Option{"negative-prompt", kPrompt, kLatents, "what the video should not show", "the model's"},
      request.negative_prompt);
  visit(Option{"text-embeds", kPrompt, kLatents, "file of `t3 encode-text` in place of prompts", "",
               "", true},
        request.text_embeds);
}

// What the video starts from.
template <typename R, typename Visit>
void VisitSourceOptions(R& request, Visit visit) {
  using enum OptionGroup;
  constexpr auto kLatents = OptionEffect::kLatents;
  visit(Option{"seed", kSampling, kLatents, "seed of the noise; -1 draws one", "0"}, request.seed);
  visit(Option{"noise", kSampling, kLatents,
               "file with tensor `noise` (z,T,h,w) in place of the seed's noise", "", "", true},
        request.noise);
  visit(Option{"image", kVideo, kLatents,
               "first frame, scaled and cropped to the video's size (image to video, Wan2.2-TI2V)",
               "", "", true},
        request.image.path);
  visit(Option{"video", kVideo, kLatents,
               "source clip that the video starts from; its frame rate and audio are carried over",
               "", "", true},
        request.video);
  visit(Option{"draft-dit", kModel, kLatents,
               "denoiser file for the draft, e.g. the full-attention weights of the same base",
               "the denoiser's", "", true},
        request.draft_dit);
}

template <typename R, typename Visit>
void VisitOutputOptions(R& request, Visit visit) {
  using enum OptionGroup;
  constexpr auto kEncoding = OptionEffect::kEncoding;
  constexpr auto kNone = OptionEffect::kNone;
  visit(Option{"fps", kVideo, OptionEffect::kPlayback, "frames per second of the file",
               "the model's"},
        request.output.fps);
  visit(
      Option{"output", kOutput, kNone,
             "F.mp4, F.mkv, F.mov, F.webm, F.y4m, F.gif, F.webp, F.png (one frame), F.safetensors "
             "(latents) or DIR/ for PNG frames",
             "named after the prompt", "", true},
      request.output.path);
  visit(Option{"save-latents", kOutput, kNone, "also write the final latents to this file", "", "",
               true},
        request.output.save_latents);
  visit(Option{"keep-draft", kOutput, kNone, "also write the draft's video to this file", "", "",
               true},
        request.output.keep_draft);
  visit(Option{"match-colors", kOutput, OptionEffect::kFrames,
               "on: keep the colors of the source video or the draft; off", "on", "on off"},
        request.match_colors);
  visit(Option{"overwrite", kOutput, kNone,
               "replace files that are not an earlier result of the same settings"},
        request.output.overwrite);
  visit(Option{"codec", kOutput, kEncoding, "video encoder, by its name in FFmpeg", "H.264"},
        request.output.file.codec);
  visit(Option{"crf", kOutput, kEncoding, "constant quality, on the encoder's own scale",
               "the encoder's"},
        request.output.file.crf);
  visit(Option{"pix-fmt", kOutput, kEncoding,
               "pixel format, e.g. yuv420p10le; rgb48 for 16-bit PNG", "8-bit 4:2:0"},
        request.output.file.pixel_format);
}

template <typename R, typename Visit>
void VisitSafetyOptions(R& request, Visit visit) {
  using enum OptionGroup;
  constexpr auto kNone = OptionEffect::kNone;
  visit(Option{"checkpoint-every", kSafety, kNone,
               "steps between checkpoints beside the output; 0 writes none",
               "about every two minutes"},
        request.checkpoint.every);
  visit(Option{"no-save-latents", kSafety, kNone,
               "do not keep the final latents on disk until the video is complete"},
        request.checkpoint.drop_latents);
  visit(Option{"preview", kSafety, kNone,
               "PNG file for a small picture of the current estimate, updated during the run", "",
               "", true},
        request.preview.path);
  visit(Option{"preview-decoder", kSafety, kNone, "TAEHV file that decodes the preview's frames",
               "the run's decoder where it is a TAEHV, else none: a pixel a latent", "", true},
        request.preview.decoder);
  visit(Option{"preview-every", kSafety, kNone, "steps between previews", "5"},
        request.preview.every);
}

template <typename R, typename Visit>
void VisitRequestOptions(R& request, Visit visit) {
  using enum OptionGroup;
  constexpr auto kNone = OptionEffect::kNone;
  VisitPromptOptions(request, visit);
  VisitGenerationParams(request.params, visit);
  VisitSourceOptions(request, visit);
  VisitOutputOptions(request, visit);
  VisitSafetyOptions(request, visit);
  visit(Option{"record", kOutput, kNone, "JSON file for all settings, times and digests", "", "",
               true},
        request.record.path);
}

// The member from text, as a flag or a settings file gives it. Throws Error of kind kUsage that
// names the option. A seed of -1 is drawn at random.
void ParseOption(const Option& option, std::string_view text, std::string& value);
void ParseOption(const Option& option, std::string_view text, std::optional<std::string>& value);
void ParseOption(const Option& option, std::string_view text, std::optional<int64_t>& value);
void ParseOption(const Option& option, std::string_view text, std::optional<int>& value);
void ParseOption(const Option& option, std::string_view text, std::optional<double>& value);
void ParseOption(const Option& option, std::string_view text, std::optional<VideoSize>& value);
// "none", or a size.
void ParseOption(const Option& option, std::string_view text, std::optional<DraftChoice>& value);
void ParseOption(const Option& option, std::string_view text, std::optional<Sampler>& value);
void ParseOption(const Option& option, std::string_view text,
                 std::optional<AttentionPattern>& value);
void ParseOption(const Option& option, std::string_view text, WindowCycle& value);
// "1000,757,522".
void ParseOption(const Option& option, std::string_view text, std::vector<double>& value);
void ParseOption(const Option& option, std::string_view text, ComputeDtype& value);
void ParseOption(const Option& option, std::string_view text, std::optional<uint64_t>& value);
void ParseOption(const Option& option, std::string_view text, int64_t& value);
void ParseOption(const Option& option, std::string_view text, bool& value);
// "on" or "off".
void ParseOption(const Option& option, std::string_view text, std::optional<bool>& value);
// Appends "FILE" or "FILE:SCALE".
void ParseOption(const Option& option, std::string_view text, std::vector<Lora>& value);
// Likewise; "none" alone is the empty list.
void ParseOption(const Option& option, std::string_view text,
                 std::optional<std::vector<Lora>>& value);

// "style.safetensors:0.8" -> path and scale; without a number after the last ':' all of the text is
// the path, and the scale 1.
Lora ParseLora(std::string_view text);
// "3840x2160"; throws Error of kind kUsage otherwise.
VideoSize ParseSize(std::string_view text, const char* option = "size");
// 0 to 2^64-1, or -1 for one that is drawn; throws Error of kind kUsage otherwise.
uint64_t ParseSeed(std::string_view text);

// Sets the option `name` of a request; returns false where there is none of that name. Throws as
// ParseOption does.
bool SetOption(Request& request, std::string_view name, std::string_view text);

}  // namespace t3
