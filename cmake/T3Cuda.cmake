# The CUDA compiler: the one named by CUDACXX or CMAKE_CUDA_COMPILER, an installed toolkit, or the
# one that scripts/setup.sh --cuda put into .deps. Code for sm_80 with PTX, which every later GPU
# translates, and sm_90a, whose instructions are chosen at run time.
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(T3_NVCC nvcc
    HINTS /usr/local/cuda/bin "${PROJECT_SOURCE_DIR}/.deps/site/nvidia/cu13/bin")
  if(NOT T3_NVCC)
    message(FATAL_ERROR "T3_CUDA is ON and there is no nvcc: run `scripts/setup.sh --cuda`, install "
      "a CUDA toolkit (12.8 or later), or set CUDACXX.")
  endif()
  set(CMAKE_CUDA_COMPILER "${T3_NVCC}")
endif()
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES "80;90a-real" CACHE STRING "Architectures of the CUDA code")
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.8)
  message(FATAL_ERROR "nvcc at ${CMAKE_CUDA_COMPILER} is ${CMAKE_CUDA_COMPILER_VERSION}, wanted 12.8 "
    "or later: install a newer toolkit or run `scripts/setup.sh --cuda` and set CUDACXX.")
endif()
