#!/usr/bin/env bash
# Builds the fuzz targets and runs each for FUZZ_SECONDS (60), as many at a time as there are cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${FUZZ_SECONDS:-60}
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz -j "${JOBS:-$(nproc)}"

run_one() {
  local name=$1 seconds=$2 work="build-fuzz/run/$1" seeds=()
  [[ -d tests/fuzz/$name ]] && seeds=("tests/fuzz/$name")
  rm -rf "$work"
  mkdir -p "$work/corpus"
  # The limits turn an allocation of what a header claims, or a loop, into a finding.
  if "build-fuzz/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -malloc_limit_mb=512 -print_final_stats=1 -artifact_prefix="$work/" \
    "$work/corpus" "${seeds[@]}" >"$work/log" 2>&1; then
    echo "fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log") inputs, no finding"
  else
    tail -n 60 "$work/log"
    echo "fuzz $name: FAILED; the input is in $work"
    return 1
  fi
}
export -f run_one

mapfile -t targets < <(find build-fuzz/fuzz -type f -executable -printf '%f\n' | sort)
((${#targets[@]} > 0)) || {
  echo 'fuzz: no targets were built' >&2
  exit 1
}
printf '%s\0' "${targets[@]}" | xargs -0 -I{} -P "$(nproc)" bash -c 'run_one {} '"$seconds"
echo "fuzz: ${#targets[@]} targets, $seconds s each, no findings"
