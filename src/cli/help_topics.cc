// t3 help TOPIC.
#include <CLI/App.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/nearest.h"
#include "cli/commands.h"

namespace t3 {
namespace {

struct Topic {
  const char* summary;
  const char* text;
};

const std::map<std::string, Topic>& Topics() {
  static const std::map<std::string, Topic> topics{
      {"first",
       {"from nothing to a video",
        R"(  t3 doctor                          what this machine has and lacks
  t3 inspect FILE...                 what a weight file is, and whether it is complete
  t3 plan --model DIR --calibrate    measure this machine with a model, once
  t3 generate --model DIR --prompt TEXT --dry-run --output v.mp4
                                     what would be done: windows, memory, time
  t3 generate --model DIR --prompt TEXT --output v.mp4
With T3_MODEL_DIR set to the model's folder, --model can be left out.
)"}},
      {"attention",
       {"full, T3 and other patterns",
        R"(Attention is a property of the weights. --attention auto runs a model as it was trained: the
file's metadata, the folder's t3.json or the file's name say how. A model that does not say is taken
to have full attention, and refused above 200,000 tokens, where that would take hours.
--windows "t,h,w;t,h,w;..." gives numbers of windows along time, height and width; layer i uses
entry i mod length. t3 plan shows the windows of any size.
)"}},
      {"memory",
       {"what fits, and what to do when it does not",
        R"(Stages run one after the other, each with its own network: text encoder, denoiser, decoder.
t3 generate refuses a run that will not fit before it loads anything, and names flags with which it
would. --memory-limit bounds the device, --host-memory-limit the process: 24GB, 512MiB. Where less
is there, work goes in smaller pieces, then a GPU has the denoiser's weights streamed from the host.
t3 encode-text once and --text-embeds spare the text encoder; --output F.safetensors leaves the
decoder for later (t3 decode).
A small decoder (--decoder taew2_1.safetensors) takes a few GB at 4K and less time, and shows less
detail.
)"}},
      {"resume",
       {"interrupted, killed and failed runs",
        R"(While v.mp4 is made, v.mp4.checkpoint.safetensors holds the state of the sampler: every
--checkpoint-every steps, else so that about two minutes are at risk. Once denoised, the latents are
in v.mp4.latents.safetensors until the video has been written and read back.
  t3 resume v.mp4          continues to the same bits; reports what has changed
  t3 resume DIR            continues every job of the folder; finished videos are skipped
The same t3 generate command does the same; --restart starts again. Ctrl-C, SIGTERM and SIGHUP end
the run after the step and save it; a second Ctrl-C ends it at once. If the output's folder is gone
or full, the state goes to the current folder or the temporary one, and the message says where. A
log that cannot be written never ends a run.
Only one run at a time writes an output. What exists is replaced only if it is an earlier result of
the same settings, or by --overwrite. Links are followed; pipes and devices are refused.
)"}},
      {"sampling",
       {"steps, samplers and distilled weights",
        R"(Weights that were distilled to a few steps are recognised by their tensors, metadata or names,
LoRAs included: they set the sampler, the steps and --guidance 1. A note says so; flags come first.
  --sampler euler | unipc   a step along the velocity; unipc corrects it from earlier steps
            renoise         predicts the clean video and adds new noise: FastWan, DMD
            rcm             the same at the levels of rCM, for 1 to 4 steps
  --steps N --shift S       a schedule of N levels
  --timesteps 1000,757,522  the levels themselves, falling, after any shift; --sigmas: over 1000
A model's t3.json or its file's metadata "t3.sampling" can state them
(docs/reference/files.md).
)"}},
      {"prompts",
       {"many videos from one command",
        R"(--prompt-file takes a text file, a prompt a line ('#' begins a comment), or JSON: a list of
strings or of objects with "prompt" or "prompt_en". --seeds 0,1,2 makes every prompt with each seed.
CSV and TSV files with a header, JSON lines and UTF-16 are read as well. Other fields of an entry are
options of that video: negative_prompt, seed, size, frames, fps, sampler, steps, timesteps, sigmas,
guidance, shift, attention, windows, image, noise.
With --output DIR/ the videos are DIR/NNN-words-of-the-prompt.mp4, each with a record .mp4.json
beside it. A name that another video has gets a number. DIR/job.json holds all jobs of the folder.
Models load once. An entry that fails does not stop the others; running the command again makes only
what is missing.
)"}},
      {"demo",
       {"the shipped model, and how to write for it",
        R"(--model demo knows one procedural world and was trained with 17 frames at 256x144. Each prompt
says where and when, the sky, the light, an object with its colour and motion, and the camera:
  The city at night. A cloudy sky with the moon on the left. Between two red lanterns a yellow
  airship moves to the right. The camera pans left.
Places: the sea, the mountains, the city, the desert. Objects: balloon, airship, bird, boat, car.
t3 world writes clips with such captions. Larger sizes of the same aspect work, longer clips do not.
)"}},
      {"records",
       {"what was done, and doing it again",
        R"(A record is JSON: every setting, the digests of weights and inputs, build, machine, times,
memory, and the output's digest. Prompt files get one a video, --record F.json writes one for a
single video.
  t3 generate --from v.mp4.json --output again.mp4
makes it again, says what differs, and whether the file has the same bytes. Flags given as well win.
--from v.mp4 takes the settings that the video itself carries; the model is then yours to name.
Digests are SHA-1 of the whole file up to 64 MB ("sha1:"); of a larger one of its size, both ends and
256 places between ("sha1-sampled:"), which any rewriting changes and a single flipped bit may not.
)"}},
      {"config",
       {"flags from files and the environment",
        R"(--config F.json takes an object whose keys are the flags without dashes:
  {"model": "/models/wan", "size": "1280x720", "steps": 30, "lora": ["a.safetensors:0.8"]}
What the command line says wins. T3_MODEL_DIR is the model and T3_DEVICE the device where neither
flag nor file gives one.
)"}},
      {"measuring",
       {"how good a model of the world is",
        R"(t3 eval makes clips from captions of held-out scenes of the procedural world (t3 world), reads
each and compares it with its true render: attributes, constraints, detail, flicker, seconds.
  t3 eval --model A --clips 100 --loss-clips 100 --json a.json --save-sheet a.png
  t3 eval --compare a.json b.json --margin -0.05
The second reports how much better B is, scene by scene, with 95 % intervals. --truth measures the
true renders, --vae-only the renders through the VAE. docs/guides/evaluate.md defines the measures.
)"}},
      {"progress",
       {"watching a run",
        R"(--progress auto   a live line on a terminal, else plain lines
           live | plain | none
           json   one JSON object a line on stderr, "event": plan, progress, note, log, result, error
--preview F.png renews a small picture of the current guess of the clean video every
--preview-every steps: the first, middle and last frame. Its colours are a linear map that is fitted
to the VAE (t3 fit-preview, or by itself at the first use).
)"}},
  };
  return topics;
}

void PrintTopics(const CLI::App& app) {
  fmt::print("t3 help TOPIC, where TOPIC is a command or one of\n");
  for (const auto& [name, topic] : Topics()) fmt::print("  {:<12} {}\n", name, topic.summary);
  fmt::print("\ncommands\n");
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    fmt::print("  {:<12} {}\n", command->get_name(), command->get_description());
}

int PrintTopic(CLI::App& app, const std::string& name) {
  const auto found = Topics().find(name);
  if (found != Topics().end()) {
    fmt::print("{}\n\n{}", found->second.summary, found->second.text);
    return 0;
  }
  std::vector<std::string> names;
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    if (command->get_name() == name) {
      fmt::print("{}", command->help());
      return 0;
    }
    names.push_back(command->get_name());
  }
  for (const auto& entry : Topics()) names.push_back(entry.first);
  FailUsage("there is no topic '{}'{}; `t3 help` lists them", name, DidYouMean(name, names));
}

}  // namespace

void AddHelp(CLI::App& app, Action& action) {
  auto topic = std::make_shared<std::string>();
  CLI::App& command = *app.add_subcommand("help", "explain a topic or a command");
  command.add_option("topic", *topic, "see `t3 help`");
  command.callback([topic, &app, &action] {
    action = [topic, &app] {
      if (!topic->empty()) return PrintTopic(app, *topic);
      PrintTopics(app);
      return 0;
    };
  });
}

}  // namespace t3
