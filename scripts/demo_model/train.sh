#!/usr/bin/env bash
# Trains the shipped model, stage by stage, in pieces: every call goes on where the last one ended.
#   scripts/demo_model/train.sh vae|dit SECONDS [START]   trains for SECONDS, then writes the stage's
#       files to $T3_DEMO_WORK/STAGE. START: weights to begin with (vae: a VAE's file, dit: a model's
#       folder) in place of random ones, where no call has begun yet.
#   scripts/demo_model/train.sh pack STAGE FOLDER         copies what a stage made to FOLDER, at most
#       8 files of at most 16 MiB; with T3_DEMO_STATE=1 also the checkpoint to go on from, in parts.
#   scripts/demo_model/train.sh unpack STAGE FOLDER       puts such a checkpoint back.
# `t3` is taken from PATH. A VAE for the stage dit is $T3_DEMO_VAE, else the one of stage vae.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

configs=scripts/demo_model
work=${T3_DEMO_WORK:-build/demo-train}
part_size=16000000

fail() { echo "train.sh: $*" >&2; exit 1; }

train_vae() {
  local seconds=$1 start=${2:-} init="$work/vae-init"
  if [[ ! -e $init ]]; then
    if [[ -n $start ]]; then
      mkdir -p "$init" && cp "$start" "$init/Wan2.1_VAE.safetensors"
    else
      t3 init "$configs/vae_init.json" --seed 1 --dtype fp32 --output "$init"
    fi
  fi
  t3 train "$configs/${T3_DEMO_VAE_CONFIG:-vae.json}" --set "output=$work/vae" \
    --set "model.vae=$init/Wan2.1_VAE.safetensors" --set "stop_after_seconds=$seconds"
}

train_dit() {
  local seconds=$1 start=${2:-} init="$work/dit-init"
  local vae=${T3_DEMO_VAE:-$work/vae/Wan2.1_VAE.safetensors}
  [[ -e $vae ]] || fail "no VAE at $vae; run the stage vae first or set T3_DEMO_VAE"
  if [[ ! -e $init ]]; then
    if [[ -n $start ]]; then
      cp -r "$start" "$init"
    else
      t3 init "$configs/dit_init.json" --seed 1 --dtype fp32 --output "$init"
    fi
    cp -f "$configs/t3.json" "$init/t3.json"
  fi
  t3 train "$configs/${T3_DEMO_DIT_CONFIG:-dit.json}" --set "output=$work/dit" \
    --set "model.folder=$init" --set "model.vae=$vae" \
    --set "data.world.cache=$work/latents.safetensors" --set "stop_after_seconds=$seconds"
}

pack() {
  local made="$work/$1" folder=$2 newest
  mkdir -p "$folder"
  find "$made" -maxdepth 1 -name '*.safetensors' -exec cp -L {} "$folder" \;
  if [[ $1 == dit ]]; then rm -f "$folder"/Wan2.?_VAE.safetensors; fi
  tar -C "$made" -czf "$folder/$1-reports.tar.gz" \
    $(cd "$made" && ls -d log.jsonl curves.svg vae.json 2>/dev/null)
  if [[ ${T3_DEMO_STATE:-0} == 1 ]]; then
    newest=$(cd "$made" && ls -d checkpoints/step-* | sort -V | tail -1)
    tar -C "$made" -cf - "$newest" | split -b $part_size - "$folder/$1-state."
  fi
  ls -l "$folder"
}

unpack() {
  mkdir -p "$work/$1"
  cat "$2/$1-state."* | tar -C "$work/$1" -xf -
  tar -C "$work/$1" -xzf "$2/$1-reports.tar.gz"
}

case "${1:-}" in
  vae) train_vae "${2:?seconds}" "${3:-}" ;;
  dit) train_dit "${2:?seconds}" "${3:-}" ;;
  pack) pack "${2:?stage}" "${3:?folder}" ;;
  unpack) unpack "${2:?stage}" "${3:?folder}" ;;
  *) sed -n '2,11p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
