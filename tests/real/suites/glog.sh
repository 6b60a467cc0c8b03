# CMake and GoogleTest; the library reads the symbols of the running program, and handles its signals.
system="cmake, CMAKE_*_LINKER_FLAGS=-B" source=google-glog
# It looks for the symbols of an address in the file that /proc/self/maps names for it; lazy code has none.
known="Symbolize|symbolize|LogBacktraceAt.DoesBacktrace|logging|check:"
needs="cmake make libgtest-dev libgmock-dev"
configured="build/CMakeCache.txt build/CMakeFiles/*/CMakeC*Compiler.cmake build/config.h"
build() {
    cmake -S . -B build -DBUILD_SHARED_LIBS=ON -DWITH_GFLAGS=OFF -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_EXE_LINKER_FLAGS="-B$B" -DCMAKE_SHARED_LINKER_FLAGS="-B$B" -DCMAKE_MODULE_LINKER_FLAGS="-B$B"
    cmake --build build -j"$JOBS"
}
check() { cd build && ctest --output-on-failure --verbose -j"$JOBS"; }
after() { cmake --install build --prefix "$PWD/inst" --strip; }
