# Gauges, pairs of Gaussians and results as JSON, shared by the command line tool and the fuzz targets.
if(NOT TARGET spectralot_cli_json)
  add_library(spectralot_cli_json STATIC
    ${CMAKE_CURRENT_LIST_DIR}/gauge_json.cpp ${CMAKE_CURRENT_LIST_DIR}/gaussian_json.cpp
    ${CMAKE_CURRENT_LIST_DIR}/json_fields.cpp ${CMAKE_CURRENT_LIST_DIR}/result_json.cpp)
  target_include_directories(spectralot_cli_json PUBLIC ${CMAKE_CURRENT_LIST_DIR})
  target_compile_definitions(spectralot_cli_json PRIVATE SPECTRALOT_VERSION="${PROJECT_VERSION}")
  target_link_libraries(spectralot_cli_json PUBLIC spectralot nlohmann_json::nlohmann_json PRIVATE spectralot_warnings)
endif()
