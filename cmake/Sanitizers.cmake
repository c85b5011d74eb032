# -DAX_SANITIZE=address,undefined or =thread; the fuzzing build adds libFuzzer's coverage (clang only).
add_library(ax_sanitizers INTERFACE)
if(AX_SANITIZE)
  target_compile_options(ax_sanitizers INTERFACE -fsanitize=${AX_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(ax_sanitizers INTERFACE -fsanitize=${AX_SANITIZE})
endif()
if(AX_FUZZ)
  target_compile_options(ax_sanitizers INTERFACE -fsanitize=fuzzer-no-link)
endif()
