# CMake with ninja, GoogleTest.
system="cmake, ninja, unfold run" source=yaml-cpp
needs="cmake ninja-build libgtest-dev libgmock-dev"
configured="build/CMakeCache.txt build/CMakeFiles/*/CMakeC*Compiler.cmake"
build() {
    under cmake -S . -B build -G Ninja -DYAML_BUILD_SHARED_LIBS=ON -DYAML_CPP_BUILD_TESTS=ON -DCMAKE_BUILD_TYPE=Debug
    under cmake --build build -j"$JOBS"
}
check() { cd build && ctest --verbose; }
after() { cmake --install build --prefix "$PWD/inst" --strip; }
