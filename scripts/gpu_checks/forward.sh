#!/usr/bin/env bash
# Measures the denoiser's forward on a GPU: what docs/results/denoise-4k.md reports.
#
#   scripts/gpu_checks/forward.sh [PART...]     default: test plans 4k-1.3b 4k-5b
#
# Parts, with their seconds on an H200:
#   test      the kernels against their references (20)
#   plans     attention by layer type, and times of cuDNN plans and cuBLASLt candidates (25)
#   quick     1.3B and 5B at 3840x2176x81, 3 forwards each, parts of the time (60)
#   4k-1.3b   3840x2176x81, 20 forwards, with the published blocks and full attention (150)
#   4k-5b     the same for the 5B (95)
#   small     832x480x81, 1920x1088x81 and 1280x704x121 (5B), T3 against full attention (60)
#   crossover smaller sizes, down to the break-even with full attention (30)
#   portable  T3_PORTABLE=1, kernels for every GPU from sm_80 on, 2 forwards at 4K (70)
#   limit     1.3B at 4K within 22 GB, 3 forwards (45)
#
# BUILD (default build-cuda) is the build folder.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
BUILD=${BUILD:-build-cuda}
t3=$BUILD/t3
failed=0

run() {
  echo "== $*"
  local begin=$SECONDS
  "$@" 2>&1 || { echo "FAILED: $*"; failed=1; }
  echo "-- $((SECONDS - begin)) s"
}

for part in "${@:-test plans 4k-1.3b 4k-5b}"; do
  for name in $part; do
    case $name in
      test)
        run "$BUILD/src/ops/ops_gpu_test" --gtest_brief=1 \
          --gtest_filter='*TextAttention*:*Attend*:*Elementwise*:*LinearOps*'
        run "$BUILD/src/models/dit/dit_gpu_test" --gtest_brief=1
        ;;
      plans)
        run "$t3" --verbose bench attention --no-compare --repeats 5
        run "$t3" --verbose bench attention --preset wan2.2-5b-t3 --no-compare --repeats 5
        ;;
      quick)
        run "$t3" --verbose bench dit --no-compare --repeats 3
        run "$t3" --verbose bench dit --preset wan2.2-5b-t3 --no-compare --repeats 3
        ;;
      4k-1.3b) run "$t3" bench dit ;;
      4k-5b) run "$t3" bench dit --preset wan2.2-5b-t3 ;;
      small)
        run "$t3" bench dit --size 832x480 --repeats 10
        run "$t3" bench dit --size 1920x1088 --repeats 5
        run "$t3" bench dit --preset wan2.2-5b-t3 --size 1280x704 --frames 121 --repeats 10
        ;;
      crossover)
        for size in 640x352 448x256 320x192; do
          run "$t3" bench dit --size $size --repeats 10
        done
        ;;
      portable)
        run env T3_PORTABLE=1 "$t3" bench dit --no-compare --repeats 2
        run env T3_PORTABLE=1 "$t3" bench dit --preset wan2.2-5b-t3 --no-compare --repeats 2
        ;;
      limit) run "$t3" bench dit --memory-limit 22GB --no-compare --repeats 3 ;;
      *)
        echo "unknown part: $name (test plans quick 4k-1.3b 4k-5b small crossover portable limit)"
        exit 2
        ;;
    esac
  done
done
exit $failed
