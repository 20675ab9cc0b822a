#!/usr/bin/env bash
# Decoding at 3840x2176x81 in bf16 on a GPU, both VAEs: this decoder with known cuDNN plans, the
# untiled reference and the published tiles (parts of both, scaled to the whole), then a decode within
# 8 GB besides weights and latents. Prints one verdict per line; three minutes on an H200.
#   scripts/gpu_checks/decode.sh [methods] [limited]      which of the two, default both
#   T3=build/t3  OUT=build/gpu-checks                  program, folder for logs and plans
# New plans are added to a copy of models/plans.json:
#   cp build/gpu-checks/plans.json models/plans.json
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
T3=${T3:-build/t3}
OUT=${OUT:-build/gpu-checks}
mkdir -p "$OUT"
plans=$OUT/plans.json
[ -e "$plans" ] || cp models/plans.json "$plans"

bench() {  # bench LOG ARGUMENTS...
  local log=$OUT/$1.txt
  shift
  "$T3" bench vae --dtype bf16 --progress none --plans "$plans" "$@" | tee "$log"
}
best() { awk -v method="$2" '$1 == method && $2 + 0 > 0 && (!b || $2 < b) { b = $2 } END { print b + 0 }' "$OUT/$1.txt"; }
verdict() {  # verdict WHAT VALUE LIMIT: VALUE is to be above 0 and at most LIMIT
  awk -v what="$1" -v value="$2" -v limit="$3" 'BEGIN {
    printf "%s %s: %.2f, wanted at most %.2f\n", (value > 0 && value <= limit ? "PASS" : "FAIL"), what, value, limit }'
}
over() { awk -v a="$1" -v b="$2" 'BEGIN { print (b > 0 ? a / b : 0) }'; }

methods() {
  local vae preset limit
  while read -r vae preset limit; do
    # Twice: the first run times convolutions without a known plan, the second has them all.
    bench "methods-$vae" --preset "$preset" --methods planned,planned,tiled,plain --tiles 4 \
      --plain-frames 13 --save-plans --parts
    verdict "VAE $vae, seconds of a decode with known plans" "$(best "methods-$vae" planned)" "$limit"
    for method in tiled plain; do
      verdict "VAE $vae, planned over $method" \
        "$(over "$(best "methods-$vae" planned)" "$(best "methods-$vae" $method)")" 1
    done
  done <<<'2.1 wan2.1-1.3b 12
2.2 wan2.2-5b 24'
}

# 33 frames: the buffered output of the middle block has 12 latent frames fewer than for 81, 100 MB each
# (2.1) or 67 MB (2.2). Limits include weights, latents and 1.2 GB of context and libraries.
limited() {
  local vae preset limit
  while read -r vae preset limit; do
    bench "free-$vae" --preset "$preset" --frames 33 --methods planned --cudnn-choices 1
    bench "limited-$vae" --preset "$preset" --frames 33 --methods planned --cudnn-choices 1 --memory-limit "$limit"
    verdict "VAE $vae, within $limit over uncapped" \
      "$(over "$(best "limited-$vae" planned)" "$(best "free-$vae" planned)")" 2
  done <<<'2.1 wan2.1-1.3b 7.3GB
2.2 wan2.2-5b 8.5GB'
}

for part in "${@:-methods limited}"; do
  for name in $part; do
    case $name in
      methods | limited) "$name" ;;
      *) echo "$name is no part; methods or limited" >&2; exit 2 ;;
    esac
  done
done
