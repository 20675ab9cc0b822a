#!/usr/bin/env bash
# The tables of docs/results/retrofit.md from the measurements of run.sh:
#   scripts/retrofit_experiment/report.sh RESULTS_FOLDER >tables.md
set -euo pipefail
settings="$(dirname "${BASH_SOURCE[0]}")/settings.sh"
folder=${1:?folder with the measurements}
source "$settings"
arms="dense t3 lora midlora close remote swin back"

# ARM=FILE,FILE... of the seeds that both this arm and the others have.
files_of() {
  local arm=$1 seed list=
  for seed in $complete; do list+=",$folder/$arm-$seed.json"; done
  echo "$arm=${list#,}"
}

# Arms that have all measurements.
list_arms() {
  local arm seed whole
  for arm in $arms; do
    whole=1
    for seed in $complete; do [[ -e $folder/$arm-$seed.json ]] || whole=0; done
    if ((whole)); then files_of "$arm"; fi
  done
}

# A seed counts where all arms were measured; while none is, the measurements of seed 1.
complete=
for seed in $SEEDS; do
  whole=1
  for arm in $arms; do [[ -e $folder/$arm-$seed.json ]] || whole=0; done
  if ((whole)); then complete+=" $seed"; fi
done
complete=${complete:-${SEEDS%% *}}

echo "### Learning rates"
echo
echo "Loss of the last quarter of $RATE_STEPS steps of seed $RATE_SEED; every arm takes its lowest."
echo
echo "| arm | loss at each rate | taken |"
echo "|---|---|---|"
for rates in "$folder"/rates-*.txt; do
  [[ -e $rates ]] || continue
  arm=$(basename "$rates" .txt) arm=${arm#rates-}
  echo "| $arm | $(awk '{ printf "%s%s: %.4f", (NR > 1 ? ", " : ""), $2, $1 }' "$rates") |" \
    "$(cat "$folder/rate-$arm.txt" 2>/dev/null) |"
done
echo
echo "### Training"
echo
echo "| run | steps | median s a step | peak GB | loss of the last 20 steps |"
echo "|---|---|---|---|---|"
for log in "$folder"/*.log.jsonl; do
  [[ -e $log ]] || continue
  name=$(basename "$log" .log.jsonl)
  case $name in
    clips-* | rate-*) continue ;;
    large-*) batch=1 ;;
    *) batch=$((BATCH * ACCUMULATION)) ;;
  esac
  sed -E 's/.*"loss":([^,}]*).*"samples_per_second":([^,}]*),"memory":([^,}]*).*/\1 \2 \3/' "$log" |
    awk -v batch="$batch" -v name="$name" '
      { loss[NR] = $1; time[NR] = batch / $2; if ($3 > peak) peak = $3 }
      END {
        for (i = 2; i <= NR; ++i) { t = time[i]; for (j = i - 1; j && time[j] > t; --j) time[j + 1] = time[j]; time[j + 1] = t }
        first = NR > 20 ? NR - 19 : 1
        for (i = first; i <= NR; ++i) sum += loss[i]
        printf "| %s | %d | %.3f | %.1f | %.4f |\n", name, NR, time[int((NR + 1) / 2)], peak / 1e9, sum / (NR - first + 1)
      }'
done

mapfile -t all < <(list_arms)
if [[ ${#all[@]} == 0 ]]; then exit; fi
others=()
for arm in dense t3; do
  if [[ -e $folder/untouched-$arm.json ]]; then others+=("untouched_$arm=$folder/untouched-$arm.json"); fi
done
echo
echo "### At $HIGH, $FRAMES frames; training seeds$(printf ' %s' $complete)"
echo
t3 eval --table "${all[@]}" "${others[@]}"
for reference in dense t3; do
  [[ " ${all[*]}" == *" $reference="* ]] || continue
  echo
  echo "#### Against $reference"
  echo
  t3 eval --table "${all[@]}" "${others[@]}" --against "$reference" --margins "$MARGINS"
done
large=()
for arm in dense t3; do
  if [[ -e $folder/large-$arm.json ]]; then large+=("$arm=$folder/large-$arm.json"); fi
done
if ((${#large[@]})); then
  echo
  echo "### At $LARGE, $FRAMES frames, after $LARGE_SECONDS s of training"
  echo
  t3 eval --table "${large[@]}"
  if ((${#large[@]} == 2)); then
    t3 eval --table "${large[@]}" --against dense --margins "$MARGINS"
  fi
fi
