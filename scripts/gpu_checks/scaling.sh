#!/usr/bin/env bash
# How one 4K clip (3840x2176x81) scales over the GPUs of a machine, for models of full size with random
# weights, in two parts. `clip`: 4 steps with guidance and without, every count of GPUs from 1 to N by
# doubling, or those of GPUS. Prints one table for each model: what split was taken, seconds of denoising,
# of a step (the median of all but the first, which also times candidate products and connects the GPUs),
# of decoding (with the file's encoder) and of the whole clip, memory of rank 0, and how much faster than
# one GPU; below a decode what its seconds consist of on rank 0 (`part_seconds` of its record). `train`:
# training steps of the 1.3B with AdamW on one such clip, whose tokens the GPUs share: seconds of the last
# step, memory of rank 0's tensors, and of each GPU as nvidia-smi sees it.
#
#   scripts/gpu_checks/scaling.sh N [MODEL...]   default models: 1.3b 5b
#
#   T3=build/t3  OUT=build/gpu-checks/scaling    program, folder for models, records and logs
#   PARTS="clip train"                           one of them, or both
#   GPUS="1 2 3"                                 counts of GPUs in place of 1, 2, 4, ... N
#   STEPS=4  SIZE=3840x2176  FRAMES=81           the clip
#   GUIDANCE="5 1"                               with both branches, and with one; the first decodes as well
#   VIDEO=mp4                                    the decoded file's extension: y4m where there is no FFmpeg
#   PARALLEL=1                                   runs on one GPU at the same time, each on a GPU of its own
#   EXTRA="--device cpu"                         flags for every clip
#   EXCHANGES=1                                  also the share of communication: slower, since every
#                                                exchange is then waited for
#   TEXT_WIDTH=4096                              text_dim of the models
#   TRAIN_STEPS=3  TRAIN_MODEL=CONFIG.json       steps of `train`; another model, a configuration of `t3 init`
#   TRAIN_EXTRA="--set device=cpu"               flags for every training
# Models take 4 GB (1.3b) and 11 GB (5b) of disk, a training 25 GB while it runs. On two H200s 1.3b takes
# about two minutes.
set -euo pipefail
[[ -z ${OUT:-} ]] || OUT=$(realpath -m "$OUT")
models=()
for name in "${@:2}"; do
  case $name in *.json) models+=("$(realpath -m "$name")") ;; *) models+=("$name") ;; esac
done
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source scripts/gpu_checks/shared.sh
T3=${T3:-build/t3}
OUT=${OUT:-build/gpu-checks/scaling}
PARTS=${PARTS:-clip train}
STEPS=${STEPS:-4}
SIZE=${SIZE:-3840x2176}
FRAMES=${FRAMES:-81}
GUIDANCE=${GUIDANCE:-5 1}
VIDEO=${VIDEO:-mp4}
TRAIN_STEPS=${TRAIN_STEPS:-3}
read -ra extra <<<"${EXTRA:-}"
read -ra train_extra <<<"${TRAIN_EXTRA:-}"

usage() {
  sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}
[[ ${1:-} =~ ^[0-9]+$ ]] || usage
for part in $PARTS; do
  [ "$part" = clip ] || [ "$part" = train ] || usage
