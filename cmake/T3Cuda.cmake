# The CUDA compiler, and the targets t3_cuda (the toolkit's headers and the run-time library),
# t3_cublas and, where its front end is there, t3_cudnn.
# The compiler is the one named by CUDACXX or CMAKE_CUDA_COMPILER, an installed toolkit, or the one
# that scripts/setup.sh --cuda put into .deps. Code for sm_80 with PTX, which every later GPU
# translates, and sm_90a, whose instructions are chosen at run time.
set(T3_CUDA_MAJOR 13)  # libtorch's; its headers and libcudart are of this version
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(T3_NVCC nvcc
    HINTS /usr/local/cuda/bin "${PROJECT_SOURCE_DIR}/.deps/site/nvidia/cu${T3_CUDA_MAJOR}/bin")
  if(NOT T3_NVCC)
    message(FATAL_ERROR "T3_CUDA is ON and there is no nvcc: run `scripts/setup.sh --cuda`, install "
      "a CUDA ${T3_CUDA_MAJOR} toolkit, or set CUDACXX.")
  endif()
  set(CMAKE_CUDA_COMPILER "${T3_NVCC}")
endif()
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES "80;90a-real" CACHE STRING "Architectures of the CUDA code")
endif()
# One run-time library in the process, the one that libtorch loads.
set(CMAKE_CUDA_RUNTIME_LIBRARY None)
enable_language(CUDA)
# CMake 3.25 does not know that nvcc 13 has C++20.
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
if(NOT CMAKE_CUDA_COMPILER_VERSION MATCHES "^${T3_CUDA_MAJOR}\\.")
  message(FATAL_ERROR "nvcc at ${CMAKE_CUDA_COMPILER} is ${CMAKE_CUDA_COMPILER_VERSION}, wanted "
    "${T3_CUDA_MAJOR}.x as libtorch: run `scripts/setup.sh --cuda` and set "
    "CUDACXX=${PROJECT_SOURCE_DIR}/.deps/site/nvidia/cu${T3_CUDA_MAJOR}/bin/nvcc.")
endif()

find_library(T3_CUDART NAMES libcudart.so.${T3_CUDA_MAJOR} cudart
  PATHS "${T3_TORCH_DIR}/../nvidia/cu${T3_CUDA_MAJOR}/lib" NO_DEFAULT_PATH)
find_library(T3_CUDART NAMES libcudart.so.${T3_CUDA_MAJOR} cudart
  PATHS ${CMAKE_CUDA_IMPLICIT_LINK_DIRECTORIES} REQUIRED)
add_library(t3_cuda INTERFACE)
target_include_directories(t3_cuda SYSTEM INTERFACE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
target_link_libraries(t3_cuda INTERFACE "${T3_CUDART}")

# cuBLASLt, the one that libtorch loads; its headers are the toolkit's or the wheel's.
find_library(T3_CUBLASLT NAMES libcublasLt.so.${T3_CUDA_MAJOR} cublasLt
  PATHS "${T3_TORCH_DIR}/../nvidia/cu${T3_CUDA_MAJOR}/lib" NO_DEFAULT_PATH)
find_library(T3_CUBLASLT NAMES libcublasLt.so.${T3_CUDA_MAJOR} cublasLt
  PATHS ${CMAKE_CUDA_IMPLICIT_LINK_DIRECTORIES} REQUIRED)
add_library(t3_cublas INTERFACE)
target_link_libraries(t3_cublas INTERFACE t3_cuda "${T3_CUBLASLT}")

# cuDNN, the one that libtorch loads, by NVIDIA's header-only front end: include/ of the wheel
# nvidia-cudnn-frontend, which scripts/setup.sh --cuda unpacks beside libtorch.
set(T3_CUDNN_FRONTEND_DIR "" CACHE PATH "Folder with include/cudnn_frontend.h; empty: look for it")
set(site "${T3_TORCH_DIR}/..")
find_path(T3_CUDNN_FRONTEND_INCLUDE cudnn_frontend.h
  PATHS "${T3_CUDNN_FRONTEND_DIR}/include" "${site}/cudnn_frontend/include"
        "${PROJECT_SOURCE_DIR}/.deps/site/cudnn_frontend/include" NO_DEFAULT_PATH)
find_path(T3_CUDNN_INCLUDE cudnn.h PATHS "${site}/nvidia/cudnn/include"
  "${PROJECT_SOURCE_DIR}/.deps/site/nvidia/cudnn/include" NO_DEFAULT_PATH)
find_library(T3_CUDNN NAMES libcudnn.so.9 PATHS "${site}/nvidia/cudnn/lib" NO_DEFAULT_PATH)
if(T3_CUDNN_FRONTEND_INCLUDE AND T3_CUDNN_INCLUDE AND T3_CUDNN)
  add_library(t3_cudnn INTERFACE)
  target_include_directories(t3_cudnn SYSTEM INTERFACE
    "${T3_CUDNN_FRONTEND_INCLUDE}" "${T3_CUDNN_INCLUDE}")
  target_compile_definitions(t3_cudnn INTERFACE CUDNN_FRONTEND_SKIP_JSON_LIB)
  target_link_libraries(t3_cudnn INTERFACE t3_cuda "${T3_CUDNN}")
else()
  message(STATUS "cuDNN's front end: not found (T3_CUDNN_FRONTEND_DIR); convolutions are libtorch's")
endif()

# NCCL's header for c10d's process groups (src/parallel); the library is the one that libtorch loads.
find_path(T3_NCCL_INCLUDE nccl.h PATHS "${site}/nvidia/nccl/include"
  "${PROJECT_SOURCE_DIR}/.deps/site/nvidia/nccl/include" NO_DEFAULT_PATH)
find_path(T3_NCCL_INCLUDE nccl.h PATHS ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
if(T3_NCCL_INCLUDE)
  add_library(t3_nccl INTERFACE)
  target_include_directories(t3_nccl SYSTEM INTERFACE "${T3_NCCL_INCLUDE}")
  target_link_libraries(t3_nccl INTERFACE t3_cuda)
else()
  message(STATUS "NCCL's header: not found (T3_NCCL_INCLUDE); no run on several GPUs")
endif()
