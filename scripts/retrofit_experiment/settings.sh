# Settings of the retrofit experiment, sourced by run.sh and report.sh. The environment overrides any.
# REHEARSAL=1: a tiny version of everything, on two CPU cores, in minutes.
if [[ ${REHEARSAL:-0} == 1 ]]; then
  : "${T3_EXPERIMENT_WORK:=build/retrofit-rehearsal}" "${WORKERS:=cpu cpu}"
  : "${STEPS:=3}" "${BACK_STEPS:=1}" "${BATCH:=1}" "${ACCUMULATION:=2}"
  : "${HIGH:=256x144}" "${MID:=128x80}" "${LARGE:=512x288}" "${LOW:=128x72}" "${FRAMES:=5}"
  : "${HIGH_CLIPS:=4}" "${MID_CLIPS:=4}" "${LARGE_CLIPS:=2}" "${LARGE_SECONDS:=4}"
  : "${EVAL_CLIPS:=2}" "${EVAL_LARGE_CLIPS:=2}" "${SAMPLING_STEPS:=2}" "${EVAL_BATCH:=2}"
  : "${RATES:=1e-3 3e-3}" "${LORA_RATES:=1e-3 3e-3}" "${RATE_STEPS:=2}"
  : "${RESERVE:=5}"
fi
: "${T3_EXPERIMENT_WORK:=build/retrofit-experiment}"
: "${WORKERS:=0 1}"  # the GPUs, one queue each
: "${SEEDS:=1 2 3}"
: "${STEPS:=150}" "${BACK_STEPS:=50}"     # of every arm; of `back`
: "${BATCH:=8}" "${ACCUMULATION:=2}"      # 16 clips per step, in two passes to save memory
: "${HIGH:=1024x576}" "${MID:=512x288}" "${LARGE:=3840x2160}" "${LOW:=256x144}" "${FRAMES:=17}"
: "${HIGH_CLIPS:=256}" "${MID_CLIPS:=512}" "${LARGE_CLIPS:=12}"
: "${LARGE_SECONDS:=60}"                  # of training at LARGE, for T3 and dense
: "${EVAL_CLIPS:=24}" "${EVAL_LARGE_CLIPS:=4}" "${SAMPLING_STEPS:=20}" "${EVAL_BATCH:=8}"
: "${SHIFT:=5}" "${GUIDANCE:=4}" "${LORA_RANK:=32}"
: "${RATES:=3e-4 1e-3 3e-3 1e-2}" "${LORA_RATES:=3e-4 1e-3 3e-3 1e-2}"  # tried for every arm: Muon, AdamW
: "${RATE_STEPS:=60}" "${RATE_SEED:=99}"
: "${RESERVE:=15}"                        # seconds to stop a step and pack

# Written down before the run; docs/results/retrofit.md says why these.
: "${MARGINS:=attributes=-0.05,constraints=-0.1,loss=-0.01,detail_distance=-0.2,flicker_distance=-0.2}"

work=$T3_EXPERIMENT_WORK
results=$work/results
