#!/usr/bin/env bash
# Measures `--dtype fp8` on a GPU: what docs/results/fp8.md reports.
#
#   scripts/gpu_checks/fp8.sh [PART...]     default: test 4k-1.3b 4k-5b blocks clips eval
#
# Parts, with their seconds on an H200:
#   test      the kernels against their references (20)
#   quick     1.3B at 3840x2176x81, 3 forwards in fp8 and 3 in bf16 (60)
#   4k-1.3b   3840x2176x81, 20 forwards in fp8 and 20 in bf16, in turn (200)
#   4k-5b     the same for the 5B (120)
#   blocks    blocks and products of both at 1920x1088x81, with their distance from fp32 (60)
#   clips     the shipped model: PSNR between the clips of one noise in bf16 and fp8, and in bf16 and
#             bf16 with the portable kernels, at 512x288 and 1024x576 (60)
#   eval      the shipped model on held-out scenes in bf16 and in fp8 (60)
#
# BUILD (default build-cuda) is the build folder.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
BUILD=${BUILD:-build-cuda}
OUT=${OUT:-/tmp/t3-fp8}
PROMPTS=(
  'A yellow airship moves to the right in the city at night, clear sky, the moon on the left, two green lanterns, the camera pans right.'
  'The city at sunset. A clear sky with the sun on the left. Between two red lanterns a green balloon stays still. The camera is still.'
)
t3=$BUILD/t3
failed=0
mkdir -p "$OUT"

run() {
  echo "== $*"
  local begin=$SECONDS
  "$@" 2>&1 || { echo "FAILED: $*"; failed=1; }
  echo "-- $((SECONDS - begin)) s"
}

# A clip of one noise: NAME, then flags.
clip() {
  local name=$1
  shift
  "$t3" generate --model demo --seed 7 --overwrite --checkpoint-every 0 -o "$OUT/$name.y4m" "$@" >"$OUT/$name.log" 2>&1 ||
    { tail -3 "$OUT/$name.log"; failed=1; }
}

for part in "${@:-test 4k-1.3b 4k-5b blocks clips eval}"; do
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
      *)
        echo "unknown part: $name (test quick 4k-1.3b 4k-5b blocks clips eval)"
        exit 2
        ;;
    esac
  done
done
exit $failed
