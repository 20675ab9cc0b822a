#!/usr/bin/env bash
# Brings everything a build needs: system packages, libtorch with its run-time libraries, and for a
# CUDA build the CUDA libraries and a compiler. It can be run again at any time and keeps what is there.
#
#   scripts/setup.sh [--cpu|--cuda] [--ci]
#
#   --cpu    libtorch for the CPU (the default)
#   --cuda   also the CUDA libraries, and nvcc unless a CUDA 13 toolkit is installed
#   --ci     also what .ci/run needs: clang, clang-format, clang-tidy, ffmpeg, nvcc, and for the tests of
#            the server Chromium and nginx
#
# Environment: T3_TORCH_DIR=DIR uses an existing libtorch 2.11.0 (site-packages/torch) and downloads
# none; T3_CUDNN_FRONTEND_DIR=DIR downloads no headers of cuDNN's front end (give CMake the same);
# T3_SKIP_PACKAGES=1 leaves the system's packages alone.
#
# Writes to .deps/ in the source tree and, through apt, to the system; nowhere else.
set -euo pipefail

readonly TORCH_VERSION=2.11.0
readonly CUDA_TOOLKIT_VERSION=13.0.2  # what libtorch 2.11.0 was built with; its cuda-toolkit wheel
readonly CUDA_MAJOR=13
# libtorch_cpu loads these two even where there is no GPU.
readonly CPU_WHEELS=(nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85)
readonly NVCC_WHEELS=("cuda-toolkit[nvcc,crt,nvvm,cccl,cudart,cublas]==${CUDA_TOOLKIT_VERSION}")
readonly CUDNN_FRONTEND_VERSION=1.18.0  # headers only

readonly BUILD_PACKAGES=(
  ca-certificates ccache cmake g++ git make ninja-build pkg-config python3 python3-pip unzip
  libavcodec-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev libpng-dev
  libsentencepiece-dev libutf8proc-dev libcpp-httplib-dev libsqlite3-dev libssl-dev
  nlohmann-json3-dev libcli11-dev libfmt-dev libspdlog-dev
  libgtest-dev libgmock-dev libbenchmark-dev
)
readonly CI_PACKAGES=(clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev ffmpeg
  chromium chromium-driver curl nginx-light openssl)

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root deps="$root/.deps" site="$root/.deps/site"
start=$SECONDS

say() { printf '[setup %3ds] %s\n' $((SECONDS - start)) "$*"; }
fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

backend=cpu
ci=0
for argument in "$@"; do
  case "$argument" in
    --cpu) backend=cpu ;;
    --cuda) backend=cuda ;;
    --ci) ci=1 ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *) fail "unknown option '$argument'; wanted --cpu, --cuda or --ci (see --help)" ;;
  esac
done

# --- system packages -----------------------------------------------------------------------------

missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
      printf '%s\n' "$package"
  done
}

