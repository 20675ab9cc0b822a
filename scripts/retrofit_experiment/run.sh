#!/usr/bin/env bash
# The experiment of docs/results/retrofit.md. Each call resumes where the last one ended.
#   scripts/retrofit_experiment/run.sh OUT SECONDS [MODEL_FOLDER]
# works for at most SECONDS and leaves in OUT: results.tar.gz (every measurement, log and setting) and
# report.md; both are renewed whenever a measurement is done. It exits with 0 when nothing is
# left to do, with 3 when the time is up. MODEL_FOLDER (build/models/demo) is the dense model. A call
# whose OUT or $T3_EXPERIMENT_WORK holds measurements of an earlier one does not repeat them.
# `t3` is taken from PATH; settings.sh holds the settings, REHEARSAL=1 the tiny ones.
#
# Jobs are a list in order of importance; each GPU takes the first one whose dependencies are met. All arms
# of seed 1 come first, then 4K, then the other seeds, so that what is done is always a complete paired result.
#
# Times of jobs are in times.txt. First a learning rate is chosen for every arm, among equally many.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=scripts/retrofit_experiment
source "$here/settings.sh"

out=${1:?folder for the results}
seconds=${2:?seconds}
base=${3:-build/models/demo}
deadline=$(($(date +%s) + seconds - RESERVE))
done_jobs=$work/done claims=$work/claims
fail() { echo "run.sh: $*" >&2; exit 1; }

left() { echo $((deadline - $(date +%s))); }

# Runs t3 until the deadline; the interrupt lets it save its state.
run_t3() {
  local seconds_left
  seconds_left=$(left)
  ((seconds_left > 0)) || return 124
  timeout -s INT -k "$RESERVE" "$seconds_left" t3 "$@"
}

# ARM FIELD=VALUE... at SIZE with CLIPS
train_model() {
  local name=$1 size=$2 clips=$3 field
  shift 3
  local -a sets=()
  local sizes="[{\"size\":\"$size\",\"frames\":$FRAMES,\"clips\":$clips,\"together\":$(together "$size")}]"
  for field in "output=$work/models/$name" "data.world.cache=$work/latents" \
    "data.world.sizes=$sizes" "timesteps.shift=$SHIFT" "device=$device" "$@"; do
    sets+=(--set "$field")
  done
  run_t3 train "$here/arm.json" "${sets[@]}" >"$work/logs/train-$name.txt" 2>&1
}

together() { if [[ $1 == "$LARGE" ]]; then echo 1; else echo 16; fi; }

# Clips are made by a training step whose model is not used.
make_clips() {
  local size=$1 clips=$2
  train_model "clips-$size" "$size" "$clips" "model=$base" steps=1 batch_size=1 accumulation=1
}

# The arm whose rate another one takes, for arms that are not a comparison at an equal budget.
rated_as() {
  case $1 in
    mid) echo t3 ;;
    back) echo dense ;;
    midlora) echo lora ;;
    *) echo "$1" ;;
  esac
}

# NAME ARM SEED STEPS RATE
train_arm() {
  local name=$1 arm=$2 seed=$3 steps=$4 rate=$5
  local size=$HIGH clips=$HIGH_CLIPS start=$base
  local -a own=()
  case $arm in
    dense) own=(attention.pattern=full) ;;
    t3 | close | remote | swin) own=("attention.pattern=$arm") ;;
    lora | midlora)
      own=(attention.pattern=t3 "lora={\"rank\":$LORA_RANK}" optimizer.matrices=adamw)
      if [[ $arm == midlora ]]; then start=$work/models/mid-$seed; fi ;;
    mid) size=$MID clips=$MID_CLIPS own=(attention.pattern=t3) ;;
    back) start=$work/models/t3-$seed own=(attention.pattern=full) ;;
    *) fail "no arm $arm" ;;
  esac
  train_model "$name" "$size" "$clips" "model=$start" "seed=$seed" "steps=$steps" \
    "batch_size=$BATCH" "accumulation=$ACCUMULATION" "optimizer.lr=$rate" "${own[@]}"
}

