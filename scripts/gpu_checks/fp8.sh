#!/usr/bin/env bash
# Measures `--dtype fp8` on a GPU: what docs/results/fp8.md reports.
#
#   scripts/gpu_checks/fp8.sh [PART...]     default: all but quick
#
# Parts, with their seconds on an H200:
#   test      the kernels against their references (20)
#   quick     1.3B at 3840x2176x81, 3 forwards in fp8 and 3 in bf16 (60)
#   4k-1.3b   3840x2176x81, 20 forwards in fp8 and 20 in bf16, in turn (200)
#   4k-5b     the same for the 5B (120)
#   blocks    blocks and products of both at 1920x1088x81, with their distance from fp32 (60)
#   clips     the shipped model: PSNR between the clips of one noise in bf16 and fp8, and in bf16 and
#             bf16 with the portable kernels, at 512x288 and 1024x576 (60)
#   eval      the shipped model at 512x288 on 40 held-out scenes in bf16 and in fp8 (60)
#   quality   the same at 1024x576 (24 scenes) and 3840x2160 (12), in the sampling that it comes with and as
#             its base: measures in bf16 and fp8, and how much of self-attention was in fp8
#             (65 on 2 GPUs)
#   memory    fp8 alone, without weights in bf16, of both at 3840x2176x81: time of 5 forwards and the
#             allocator's peak (45 on 2 GPUs, 70 on one)
#
#   BUILD=build-cuda  OUT=/tmp/t3-fp8          build folder; where clips, records and logs go
#   GPUS="0 1"                                 GPUs that quality and memory use side by side; default: all visible
#   SIZE=1024x576  LARGE=3840x2160             sizes of quality
#   DTYPES="bf16 fp8"  EXTRA="--device cpu"    what quality compares, and flags for every run of it
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
source scripts/gpu_checks/shared.sh
BUILD=${BUILD:-build-cuda}
OUT=${OUT:-/tmp/t3-fp8}
PROMPTS=(
  'A yellow airship moves to the right in the city at night, clear sky, the moon on the left, two green lanterns, the camera pans right.'
  'The city at sunset. A clear sky with the sun on the left. Between two red lanterns a green balloon stays still. The camera is still.'
)
SIZE=${SIZE:-1024x576}
LARGE=${LARGE:-3840x2160}
read -ra dtypes <<<"${DTYPES:-bf16 fp8}"
read -ra extra <<<"${EXTRA:-}"
t3=$BUILD/t3
failed=0
mkdir -p "$OUT"

# The longest first. The shipped model has enough work for attention in fp8 at $LARGE.
QUALITY=(
  "4k: --size $LARGE --clips 12"
  "base: --size $SIZE --clips 24 --batch 12 --lora none --draft none"
  "refined: --size $SIZE --clips 24 --batch 12"
  "few-step: --size $SIZE --clips 24 --batch 12 --draft none"
)
SHOWN='^ |^object|^attributes|^constraints|^detail, of|^flicker, of|^seconds'

run() {
  echo "== $*"
  local begin=$SECONDS
  "$@" 2>&1 || { echo "FAILED: $*"; failed=1; }
  echo "-- $((SECONDS - begin)) s"
}