install_packages() {
  local wanted=("${BUILD_PACKAGES[@]}") missing
  ((ci)) && wanted+=("${CI_PACKAGES[@]}")
  if ! command -v apt-get >/dev/null; then
    fail "no apt-get here. Install the equivalents of: ${wanted[*]}; then run this again with" \
      "T3_SKIP_PACKAGES=1"
  fi
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  if ((${#missing[@]} == 0)); then
    say "packages: all ${#wanted[@]} are installed"
    return
  fi
  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      fail "packages are missing and installing them needs root. Run this, then this script again:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
    fi
    as_root=(sudo -n)
  fi
  say "packages: installing ${#missing[@]}: ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update </dev/null ||
    say "packages: apt-get update reported errors; going on with what it has"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y \
    --no-install-recommends "${missing[@]}" </dev/null ||
    fail "apt-get could not install: ${missing[*]}. Its message is above."
  say "packages: installed"
}

# --- wheels --------------------------------------------------------------------------------------

# Files of an interrupted run are useless, and so is a download once it is unpacked.
clean_up() { rm -rf "$deps/tmp"; }

need_disk() {  # need_disk GIGABYTES WHAT
  local free_kb
  free_kb=$(df -Pk "$root" | awk 'NR == 2 { print $4 }')
  if ((free_kb < $1 * 1000 * 1000)); then
    fail "$2 needs $1 GB free at $root, and $((free_kb / 1000 / 1000)) GB are: free some space" \
      "or set T3_TORCH_DIR to an installed libtorch $TORCH_VERSION"
  fi
}

# fetch FOLDER REQUIREMENT...: downloads wheels for glibc up to 2.28. pip matches platform tags one
# by one, so each is named; --python-version because only the libraries are wanted.
fetch() {
  local folder=$1 tag platforms=() quiet=()
  shift
  for tag in manylinux_2_{28..5} manylinux2014 manylinux2010 manylinux1; do
    platforms+=(--platform "${tag}_x86_64")
  done
  [[ -t 1 ]] || quiet=(--progress-bar off)
  mkdir -p "$deps/tmp/pip"
  TMPDIR="$deps/tmp/pip" python3 -m pip --disable-pip-version-check download --no-cache-dir \
    "${quiet[@]}" --only-binary=:all: --python-version 3.11 --implementation cp \
    "${platforms[@]}" --dest "$folder" "$@" </dev/null ||
    fail "could not download $*. Is the package index reachable (pip config list)?"
}

# merge FOLDER: unpacks the nvidia/ part of every wheel in FOLDER into the site folder.
merge() {
  local wheel
  mkdir -p "$site"
  for wheel in "$1"/*.whl; do
    unzip -q -o "$wheel" 'nvidia/*' -d "$site" 2>/dev/null || [[ $wheel == */cuda_toolkit-* ]] ||
      fail "could not unpack $wheel (is the disk full?)"
  done
}

torch_version_in() {  # torch_version_in FOLDER -> e.g. 2.11.0, empty when it is not libtorch
  sed -n 's/^#define TORCH_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\).*/\2/p' \
    "$1/include/torch/headeronly/version.h" 2>/dev/null | paste -sd.
}

# once NAME COMMAND...: runs the command unless it has succeeded before.
once() {
  local stamp="$site/.stamps/$1"
  shift
  [[ -e $stamp ]] && return
  "$@"
  mkdir -p "$site/.stamps"
  touch "$stamp"
}

get_torch() {
  if [[ -e $site/torch/lib/libtorch_cpu.so && $(torch_version_in "$site/torch") == "$TORCH_VERSION" &&
    -e $site/torch-$TORCH_VERSION.dist-info/METADATA ]]; then
    say "libtorch $TORCH_VERSION: present"
    return
  fi
  need_disk 3 "libtorch"
  say "libtorch $TORCH_VERSION: downloading (530 MB)"
  fetch "$deps/tmp/torch" --no-deps "torch==$TORCH_VERSION"
  say "libtorch $TORCH_VERSION: unpacking (1.1 GB)"
  # Unpacked next to its place and moved, so that a folder of the right name is complete.
  mkdir -p "$deps/tmp/unpacked" "$site"
  unzip -q "$deps"/tmp/torch/torch-*.whl 'torch/lib/*' 'torch/include/*' 'torch/share/*' \
    'torch-*.dist-info/*' -x 'torch/lib/libtorch_python.so' -d "$deps/tmp/unpacked" ||
    fail "could not unpack libtorch (is the disk full?)"
  rm -rf "$site/torch" "$site"/torch-*.dist-info
  mv "$deps/tmp/unpacked"/torch-*.dist-info "$deps/tmp/unpacked/torch" "$site/"
  rm -rf "$deps/tmp/torch"
}

get_cpu_libraries() {
  say "run-time libraries for libtorch on the CPU: downloading (13 MB)"
  fetch "$deps/tmp/cpu" --no-deps "${CPU_WHEELS[@]}"
  merge "$deps/tmp/cpu"
}

get_cuda_libraries() {
  local wheels
  need_disk 6 "the CUDA libraries"
  # Exactly the versions that this libtorch requires.
  mapfile -t wheels < <(sed -n 's/^Requires-Dist: \(\(cuda-toolkit\|nvidia-\)[^;]*\).*/\1/p' \
    "$site/torch-$TORCH_VERSION.dist-info/METADATA")
  ((${#wheels[@]} > 0)) || fail "libtorch's METADATA names no CUDA libraries"
  say "CUDA libraries: downloading (2 GB): ${wheels[*]}"
  fetch "$deps/tmp/cuda" "${wheels[@]}"
  say "CUDA libraries: unpacking"
  merge "$deps/tmp/cuda"
}

# Headers; the rest of the wheel is Python.
get_cudnn_frontend() {
  say "cuDNN's front end $CUDNN_FRONTEND_VERSION: downloading (2 MB)"
  fetch "$deps/tmp/cudnn_frontend" --no-deps "nvidia-cudnn-frontend==$CUDNN_FRONTEND_VERSION"
  mkdir -p "$site/cudnn_frontend"
  unzip -q -o "$deps"/tmp/cudnn_frontend/*.whl 'include/*' '*.dist-info/licenses/*' \
    -d "$site/cudnn_frontend" || fail "could not unpack cuDNN's front end (is the disk full?)"
}

# Without the CUDA libraries: what compiling against this libtorch's cuDNN needs.
get_cudnn_headers() {
  local wheel
  [[ -e $site/nvidia/cudnn/include/cudnn.h || ! -d $site/torch ]] && return
  wheel=$(sed -n 's/^Requires-Dist: \(nvidia-cudnn-[^; ]*\).*/\1/p' \
    "$site/torch-$TORCH_VERSION.dist-info/METADATA")
  need_disk 2 "cuDNN's headers"
  say "cuDNN's headers: downloading $wheel (400 MB)"
  fetch "$deps/tmp/cudnn" --no-deps "$wheel"
  unzip -q -o "$deps"/tmp/cudnn/*.whl 'nvidia/cudnn/include/*' 'nvidia/cudnn/lib/libcudnn.so.9' \
    -d "$site" || fail "could not unpack cuDNN's headers (is the disk full?)"
  rm -rf "$deps/tmp/cudnn"
}

get_nvcc_wheels() {
  need_disk 2 "the CUDA compiler"
  say "CUDA compiler: downloading nvcc $CUDA_TOOLKIT_VERSION and cuBLAS (600 MB)"
  fetch "$deps/tmp/nvcc" "${NVCC_WHEELS[@]}"
  merge "$deps/tmp/nvcc"
  chmod +x "$site"/nvidia/cu$CUDA_MAJOR/bin/* "$site"/nvidia/cu$CUDA_MAJOR/nvvm/bin/*
  ln -sfn lib "$site/nvidia/cu$CUDA_MAJOR/lib64"  # where this nvcc looks for libcudart_static
}

get_nvcc() {
  local nvcc
  for nvcc in "${CUDACXX:-}" "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc; do
    if [[ -n $nvcc && -x $nvcc ]] && "$nvcc" --version | grep -q "release $CUDA_MAJOR\."; then
      say "CUDA compiler: $nvcc"
      return
    fi
  done
  once "nvcc-$CUDA_TOOLKIT_VERSION" get_nvcc_wheels
  nvcc="$site/nvidia/cu$CUDA_MAJOR/bin/nvcc"
  "$nvcc" --version >/dev/null || fail "$nvcc does not run; remove .deps and run this again"
  say "CUDA compiler: $nvcc"
}

if [[ ${T3_SKIP_PACKAGES:-0} == 1 ]]; then
  say "packages: left alone (T3_SKIP_PACKAGES=1)"
else
  install_packages
fi

trap clean_up EXIT
clean_up
if [[ -n ${T3_TORCH_DIR:-} ]]; then
  found=$(torch_version_in "$T3_TORCH_DIR")
  [[ $found == "$TORCH_VERSION" ]] ||
    fail "T3_TORCH_DIR=$T3_TORCH_DIR holds libtorch '${found:-none}', wanted $TORCH_VERSION"
  say "libtorch $found: at $T3_TORCH_DIR (T3_TORCH_DIR)"
else
  [[ $(uname -m) == x86_64 ]] ||
    fail "libtorch is downloaded for x86-64 only and this machine is $(uname -m): install torch" \
      "$TORCH_VERSION with pip and set T3_TORCH_DIR to its site-packages/torch"
  get_torch
  once "cpu-$TORCH_VERSION" get_cpu_libraries
  [[ $backend == cpu ]] || once "cuda-$TORCH_VERSION" get_cuda_libraries
fi
if [[ $backend == cuda ]] || ((ci)); then
  [[ -n ${T3_CUDNN_FRONTEND_DIR:-} ]] ||
    once "cudnn-frontend-$CUDNN_FRONTEND_VERSION" get_cudnn_frontend
  get_cudnn_headers
  get_nvcc
fi
say "done"
