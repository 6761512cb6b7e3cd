# SPECTRALOT_SANITIZE: a comma-separated list for -fsanitize=, applied to everything that is compiled here.
set(SPECTRALOT_SANITIZE "" CACHE STRING "Sanitizers for the whole build, for example address,undefined")
if(SPECTRALOT_SANITIZE)
  add_compile_options(-fsanitize=${SPECTRALOT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SPECTRALOT_SANITIZE})
  # Range checks of the standard containers belong to the same hunt.
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()
