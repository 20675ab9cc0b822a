#!/usr/bin/env bash
# Trains the shipped model stage by stage. Each call resumes where the last one ended.
#   scripts/demo_model/train.sh vae SECONDS [VAE_FILE]
#   scripts/demo_model/train.sh dit SECONDS [MODEL_FOLDER]   full attention, low resolution
#   scripts/demo_model/train.sh retrofit SECONDS [MODEL_FOLDER]   T3, higher resolutions; begins with dit's
#   scripts/demo_model/train.sh distill SECONDS [MODEL_FOLDER]    a LoRA: 4 steps, no guidance, 512x288; begins with retrofit's
#   scripts/demo_model/train.sh refiner SECONDS [MODEL_FOLDER]    a LoRA: refines drafts at 3840x2160 without guidance
#   scripts/demo_model/train.sh refiner_guidance SECONDS [MODEL_FOLDER]   what guidance adds at 3840x2160, as a LoRA
#   scripts/demo_model/train.sh distill_4k SECONDS [MODEL_FOLDER] a refiner of fewer steps, by DMD
# train for at most SECONDS, rendering and samples included, and write the stage's model to
# $T3_DEMO_WORK/STAGE (build/demo-train). distill and distill_4k keep the model that their gates choose
# in STAGE/best. The last argument initialises a stage in place of random weights.
# T3_DEMO_SET="a.b=1 c=2" sets fields of the stage's configuration. T3_DEMO_GPUS=N trains on N GPUs;
# `accumulation` is then best a multiple of N. All but vae use the VAE $T3_DEMO_VAE, else that of
# stage vae.
#   scripts/demo_model/train.sh assemble FOLDER
# makes the folder that is shipped, for pack.sh: the denoiser that the LoRAs of distill and refiner
# were trained on, the former at rank 16, the latter at 18 with half of refiner_guidance where that
# was trained, the VAE, text encoder, t3.json and the preview.
#   scripts/demo_model/train.sh pack STAGE FOLDER
# copies a stage's model to FOLDER, in files of at most 16 MiB; with T3_DEMO_STATE=1 also the
# checkpoint to resume from, split, which
#   scripts/demo_model/train.sh unpack STAGE FOLDER
# restores. `t3` is taken from PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

configs=scripts/demo_model
work=${T3_DEMO_WORK:-build/demo-train}
part_size=16000000

fail() { echo "train.sh: $*" >&2; exit 1; }

# STAGE SECONDS FIELD=VALUE...
train() {
  local stage=$1 seconds=$2 field
  local -a sets=()
  shift 2
  for field in "output=$work/$stage" "stop_after_seconds=$seconds" "$@" ${T3_DEMO_SET:-}; do
    sets+=(--set "$field")
  done
  if [[ -n ${T3_DEMO_GPUS:-} ]]; then sets+=(--gpus "$T3_DEMO_GPUS"); fi
  t3 train "$configs/${T3_DEMO_PREFIX:-}$stage.json" "${sets[@]}"
}

train_vae() {
  local seconds=$1 start=$2 init="$work/vae-init"
  if [[ ! -e $init ]]; then
    if [[ -n $start ]]; then
      mkdir -p "$init" && cp "$start" "$init/Wan2.1_VAE.safetensors"
    else
      t3 init "$configs/vae_init.json" --seed 1 --dtype fp32 --output "$init"
    fi
  fi
  train vae "$seconds" "model.vae=$init/Wan2.1_VAE.safetensors"
}

train_denoiser() {
  local stage=$1 seconds=$2 start=$3 init="$work/$1-init"
  local vae=${T3_DEMO_VAE:-$work/vae/Wan2.1_VAE.safetensors}
  [[ -e $vae ]] || fail "no VAE at $vae; run the stage vae first or set T3_DEMO_VAE"
  if [[ ! -e $init ]]; then
    if [[ $stage == retrofit && -z $start ]]; then start="$work/dit"; fi
    if [[ $stage == distill* || $stage == refiner* ]] && [[ -z $start ]]; then start="$work/retrofit"; fi
    if [[ -n $start ]]; then
      mkdir -p "$init/google/umt5-xxl"
      cp "$start"/diffusion_pytorch_model.safetensors "$start"/models_t5_*.safetensors "$init"
      cp "$configs/spiece.model" "$init/google/umt5-xxl"
    else
      t3 init "$configs/dit_init.json" --seed 1 --dtype fp32 --output "$init"
    fi
    cp "$configs/t3.json" "$init/t3.json"
  fi
  train "$stage" "$seconds" "model.folder=$init" "model.vae=$vae" \
    "data.world.cache=$work/${T3_DEMO_PREFIX:-}latents"
}

assemble() {
  local folder=$1 python=${PYTHON:-python3}
  mkdir -p "$folder"
  cp -r "$work"/distill-init/{diffusion_pytorch_model.safetensors,models_t5_*.safetensors,google} "$folder"
  cp "${T3_DEMO_VAE:-$work/vae/Wan2.1_VAE.safetensors}" "$folder"
  "$python" "$configs/reduce_lora.py" "$work/distill/best/lora.safetensors" "$folder/few-step.safetensors" 16
  local -a refiners=("$work/refiner/lora.safetensors")
  local guidance="$work/refiner_guidance/lora.safetensors"
  if [[ -e $guidance ]]; then refiners+=("$guidance:0.5"); fi
  "$python" "$configs/reduce_lora.py" "${refiners[@]}" "$folder/refiner.safetensors" 18
  sed 's/}$/, "lora": "few-step.safetensors", "refiner_lora": "refiner.safetensors"}/' \
    "$configs/t3.json" >"$folder/t3.json"
  t3 fit-preview --model "$folder" --output "$folder/preview.json"
}

pack() {
  local made="$work/$1" folder=$2 newest
  mkdir -p "$folder"
  local -a others=()
  if [[ $1 != vae ]]; then others=(! -name 'Wan2.?_VAE.safetensors'); fi
  find "$made" -maxdepth 1 -name '*.safetensors' "${others[@]}" -exec cp -L {} "$folder" \;
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
  dit | retrofit | distill | refiner | refiner_guidance | distill_4k) train_denoiser "$1" "${2:?seconds}" "${3:-}" ;;
  assemble) assemble "${2:?folder}" ;;
  pack) pack "${2:?stage}" "${3:?folder}" ;;
  unpack) unpack "${2:?stage}" "${3:?folder}" ;;
  *) sed -n '2,24p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
