#!/usr/bin/env bash
# A benchmark of prompts from clips to report; run the same command again to continue it.
#
#   scripts/4k_vbench.sh MODEL PROMPTS OUTPUT [flags of t3 generate...]
#
# MODEL is a checkpoint folder, or "demo". PROMPTS is a prompt file: that of 4K-VBench
# (4k-vbench.json, 120 entries with prompt_en) or any other. OUTPUT becomes a job folder with the
# clips, scores.json and scores.html. Clips are 3840x2160 unless the flags say otherwise; on several
# GPUs each makes its share.
#
#   T3           the program                          build/t3
#   GPUS         how many GPUs to use                 all that nvidia-smi lists
#   SCORE_FLAGS  more flags of t3 score               e.g. --weights dover=DOVER.pth
#   TFLOPS       rate for the cost of one H200        580, from docs/results/denoise-4k.md
#
# The exit code is 1 when a clip or a metric failed; the report names which.
set -uo pipefail

usage() { sed -n '4,4s/^# *//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
(($# >= 3)) || usage
model=$1 prompts=$2 output=$3
shift 3
generate_flags=("$@")
[[ " $* " == *" --size"[\ =]* ]] || generate_flags=(--size 3840x2160 "$@")
t3=${T3:-$(dirname "${BASH_SOURCE[0]}")/../build/t3}
[[ -e $prompts ]] || { echo "$0: there is no prompt file $prompts" >&2; exit 2; }
mkdir -p "$output" || exit

# The number of a field of t3 plan --json; nothing where it is absent.
field() { sed -n "s/^ *\"$1\": \([0-9.e+-]*\),\{0,1\}$/\1/p" <<<"$plan" | head -1; }

# t3 plan takes the flags that decide the work.
plan_flags() {
  local known
  known=$("$t3" plan --help)
  while (($#)); do
    if [[ $1 == --* && $known == *"  $1 "* && $# -gt 1 ]]; then printf '%s\n%s\n' "$1" "$2"; fi
    shift
  done
}

# Hours for all prompts on one GPU: the times of a calibrated machine, else FLOP over the rate.
print_cost() {
  local clips=$1 flags
  mapfile -t flags < <(plan_flags "${generate_flags[@]}")
  plan=$("$t3" plan --model "$model" "${flags[@]}" --json) || return 0
  awk -v clips="$clips" -v rate="${TFLOPS:-580}" -v steps="$(field steps)" \
    -v guidance="$(printf '%s\n' "${generate_flags[@]}" | sed -n '/^--guidance$/{n;p}')" \
    -v forward="$(field forward_tmac)" -v decode="$(field decode_tmac)" \
    -v denoising="$(field denoising_seconds)" -v decoding="$(field decoding_seconds)" 'BEGIN {
      branches = guidance == "1" ? 1 : 2
      seconds = (2 * forward * steps * branches + 2 * decode) / rate
      printf "cost: %d clips, %.1f h on one H200 at %g TFLOP/s (%.0f s a clip)\n",
        clips, clips * seconds / 3600, rate, seconds
      if (denoising != "")
        printf "      %.1f h on this machine, as calibrated\n", clips * (denoising + decoding) / 3600
    }'
}

count_prompts() {
  # One entry a line of text; objects with a prompt in JSON.
  case $prompts in
    *.json | *.jsonl) grep -oE '"prompt(_en)?"' "$prompts" | wc -l ;;
    *.csv | *.tsv) echo $(($(wc -l <"$prompts") - 1)) ;;
    *) grep -cvE '^ *(#|$)' "$prompts" ;;
  esac
}

generate() {
  "$t3" generate --model "$model" --prompt-file "$prompts" --output "$output/" \
    "${generate_flags[@]}" "$@"
}

generate_on() {  # generate_on GPUS: a process for each, with its share of the prompts
  local gpu jobs=() failed=0
  for ((gpu = 0; gpu < $1; ++gpu)); do
    CUDA_VISIBLE_DEVICES=$gpu generate --shard "$((gpu + 1))/$1" >"$output/gpu-$gpu.log" 2>&1 &
    jobs+=($!)
  done
  echo "generating on $1 GPUs; logs are $output/gpu-*.log"
  for job in "${jobs[@]}"; do wait "$job" || failed=$?; done
  return $failed
}

gpus=${GPUS:-$(nvidia-smi -L 2>/dev/null | wc -l)}
if ((gpus > 1)) && [[ $("$t3" generate --help) != *--shard* ]]; then
  echo "this t3 has no --shard: one GPU generates all" >&2
  gpus=1
fi

print_cost "$(count_prompts)"
failed=0
if ((gpus > 1)); then generate_on "$gpus"; else generate; fi || failed=$?
((failed != 130)) || exit 130
# Scores also what there is after a failure.
# shellcheck disable=SC2086 # SCORE_FLAGS are words
"$t3" score "$output" --json "$output/scores.json" --html "$output/scores.html" ${SCORE_FLAGS:-}
score=$?
((score == 0)) || failed=$score
echo "the report is $output/scores.html"
exit "$failed"