# ARM-SEED
train_job() {
  local arm=${1%-*} seed=${1##*-} steps=$STEPS
  if [[ $arm == back ]]; then steps=$BACK_STEPS; fi
  train_arm "$1" "$arm" "$seed" "$steps" "$(<"$results/rate-$(rated_as "$arm").txt")"
}

# Short runs of a seed that no measured model has; the rate whose last quarter of losses is lowest.
# The runs of an arm share batches, noise and timesteps, so their losses are paired. A run that
# ended early has diverged.
choose_rate() {
  local arm=$1 rate log loss rates=$RATES
  if [[ $arm == lora ]]; then rates=$LORA_RATES; fi
  for rate in $rates; do
    log=$results/rate-$arm-$rate.log.jsonl
    if [[ ! -e $log ]]; then
      rm -rf "$work/models/rate-$arm"
      train_arm "rate-$arm" "$arm" "$RATE_SEED" "$RATE_STEPS" "$rate" || (($(left) > 0)) || return 124
      cp "$work/models/rate-$arm/log.jsonl" "$log" || return
    fi
    loss=inf
    if (($(wc -l <"$log") == RATE_STEPS)); then
      loss=$(tail -n "$((RATE_STEPS / 4 + 1))" "$log" | mean_loss)
    fi
    printf '%s %s\n' "$loss" "$rate"
  done >"$results/rates-$arm.txt"
  sort -g "$results/rates-$arm.txt" | awk 'NR == 1 { print $2 }' >"$results/rate-$arm.txt"
}

mean_loss() { sed 's/.*"loss":\([0-9.e+-]*\).*/\1/' | awk '{ s += $1 } END { print s / NR }'; }

# Equal wall time needs one uninterrupted run: a run that was cut short starts again.
train_large() {
  local arm=$1 pattern=full
  if [[ $arm == t3 ]]; then pattern=t3; fi
  (($(left) > LARGE_SECONDS + 2 * RESERVE)) || return 124
  rm -rf "$work/models/large-$arm"
  train_model "large-$arm" "$LARGE" "$LARGE_CLIPS" "model=$work/models/$arm-1" seed=1 \
    steps=100000 batch_size=1 accumulation=1 "stop_after_seconds=$LARGE_SECONDS" \
    "attention.pattern=$pattern" checkpoint.every_seconds=0
}

# NAME MODEL SIZE CLIPS FLAG...
evaluate() {
  local name=$1 model=$2 size=$3 clips=$4
  shift 4
  run_t3 eval --device "$device" --model "$model" --size "$size" --frames "$FRAMES" \
    --clips "$clips" --loss-clips "$clips" --steps "$SAMPLING_STEPS" --guidance "$GUIDANCE" \
    --shift "$SHIFT" --json "$work/logs/partial-$name.json" \
    --save-sheet "$work/sheets/$name.png" "$@" >"$work/logs/eval-$name.txt" 2>&1 || return
  mv "$work/logs/partial-$name.json" "$results/$name.json"
}

evaluate_job() {
  local name=$1
  case $name in
    untouched-dense) evaluate "$name" "$base" "$HIGH" "$EVAL_CLIPS" --batch "$EVAL_BATCH" --attention full ;;
    untouched-t3) evaluate "$name" "$base" "$HIGH" "$EVAL_CLIPS" --batch "$EVAL_BATCH" --attention t3 ;;
    large-*) evaluate "$name" "$work/models/$name" "$LARGE" "$EVAL_LARGE_CLIPS" --enlarged-from "$LOW" ;;
    *) evaluate "$name" "$work/models/$name" "$HIGH" "$EVAL_CLIPS" --batch "$EVAL_BATCH" ;;
  esac
}

run_job() {
  case $1 in
    clips:high) make_clips "$HIGH" "$HIGH_CLIPS" ;;
    clips:mid) make_clips "$MID" "$MID_CLIPS" ;;
    clips:large) make_clips "$LARGE" "$LARGE_CLIPS" ;;
    train:large-*) train_large "${1#train:large-}" ;;
    rate:*) choose_rate "${1#rate:}" ;;
    train:*) train_job "${1#train:}" ;;
    eval:*) evaluate_job "${1#eval:}" ;;
  esac
}

# The jobs that a job depends on.
needs() {
  case $1 in
    train:large-*) echo clips:large "train:${1#train:large-}-1" ;;
    rate:*) echo clips:high ;;
    train:midlora-*) echo rate:lora "train:mid-${1##*-}" ;;
    train:mid-*) echo clips:mid rate:t3 ;;
    train:back-*) echo rate:dense "train:t3-${1##*-}" ;;
    train:*) local arm=${1#train:}; echo clips:high "rate:${arm%-*}" ;;
    eval:untouched-*) ;;
    eval:*) echo "train:${1#eval:}" ;;
  esac
}

list_jobs() {
  local seed arm first=1
  echo clips:high clips:mid
  for arm in t3 dense lora close remote swin; do echo "rate:$arm"; done
  for seed in $SEEDS; do
    for arm in t3 dense; do echo "train:$arm-$seed" "eval:$arm-$seed"; done
    if ((first)); then echo eval:untouched-dense clips:large; fi
    echo "train:mid-$seed"
    for arm in close remote swin lora midlora back; do echo "train:$arm-$seed" "eval:$arm-$seed"; done
    if ((first)); then
      echo eval:untouched-t3 train:large-t3 train:large-dense eval:large-t3 eval:large-dense
      first=0
    fi
  done
}

