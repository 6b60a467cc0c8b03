# Meson; programs that make the Unicode tables are built and run on the way.
system="meson, CC_LD, clang" source=fribidi
needs="meson ninja-build pkg-config clang"
configured="build/config.h build/lib/fribidi-config.h"
build() {
    CC=clang CC_LD=$B/ld meson setup build -Ddocs=false -Dprefix="$PWD/inst" -Dlibdir=lib
    ninja -C build -j"$JOBS"
}
check() { meson test -C build --print-errorlogs --num-processes "$JOBS"; }
after() { meson install -C build --strip && echo abc | LD_LIBRARY_PATH=inst/lib inst/bin/fribidi; }
