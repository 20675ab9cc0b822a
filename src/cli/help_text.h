// The text of `t3 help TOPIC`, as data.
#pragma once

#include <array>
#include <string_view>

namespace t3 {

struct HelpTopic {
  std::string_view name;
  std::string_view summary;
  std::string_view text;  // lines of up to 100 columns, each ended by '\n'
};

inline constexpr std::array<HelpTopic, 12> kHelpTopics{{
    {"attention", "full, T3 and other patterns",
     R"(Attention is a property of the weights. --attention auto runs a model as it was trained: the
file's metadata, the folder's t3.json or the file's name say how. A model that does not say is taken
to have full attention, and refused above 200,000 tokens, where that would take hours.
--windows "t,h,w;t,h,w;..." gives numbers of windows along time, height and width; layer i uses
entry i mod length. t3 plan shows the windows of any size.
)"},
    {"config", "flags from files and the environment",
     R"(--config F.json takes an object whose keys are the flags without dashes:
  {"model": "/models/wan", "size": "1280x720", "steps": 30, "lora": ["a.safetensors:0.8"]}
What the command line says wins. T3_MODEL_DIR is the model and T3_DEVICE the device where neither
flag nor file gives one.
)"},
    {"demo", "the shipped model, and how to write for it",
     R"(--model demo knows one synthetic world and was trained with 17 frames at 512x288. Each prompt
says where and when, the sky, the light, an object with its colour and motion, and the camera:
  The city at night. A cloudy sky with the moon on the left. Between two red lanterns a yellow
  airship moves to the right. The camera pans left.
Places: the sea, the mountains, the city, the desert. Objects: balloon, airship, bird, boat, car.
t3 world writes clips with such captions. Larger sizes of the same aspect work, longer clips do not.
It makes a clip in 4 steps; --lora none runs the base that its LoRAs were trained on, in 20.
)"},
    {"first", "from nothing to a video",
     R"(  t3 doctor                          what this machine has and lacks
  t3 inspect FILE...                 what a weight file is, and whether it is complete
  t3 plan --model DIR --calibrate    measure this machine with a model, once
  t3 generate --model DIR --prompt TEXT --dry-run --output v.mp4
                                     what would be done: windows, memory, time
  t3 generate --model DIR --prompt TEXT --output v.mp4
With T3_MODEL_DIR set to the model's folder, --model can be left out.
)"},
    {"gpus", "one video on several GPUs",
     R"(--gpus N starts N processes, each with a GPU: generate, resume, decode. The clip is that of one
GPU up to rounding. With guidance half of them compute each branch; the others share tokens and
heads, so their number must divide the heads (12 or 24). t3 plan --gpus N shows memory and times.
Under torchrun, srun or mpirun the ranks are those of the launcher, on any number of machines:
  torchrun --nproc-per-node 4 --no-python t3 generate ...
--device cpu --gpus N runs N processes on the CPU, for tests. A rank that dies ends the run within a
minute; t3 resume continues, on any number of GPUs. docs/guides/several-gpus.md has more.
)"},
    {"measuring", "how good a model of the world is",
     R"(t3 eval generates clips from captions of held-out scenes of the synthetic world (t3 world), reads
each and compares it with its true render: attributes, constraints, detail, flicker, seconds.
  t3 eval --model A --clips 100 --loss-clips 100 --json a.json --save-sheet a.png
  t3 eval --compare a.json b.json --margin -0.05
The second reports how much better B is, scene by scene, with 95 % intervals. --truth measures the
true renders, --vae-only the renders through the VAE. docs/guides/evaluate.md defines the measures.
t3 score measures finished videos, whatever they show: sharpness, motion, flicker, seams, and others.
)"},
    {"memory", "what fits, and what to do when it does not",
     R"(Stages run one after the other, with one network in memory: text encoder, denoiser, decoder.
t3 generate refuses a run that will not fit before it loads anything, and names flags with which it
would. --memory-limit bounds the device, --host-memory-limit the process: 24GB, 512MiB. Where less
is there, work goes in smaller pieces, then a GPU has the denoiser's weights streamed from the host.
t3 encode-text once and --text-embeds spare the text encoder; --output F.safetensors leaves the
decoder for later (t3 decode).
A small decoder (--decoder taew2_1.safetensors) takes a few GB at 4K and less time, and shows less
detail.
)"},
    {"progress", "watching a run",
     R"(--progress auto   a live line on a terminal, else plain lines
           live | plain | none
           json   one JSON object per line on stderr, "event": plan, progress, note, log, result, error
--preview F.png renews a small picture of the current guess of the clean video every
--preview-every steps: the first, middle and last frame. Its colours are a linear map that is fitted
to the VAE (t3 fit-preview, or by itself at the first use).
)"},
    {"prompts", "many videos from one command",
     R"(--prompt-file takes a text file with one prompt per line ('#' begins a comment), or JSON: a list of
strings or of objects with "prompt" or "prompt_en". --seeds 0,1,2 runs every prompt with each seed.
CSV and TSV files with a header, JSON lines and UTF-16 are read as well. Other fields of an entry are
options of that video: negative_prompt, seed, size, frames, fps, sampler, steps, timesteps, sigmas,
guidance, shift, attention, windows, image, noise. Letters of either case count in names of fields.
Seed -1 draws one, which job.json records, so that the repeated command has it again; --restart draws
another.
With --output DIR/ the videos are DIR/NNN-words-of-the-prompt.mp4, each with a record .mp4.json
next to it. A name that another video has gets a number. DIR/job.json holds all jobs of the folder.
Models load once. An entry that fails does not stop the others; running the command again generates
only what is missing.
--shard I/N makes videos I, I+N, ... only: N processes or machines with the same command and folder
make the whole job, with the names and seeds that it has without --shard. t3 resume takes it too.
--gpus N starts a process for each GPU, which share the job in this manner where videos fit one GPU.
)"},
    {"records", "what was done, and doing it again",
     R"(A record is JSON: every setting, the digests of weights and inputs, build, machine, times,
memory, and the output's digest. Each video of a job has one, --record F.json writes one for a
single video.
  t3 generate --from v.mp4.json --output again.mp4
makes it again, says what differs, and whether the file has the same bytes. Flags given as well win.
--from v.mp4 takes the settings that the video itself carries; the model is then yours to name.
Digests are SHA-1 of the whole file up to 64 MB ("sha1:"); of a larger one of its size, both ends and
256 places between ("sha1-sampled:"), which any rewriting changes and a single flipped bit may not.
)"},
    {"resume", "interrupted, killed and failed runs",
     R"(While v.mp4 is generated, v.mp4.checkpoint.safetensors holds the state of the sampler: every
--checkpoint-every steps, else so that about two minutes are at risk. Once denoised, the latents are
in v.mp4.latents.safetensors until the video has been written and read back.
  t3 resume v.mp4          continues to the same bits; reports what has changed
  t3 resume DIR            continues every job of the folder; finished videos are skipped
The same t3 generate command continues too; --restart starts again. Ctrl-C, SIGTERM and SIGHUP end
the run after the step and save it; a second Ctrl-C ends it at once. If the output's folder is gone
or full, the state goes to the current folder or the temporary one, and the message says where. The
same commands find it there too, as does t3 resume with its name. A log that cannot be written never
ends a run.
Only one run at a time writes an output. What exists is replaced only if it is an earlier result of
the same settings, or by --overwrite. Links are followed; pipes and devices are refused.
)"},
    {"sampling", "steps, samplers and distilled weights",
     R"(Weights that were distilled to a few steps are recognised by their tensors, metadata or names,
LoRAs included: they set the sampler, the steps and --guidance 1. A note says so; flags come first.
  --sampler euler | unipc   a step along the velocity; unipc corrects it from earlier steps
            renoise         predicts the clean video and adds new noise: FastWan, DMD
            rcm             the same at the levels of rCM, for 1 to 4 steps
  --steps N --shift S       a schedule of N levels
  --timesteps 1000,757,522  the levels themselves, falling, after any shift; --sigmas: over 1000
A model's t3.json may name LoRAs that are applied where no --lora is given, others for refining
among them. --lora none leaves them out; --add-lora F follows them.
A model's t3.json or its file's metadata "t3.sampling" can state them
(docs/reference/files.md).
)"},
}};

}  // namespace t3
