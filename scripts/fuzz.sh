#!/usr/bin/env bash
# Builds the fuzz targets and runs each for FUZZ_SECONDS (60), as many at a time as there are cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${FUZZ_SECONDS:-60}
cmake --preset asan ${CI:+-DT3_PCH=ON} >/dev/null
cmake --build --preset asan -j "${JOBS:-$(nproc)}" --target fuzz
rm -rf build-asan/seeds build-asan/run
build-asan/fuzz/fuzz_write_seeds build-asan/seeds

run_one() {  # run_one NAME SECONDS
  local name=$1 work="build-asan/run/$1"
  mkdir -p "$work/corpus"
  # The limits turn an allocation of what a header claims, or a loop, into a finding.
  if "build-asan/fuzz/${name}_fuzz" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 \
    -malloc_limit_mb=512 -print_final_stats=1 -artifact_prefix="$work/" \
    "$work/corpus" "build-asan/seeds/$name" >"$work/log" 2>&1; then
    echo "fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log") inputs, no finding"
  else
    tail -n 60 "$work/log"
    echo "fuzz $name: FAILED; the log and the input are in $work"
    return 1
  fi
}
export -f run_one

mapfile -t names < <(find build-asan/fuzz -type f -name '*_fuzz' -printf '%f\n' | sed 's/_fuzz$//' | sort)
((${#names[@]} > 0)) || {
  echo 'fuzz: no targets were built' >&2
  exit 1
}
for name in "${names[@]}"; do
  [[ -n $(ls "build-asan/seeds/$name" 2>/dev/null) ]] || {
    echo "fuzz: no seeds for $name" >&2
    exit 1
  }
done
printf '%s\0' "${names[@]}" | xargs -0 -I{} -P "$(nproc)" bash -c "run_one {} $seconds"
echo "fuzz: ${#names[@]} targets, $seconds s each, no findings"
