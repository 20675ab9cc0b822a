#!/usr/bin/env bash
# Decoding 3840x2176x81 in bf16 on a GPU with TAEHVs of the published sizes and random weights: seconds,
# memory and parts, every convolution against libtorch's, then within a limit that leaves one latent frame
# a pass. Prints one verdict per line; a minute on an H200.
#   scripts/gpu_checks/taehv.sh
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

bench() {  # bench LOG FILE ARGUMENTS...
  local log=$OUT/$1.txt file=$2
  shift 2
  "$T3" bench vae --vae "$file" --size 3840x2176 --frames 81 --dtype bf16 --progress none \
    --plans "$plans" "$@" | tee "$log"
}
best() { awk '$1 == "planned" && $2 + 0 > 0 && (!b || $2 < b) { b = $2 } END { print b + 0 }' "$OUT/$1.txt"; }
verdict() {  # verdict WHAT VALUE LIMIT: VALUE is to be above 0 and at most LIMIT
  awk -v what="$1" -v value="$2" -v limit="$3" 'BEGIN {
    printf "%s %s: %.2f, wanted at most %.2f\n", (value > 0 && value <= limit ? "PASS" : "FAIL"), what, value, limit }'
}

while read -r name limit tight config; do
  folder=$OUT/$name
  rm -rf "$folder"
  echo "{\"taehv\": $config}" >"$OUT/$name.json"
  "$T3" init "$OUT/$name.json" --seed 1 --output "$folder"
  file=$(echo "$folder"/*.safetensors)
  # The first run times convolutions without a known plan, the later ones have them all.
  bench "$name" "$file" --repeats 3 --save-plans --check --parts
  verdict "$name, seconds of a decode" "$(best "$name")" "$limit"
  bench "$name-limited" "$file" --repeats 2 --memory-limit "$tight"
  verdict "$name within $tight, seconds" "$(best "$name-limited")" "$(awk -v a="$limit" 'BEGIN { print 2 * a }')"
done <<'LIST'
taew2_1 1.5 5.5GB {}
taew2_2 0.6 3GB {"latent_channels": 48}
taew2_2_super 2 5GB {"latent_channels": 48, "blocks": "super"}
LIST