is_done() {
  case $1 in
    eval:*) [[ -e $results/${1#eval:}.json ]] ;;
    rate:*) [[ -e $results/rate-${1#rate:}.txt ]] ;;
    *) [[ -e $done_jobs/$1 ]] ;;
  esac
}

# Whether a pending job depends on it: on a fresh machine the measurements of an earlier call are
# present and its models are not.
is_wanted() {
  [[ $1 == eval:* ]] && return
  local job need
  for job in "${jobs[@]}"; do
    if is_done "$job"; then continue; fi
    for need in $(needs "$job"); do
      if [[ $need == "$1" ]] && { [[ $job == eval:* ]] || is_wanted "$job"; }; then return 0; fi
    done
  done
  return 1
}

# Prints and claims the next job that can run; "wait" when all remaining jobs depend on another queue;
# nothing at the end.
next_job() {
  local job need ready waits=
  for job in "${jobs[@]}"; do
    if is_done "$job" || ! is_wanted "$job"; then continue; fi
    waits=wait ready=1
    for need in $(needs "$job"); do is_done "$need" || ready=0; done
    if ((ready)) && mkdir "$claims/$job" 2>/dev/null; then
      echo "$job"
      return
    fi
  done
  # A job that failed or ran out of time in this call blocks its dependents.
  if [[ -n $waits ]] && compgen -G "$claims/*.running" >/dev/null; then echo wait; fi
}

pack() (
  flock 9
  "$here/report.sh" "$results" >"$work/report.md.new" 2>"$work/logs/report.txt" &&
    mv "$work/report.md.new" "$work/report.md" && cp "$work/report.md" "$out/report.md"
  local log
  for log in "$work"/models/*/log.jsonl; do
    if [[ $log == */rate-* ]]; then continue; fi
    if [[ -e $log ]]; then cp "$log" "$results/$(basename "$(dirname "$log")").log.jsonl"; fi
  done
  tar -C "$work" -czf "$work/results.tar.gz" results logs sheets times.txt
  cp "$work/results.tar.gz" "$out/.new.tar.gz" && mv "$out/.new.tar.gz" "$out/results.tar.gz"
) 9>"$work/pack.lock"

# One GPU's queue.
work_off() {
  local job begin status
  device=cuda
  if [[ $1 == cpu ]]; then device=cpu; else export CUDA_VISIBLE_DEVICES=$1; fi
  while (($(left) > RESERVE)); do
    job=$(next_job)
    if [[ -z $job ]]; then return; fi
    if [[ $job == wait ]]; then sleep 1; continue; fi
    touch "$claims/$job.running"
    begin=$(date +%s) status=0
    run_job "$job" || status=$?
    echo "$job $(($(date +%s) - begin)) s on $1, status $status" | tee -a "$work/times.txt"
    if ((status == 0)); then touch "$done_jobs/$job"; fi
    if ((status == 124)); then touch "$claims/$job.late"; fi
    if ((status != 0 && status != 124)); then touch "$claims/$job.failed"; fi
    if ((status == 0)) && [[ $job == train:* ]]; then rm -rf "$work/models/${job#train:}/checkpoints"; fi
    rm -f "$claims/$job.running"
    if [[ $job == eval:* ]]; then pack || echo "run.sh: packing failed, see $work/logs" >&2; fi
  done
}

command -v t3 >/dev/null || fail "t3 is not in PATH"
[[ -e $base/diffusion_pytorch_model.safetensors ]] || fail "no model in $base"
mkdir -p "$out" "$work"/{done,logs,models,results,sheets}
if [[ ! -e $work/times.txt && -e $out/results.tar.gz ]]; then tar -C "$work" -xzf "$out/results.tar.gz"; fi
exec 8>"$work/run.lock"
flock -n 8 || fail "another call works in $work"
rm -rf "$claims" && mkdir "$claims"
settings="$(sha256sum <"$base/diffusion_pytorch_model.safetensors") $STEPS $BACK_STEPS $BATCH $ACCUMULATION $HIGH $MID \
$LARGE $LOW $FRAMES $HIGH_CLIPS $MID_CLIPS $LARGE_CLIPS $LARGE_SECONDS $EVAL_CLIPS $EVAL_LARGE_CLIPS \
$SAMPLING_STEPS $SHIFT $GUIDANCE $RATES $LORA_RATES $RATE_STEPS $LORA_RANK"
if [[ ! -e $results/settings.txt ]]; then echo "$settings" >"$results/settings.txt"; fi
[[ $(<"$results/settings.txt") == "$settings" ]] ||
  fail "$work holds measurements of other settings or another model; take another T3_EXPERIMENT_WORK"
mapfile -t jobs < <(list_jobs | tr ' ' '\n')
touch "$work/times.txt"

for worker in $WORKERS; do work_off "$worker" & done
wait
pack
if compgen -G "$claims/*.failed" >/dev/null; then
  fail "failed: $(cd "$claims" && echo *.failed); see $work/logs"
fi
for job in "${jobs[@]}"; do
  if [[ $job == eval:* ]] && ! is_done "$job"; then
    echo "time is up before $job; the same command goes on"
    exit 3
  fi
done
echo "all measured: $out/report.md"