# Runs "NAME: FLAGS..." of `jobs` by t3, $1 at a time on each GPU, and prints the seconds of all. Their
# results are in NAME.txt, their notes and errors in NAME.log.
run_jobs() {
  local begin=$SECONDS all slots slot i
  mapfile -t all < <(gpus)
  slots=$((${#all[@]} * $1))
  for ((slot = 0; slot < slots; ++slot)); do
    for ((i = slot; i < ${#jobs[@]}; i += slots)); do
      local name=${jobs[i]%%:*} gpu=${all[slot % ${#all[@]}]} flags
      read -ra flags <<<"${jobs[i]#*:}"
      env ${gpu:+CUDA_VISIBLE_DEVICES=$gpu} "$t3" "${flags[@]}" >"$OUT/$name.txt" 2>"$OUT/$name.log" ||
        echo "FAILED: t3 ${flags[*]}" >>"$OUT/$name.log"
    done &
  done
  wait
  echo "-- $((SECONDS - begin)) s for ${#jobs[@]} runs on ${#all[@]} GPUs, $1 at a time on each"
}

# NAME TITLE [PATTERN]: the run's results, those lines of them; why it failed.
show() {
  echo "== $1: $2"
  grep -E "${3:-.}" "$OUT/$1.txt"
  if grep -q '^FAILED' "$OUT/$1.log"; then
    tail -5 "$OUT/$1.log"
    failed=1
  fi
}

# Two runs share a GPU, which rendering and the detector leave idle.
quality() {
  local line dtype name flags jobs=()
  for line in "${QUALITY[@]}"; do
    for dtype in "${dtypes[@]}"; do
      name=${line%%:*}-$dtype
      rm -f "$OUT/$name.json"
      jobs+=("$name: eval --model demo${line#*:} --dtype $dtype --json $OUT/$name.json --progress none ${extra[*]}")
    done
  done
  run_jobs 2
  for line in "${QUALITY[@]}"; do
    name=${line%%:*} flags=${line#*:}
    for dtype in "${dtypes[@]}"; do
      show "$name-$dtype" "$flags" 'held-out|^self-attention|^forward'
    done
    "$t3" eval --compare "$OUT/$name-${dtypes[0]}.json" "$OUT/$name-${dtypes[1]}.json" >"$OUT/$name.txt" 2>"$OUT/$name.log" ||
      echo "FAILED: t3 eval --compare" >>"$OUT/$name.log"
    show "$name" "A ${dtypes[0]}, B ${dtypes[1]}" "$SHOWN"
  done
}

memory() {
  local jobs=(
    "memory-1.3b: bench dit --dtype fp8 --no-bf16 --repeats 5"
    "memory-5b: bench dit --dtype fp8 --no-bf16 --repeats 5 --preset wan2.2-5b-t3"
  )
  run_jobs 1
  show memory-1.3b "${jobs[0]#*:}"
  show memory-5b "${jobs[1]#*:}"
}

# A clip of one noise: NAME, then flags.
clip() {
  local name=$1
  shift
  "$t3" generate --model demo --seed 7 --overwrite --checkpoint-every 0 -o "$OUT/$name.y4m" "$@" >"$OUT/$name.log" 2>&1 ||
    { tail -3 "$OUT/$name.log"; failed=1; }
}

for part in "${@:-test 4k-1.3b 4k-5b blocks clips eval quality memory}"; do
  for name in $part; do
    case $name in
      test)
        run "$BUILD/src/ops/ops_gpu_test" --gtest_brief=1 --gtest_filter='*Fp8*:*Quantise*:*LayerNorm*'
        run "$BUILD/src/models/dit/dit_gpu_test" --gtest_brief=1 --gtest_filter='*Fp8*:*Codes*'
        ;;
      quick) run "$t3" bench dit --dtype fp8 --no-compare --repeats 3 ;;
      4k-1.3b) run "$t3" bench dit --dtype fp8 --no-compare ;;
      4k-5b) run "$t3" bench dit --dtype fp8 --no-compare --preset wan2.2-5b-t3 ;;
      blocks)
        run "$t3" bench dit --dtype fp8 --size 1920x1088 --repeats 3
        run "$t3" bench dit --dtype fp8 --size 1920x1088 --repeats 3 --preset wan2.2-5b-t3
        ;;
      clips)
        for size in 512x288 1024x576; do
          for prompt in "${PROMPTS[@]}"; do
            clip bf16 --size $size --prompt "$prompt" --dtype bf16
            clip fp8 --size $size --prompt "$prompt" --dtype fp8
            T3_PORTABLE=1 clip portable --size $size --prompt "$prompt" --dtype bf16
            for kind in fp8 portable; do
              run "$t3" score "$OUT/$kind.y4m" --reference "$OUT/bf16.y4m" --metrics psnr --progress none
            done
          done
        done
        ;;
      eval)
        for dtype in bf16 fp8; do
          run "$t3" eval --model demo --size 512x288 --clips 40 --batch 20 --dtype $dtype \
            --json "$OUT/$dtype.json" --overwrite
        done
        run "$t3" eval --compare "$OUT/bf16.json" "$OUT/fp8.json"
        ;;
      quality) quality ;;
      memory) memory ;;
      *)
        echo "unknown part: $name (test quick 4k-1.3b 4k-5b blocks clips eval quality memory)"
        exit 2
        ;;
    esac
  done
done
exit $failed