done
max=$1
((max > 0)) || usage
((${#models[@]} > 0)) || models=(1.3b 5b)
failed=0
counts=${GPUS:-$(for ((n = 1; n <= max; n *= 2)); do echo "$n"; done)}
mkdir -p "$OUT"

embeds=$OUT/embeds.safetensors
make_embeds "$embeds" "${TEXT_WIDTH:-4096}"

names() {  # names GPUS GUIDANCE: $record, and $log beside it
  record=$OUT/$(basename "$model")-$1-gpus-guidance-$2.json
  log=${record%.json}.log
}

run() {  # run GPUS GUIDANCE: one clip, its record in $record, or its latents alone
  names "$1" "$2"
  local video=${record%.json}.$VIDEO
  [ "$2" = "${GUIDANCE%% *}" ] || video=${record%.json}.safetensors
  rm -rf "$record" "$video"
  T3_TIME_EXCHANGES=${EXCHANGES:-} "$T3" generate --model "$model" --text-embeds "$embeds" --size "$SIZE" \
    --frames "$FRAMES" --steps "$STEPS" --guidance "$2" --seed 1 --gpus "$1" --record "$record" --overwrite \
    --progress plain "${extra[@]}" -o "$video" >"$log" 2>&1 || { tail -n 5 "$log" >&2; return 1; }
  rm -rf "$video"
}

# run_alone: with PARALLEL, all runs on one GPU, as many at a time as there are GPUs.
run_alone() {
  local gpu=0 name guidance
  [ -n "${PARALLEL:-}" ] && [[ " ${counts//$'\n'/ } " == *" 1 "* ]] || return 0
  for name in "${models[@]}"; do
    make_model "$name"
    for guidance in $GUIDANCE; do
      (export CUDA_VISIBLE_DEVICES=$gpu; run 1 "$guidance") || true &
      gpu=$(((gpu + 1) % max))
      ((gpu > 0)) || wait
    done
  done
  wait
}

is_done() {  # is_done GPUS: whether run_alone has made $record
  [ -n "${PARALLEL:-}" ] && (($1 == 1)) && [ -e "$record" ]
}

row() {  # row GPUS GUIDANCE: the line of a run
  python3 - "$record" "$1" "$2" "${record%.json}.log" "$OUT/first-$2.json" <<'PYTHON'
import json, os, re, statistics, sys
record, gpus, guidance, log, first = sys.argv[1:]
stages = {stage["name"]: stage for stage in json.load(open(record))["stages"]}
text = open(log).read()
split = re.search(r"^ranks +\d+: (.*)$", text, re.M)
exchanges = re.search(r"exchanges took ([\d.]+) s", text)
seconds = {name: stage["seconds"] for name, stage in stages.items()}
steps = stages["denoising"]["step_seconds"]
seconds["step"] = statistics.median(steps[1:] or steps)
seconds["clip"] = clip = seconds["denoising"] + seconds.get("decoding", 0)
peak = max(stage["device_peak_bytes"] for stage in stages.values()) / 1e9
if int(gpus) == 1:
    json.dump(seconds, open(first, "w"))
one = json.load(open(first)) if os.path.exists(first) else None
def times(part):
    of_one = f"{one[part] / seconds[part]:5.2f}x" if one and part in seconds else "     -"
    return f"{seconds[part]:8.2f}  {of_one}" if part in seconds else f"{'-':>8}  {'':6}"
share = f"{100 * float(exchanges[1]) / clip:4.1f} %" if exchanges else "     -"
print(f"{gpus:>4}  {guidance:>8}  {split[1] if split else 'one GPU':<46}  {seconds['denoising']:9.2f}  {times('step')}"
      f"  {times('decoding')}  {times('clip')}  {peak:6.1f}  {share}")
parts = stages.get("decoding", {}).get("part_seconds", {})
if parts:
    print("      decoding: " + ", ".join(f"{name} {value:.2f}" for name, value in parts.items()))
PYTHON
}

clip_part() {
  local name guidance gpus
  run_alone
  for name in "${models[@]}"; do
    make_model "$name"
    echo "$name, $SIZE, $FRAMES frames, $STEPS steps; seconds, GB of rank 0's GPU, share of exchanges"
    printf '%4s  %8s  %-46s  %9s  %8s  %6s  %8s  %6s  %8s  %6s  %6s  %s\n' \
      GPUs guidance split denoising step '' decoding '' clip '' GB exchanges
    for guidance in $GUIDANCE; do
      rm -f "$OUT/first-$guidance.json"
      for gpus in $counts; do
        names "$gpus" "$guidance"
        if is_done "$gpus" || run "$gpus" "$guidance"; then row "$gpus" "$guidance"; else echo "$gpus GPUs, guidance $guidance: failed"; failed=1; fi
      done
    done
  done
}

# The 1.3B with a small text encoder and VAE, and a training on one rendered clip.
make_training() {
  python3 - "$OUT" "$SIZE" "$FRAMES" "$TRAIN_STEPS" <<'PYTHON'
import json, os, sys
out, size, frames, steps = sys.argv[1:]
model = json.load(open("scripts/large_step/init.json"))
model["tokenizer"] = os.path.abspath("scripts/demo_model/spiece.model")
model["vae"] = {"version": "2.1", "latent_channels": 16, "encoder_dim": 8, "decoder_dim": 8}
json.dump(model, open(f"{out}/train-model.json", "w"))
train = json.load(open("scripts/large_step/train.json"))
train.update(model=f"{out}/train-model", output=f"{out}/train", steps=int(steps))
world = train["data"]["world"]
world["cache"] = f"{out}/latents"
world["sizes"][0].update(size=size, frames=int(frames))
json.dump(train, open(f"{out}/train.json", "w"))
PYTHON
  [ -e "$OUT/train-model" ] ||
    "$T3" init "${TRAIN_MODEL:-$OUT/train-model.json}" --seed 1 --dtype bf16 --output "$OUT/train-model" >/dev/null 2>&1
}

train() {  # train GPUS: a row
  local gpus=$1 watcher
  local log=$OUT/train-$1-gpus.log memory=$OUT/train-$1-gpus.memory
  rm -rf "$OUT/train"
  nvidia-smi --query-gpu=index,memory.used --format=csv,noheader,nounits --loop-ms=500 >"$memory" 2>/dev/null &
  watcher=$!
  if ! "$T3" train "$OUT/train.json" --gpus "$gpus" "${train_extra[@]}" >"$log" 2>&1; then
    kill "$watcher" 2>/dev/null || true
    tail -n 5 "$log" >&2
    echo "$gpus GPUs: failed"
    failed=1
    return
  fi
  kill "$watcher" 2>/dev/null || true
  python3 - "$OUT/train/log.jsonl" "$memory" "$gpus" "$OUT/train-first.json" <<'PYTHON'
import json, os, sys
log, memory, gpus, first = sys.argv[1:]
steps = [json.loads(line) for line in open(log)]
seconds = [1 / step["samples_per_second"] for step in steps]
if int(gpus) == 1:
    json.dump(seconds[-1], open(first, "w"))
one = json.load(open(first)) if os.path.exists(first) else None
peaks = {}
for line in open(memory):
    index, used = line.split(",")
    peaks[int(index)] = max(peaks.get(int(index), 0), int(used) * 1.048576e-3)
each = " ".join(f"{peaks[gpu]:.1f}" for gpu in sorted(peaks)[:int(gpus)]) or "-"
times = f"{one / seconds[-1]:5.2f}x" if one else "     -"
print(f"{gpus:>4}  {seconds[0]:9.2f}  {seconds[-1]:9.2f}  {times}  {max(step['memory'] for step in steps) / 1e9:10.1f}"
      f"  {steps[-1]['loss']:.6f}  {each}")
PYTHON
  rm -rf "$OUT/train"
}

train_part() {
  local gpus
  make_training
  rm -f "$OUT/train-first.json"
  echo "training steps on one clip, $SIZE, $FRAMES frames; seconds, GB"
  printf '%4s  %9s  %9s  %6s  %10s  %8s  %s\n' GPUs first last '' 'rank 0' loss 'each GPU'
  for gpus in $counts; do train "$gpus"; done
}

for part in $PARTS; do "${part}_part"; done
exit $failed
