# libtorch as the target t3_torch. find_package(Torch) of the wheel stops without a CUDA toolkit,
# so the libraries are imported by name: torch_cpu and c10, with torch_cuda and c10_cuda under T3_CUDA.
set(T3_TORCH_WANTED 2.11.0)
if(NOT EXISTS "${T3_TORCH_DIR}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "libtorch is not at T3_TORCH_DIR=${T3_TORCH_DIR} "
    "(wanted ${T3_TORCH_DIR}/lib/libtorch_cpu.so). Run scripts/setup.sh, or pass "
    "-DT3_TORCH_DIR=.../site-packages/torch of torch ${T3_TORCH_WANTED}.")
endif()

set(version_header "${T3_TORCH_DIR}/include/torch/headeronly/version.h")
if(EXISTS "${version_header}")
  file(STRINGS "${version_header}" lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX MATCHALL "[0-9]+" numbers "${lines}")
  list(JOIN numbers "." T3_TORCH_VERSION)
endif()
if(NOT T3_TORCH_VERSION VERSION_EQUAL T3_TORCH_WANTED)
  message(FATAL_ERROR "libtorch at T3_TORCH_DIR=${T3_TORCH_DIR} has version "
    "'${T3_TORCH_VERSION}', wanted ${T3_TORCH_WANTED} (its kernels and ABI are what was tested).")
endif()

add_library(t3_torch INTERFACE)
# Searched last: the wheel brings headers of its own fmt, google/ and others, which must not hide
# the system's.
foreach(folder "${T3_TORCH_DIR}/include" "${T3_TORCH_DIR}/include/torch/csrc/api/include")
  target_compile_options(t3_torch INTERFACE
    "SHELL:$<$<COMPILE_LANGUAGE:CXX>:-idirafter ${folder}>"
    "SHELL:$<$<COMPILE_LANGUAGE:CUDA>:-isystem ${folder}>")
endforeach()
target_compile_definitions(t3_torch INTERFACE AT_PER_OPERATOR_HEADERS)
# Without -fopenmp at::parallel_for, a template, runs on one thread in our own files. The runtime
# linked is the one libtorch was built with; a second OpenMP runtime would have its own threads.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND EXISTS "${T3_TORCH_DIR}/lib/libgomp.so.1")
  target_compile_options(t3_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
  target_link_libraries(t3_torch INTERFACE "${T3_TORCH_DIR}/lib/libgomp.so.1")
endif()
# The C++ library that libtorch loads, also where the compiler links its own statically: with two of
# them in a process, one frees what the other has allocated.
add_library(t3_cxx_library INTERFACE)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_link_libraries(t3_cxx_library INTERFACE -l:libstdc++.so.6)
endif()
target_link_libraries(t3_torch INTERFACE t3_cxx_library)
set(T3_TORCH_LIBS torch_cpu c10)
if(T3_CUDA)
  list(APPEND T3_TORCH_LIBS torch_cuda c10_cuda)
  target_link_libraries(t3_torch INTERFACE t3_cuda)
endif()
target_link_options(t3_torch INTERFACE -Wl,--no-as-needed -Wl,--allow-shlib-undefined)
foreach(lib ${T3_TORCH_LIBS})
  target_link_libraries(t3_torch INTERFACE "${T3_TORCH_DIR}/lib/lib${lib}.so")
endforeach()
list(APPEND CMAKE_BUILD_RPATH "${T3_TORCH_DIR}/lib")
