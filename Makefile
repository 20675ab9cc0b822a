# What people type. `make` prints the list; CMakePresets.json has the builds themselves.
#
#   T3_CUDA=0|1      build without or with CUDA (default: with it where nvidia-smi works)
#   T3_TORCH_DIR=DIR an existing libtorch 2.11.0 in place of the one in .deps
#   JOBS=N           parallel compilers (default: the cores, as far as memory goes)
#   PREFIX=DIR       where `make install` goes (default: /usr/local)

T3_CUDA ?= $(shell nvidia-smi >/dev/null 2>&1 && echo 1 || echo 0)
# A file with ATen in it takes its compiler up to 2.5 GB.
JOBS ?= $(shell cores=$$(nproc); fit=$$(awk '/MemAvailable/ {print int($$2 / 2500000)}' /proc/meminfo); \
	[ $$fit -lt 1 ] && fit=1; [ $$fit -lt $$cores ] && echo $$fit || echo $$cores)
PREFIX ?= /usr/local

ifeq ($(T3_CUDA),1)
  SETUP = scripts/setup.sh --cuda
  OPTIONS = -DT3_CUDA=ON
  LABELS =
else
  SETUP = scripts/setup.sh --cpu
  OPTIONS = -DT3_CUDA=OFF
  LABELS = -LE gpu
endif
# A newer compiler's new warnings are not a user's errors.
OPTIONS += -DT3_WERROR=$(if $(CI),ON,OFF)
# CI compiles once, without ccache.
OPTIONS += -DT3_PCH=$(if $(CI),ON,OFF)
ifneq ($(T3_TORCH_DIR),)
  export T3_TORCH_DIR
  OPTIONS += -DT3_TORCH_DIR=$(T3_TORCH_DIR)
endif

.PHONY: help setup configure build demo test lint asan fuzz cuda-check install install-check package package-check clean

help:
	@echo 'make demo             set up, build and make a short video'
	@echo 'make test             set up, build and run every test'
	@echo 'make setup            packages, libtorch, and with a GPU the CUDA libraries'
	@echo 'make build            the program, at build/t3'
	@echo 'make install PREFIX=  t3, the library, its headers and models (default /usr/local)'
	@echo 'make install-check    install elsewhere, run it there and build a project with it'
	@echo 'make package          a Debian package, build/package/t3video_VERSION_amd64.deb'
	@echo 'make package-check    install it on a bare Debian 12 in a chroot (root) and run it there'
	@echo 'make lint             formatting, include directions, clang-tidy'
	@echo 'make asan             tests of readers, planner and program under the sanitizers'
	@echo 'make fuzz             each fuzz target for FUZZ_SECONDS (default 60)'
	@echo 'make cuda-check       compile the CUDA sources; needs nvcc, no GPU'
	@echo 'make clean            remove the build folders (not .deps)'
	@echo 'Options: T3_CUDA=0|1 (here: $(T3_CUDA))  T3_TORCH_DIR=DIR  JOBS=N (here: $(JOBS))'

setup:
	@$(SETUP)

configure: setup
	@cmake --preset release $(OPTIONS)

build: configure
	@cmake --build --preset release -j $(JOBS) --target t3
	@echo 'built: build/t3'

demo: build
	@scripts/demo.sh

test: configure
	@cmake --build --preset release -j $(JOBS)
	@OMP_WAIT_POLICY=passive ctest --preset release $(LABELS) -j $$(nproc)   # spinning threads of two tests starve each other

install: configure
	@cmake --build --preset release -j $(JOBS)
	@cmake --install build --prefix '$(PREFIX)'

install-check: configure
	@cmake --build --preset release -j $(JOBS)
	@scripts/install_check.sh build

package: build
	@cpack --config build/CPackConfig.cmake
	@rm -rf build/package/_CPack_Packages

package-check: package
	@scripts/package_check.sh

lint:
	@scripts/lint.sh

asan:
	@JOBS=$(JOBS) scripts/asan.sh

fuzz:
	@JOBS=$(JOBS) scripts/fuzz.sh

cuda-check:
	@JOBS=$(JOBS) scripts/cuda_check.sh

clean:
	rm -rf build build-asan build-cuda build-debug build-tidy
