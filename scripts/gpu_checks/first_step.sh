#!/usr/bin/env bash
# What the first step of a run costs: without known plans of products and attention, which it then times,
# and in a second process that finds them in the cache folder. For models of full size with random
# weights, each in bf16 and fp8. Prints a row per run: seconds of each step. Runs of one clip write no
# video. The plans found are added to a copy of models/plans.json:
#   cp build/gpu-checks/first-step/plans.json models/plans.json
#
#   scripts/gpu_checks/first_step.sh [MODEL...]     default models: 1.3b 5b
#
#   T3=build/t3  OUT=build/gpu-checks/first-step    program; folder for models, caches and logs
#   SIZES="3840x2176:81"                            sizes, WIDTHxHEIGHT:FRAMES
#   DTYPES="bf16 fp8"  STEPS=3                      what is run
#   GPUS="0 1"                                      GPUs that models are spread over; default: all visible
#   EXTRA="--device cpu"                            flags for every run
# A minute on two H200s, two on one; with the models 15 GB of disk.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source scripts/gpu_checks/shared.sh
T3=${T3:-build/t3}
OUT=${OUT:-build/gpu-checks/first-step}
SIZES=${SIZES:-3840x2176:81}
DTYPES=${DTYPES:-bf16 fp8}
STEPS=${STEPS:-3}
read -ra extra <<<"${EXTRA:-}"
mapfile -t gpus < <(gpus)
models=("$@")
((${#models[@]} > 0)) || models=(1.3b 5b)
mkdir -p "$OUT"
embeds=$OUT/embeds.safetensors
make_embeds "$embeds" "${TEXT_WIDTH:-4096}"

# steps RECORD: seconds of each step.
steps() {
  python3 - "$1" <<'PYTHON'
import json, sys
stages = {stage["name"]: stage for stage in json.load(open(sys.argv[1]))["stages"]}
print("  ".join(f"{seconds:7.3f}" for seconds in stages["denoising"]["step_seconds"]))
PYTHON
}

# times MODEL GPU: all runs of a model, each pair with a cache of its own.
times() {
  local name=$1 size dtype plans run cache
  make_model "$name"
  for size in $SIZES; do
    for dtype in $DTYPES; do
      cache=$OUT/cache-$(basename "$name" .json)-${size/:/x}-$dtype
      rm -rf "$cache"
      for plans in unknown known; do
        run=${cache/cache-/run-}-$plans
        rm -rf "$run".*
        CUDA_VISIBLE_DEVICES=$2 XDG_CACHE_HOME=$cache "$T3" generate \
          --model "$model" --text-embeds "$embeds" --size "${size%:*}" --frames "${size#*:}" --steps "$STEPS" \
          --guidance 1 --seed 1 --dtype "$dtype" --record "$run.json" --overwrite --progress plain \
          "${extra[@]}" -o "$run.safetensors" >"$run.log" 2>&1 ||
          { tail -n 5 "$run.log" >&2; return 1; }
        printf '%-6s %-14s %-5s %-8s %s\n' "$(basename "$name" .json)" "$size" "$dtype" "$plans" "$(steps "$run.json")"
        rm -f "$run.safetensors"
      done
    done
  done
}

# The program's own table would know these shapes.
shipped=$(dirname "$(realpath "$T3")")/plans.json
[ -e "$shipped" ] && mv "$shipped" "$shipped.hidden"
trap '[ ! -e "$shipped.hidden" ] || mv "$shipped.hidden" "$shipped"' EXIT

echo 'model  size           dtype plans    seconds of each step'
workers=()
for i in "${!models[@]}"; do
  times "${models[i]}" "${gpus[i % ${#gpus[@]}]:-}" &
  workers+=($!)
  (((i + 1) % ${#gpus[@]} > 0)) || { for worker in "${workers[@]}"; do wait "$worker"; done; workers=(); }
done
for worker in "${workers[@]}"; do wait "$worker"; done

python3 - models/plans.json "$OUT/plans.json" "$OUT"/cache-*/t3video/plans.json <<'PYTHON'
import json, os, sys
shipped, out, *found = sys.argv[1:]
table = json.load(open(shipped))
new = {}
for path in found:
    if os.path.exists(path):
        new |= json.load(open(path))["plans"]
table["plans"] = dict(sorted((table["plans"] | new).items()))
with open(out, "w") as file:
    file.write(json.dumps(table, indent=2, ensure_ascii=False) + "\n")
print(f"{len(new)} plans found; with those of {shipped}: {out}")
PYTHON
