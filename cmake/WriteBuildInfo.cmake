# Script (cmake -P): fills build_info.h.in with the commit and what the build was configured with.
# The file keeps its time when nothing changed, so that nothing is compiled again.
set(T3_COMMIT "unknown")
find_program(GIT git)
if(GIT AND EXISTS "${SOURCE_DIR}/.git")
  # safe.directory: a build as root in another user's clone still knows its commit.
  execute_process(
    COMMAND ${GIT} -c "safe.directory=*" describe --always --dirty --exclude=* --abbrev=12
    WORKING_DIRECTORY "${SOURCE_DIR}"
    OUTPUT_VARIABLE described RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT failed)
    set(T3_COMMIT "${described}")
  endif()
endif()
string(REPLACE "\"" "" T3_CUDA_ARCHS "${T3_CUDA_ARCHS}")
configure_file("${TEMPLATE}" "${OUTPUT}" @ONLY)
