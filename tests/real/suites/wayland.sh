# Meson; the scanner that is built first writes code for the rest.
system="meson, unfold run" source=wayland
needs="meson ninja-build pkg-config libexpat1-dev libffi-dev libxml2-dev"
configured="build/config.h build/meson-info/intro-dependencies.json"
build() {
    under meson setup build -Ddocumentation=false -Dprefix="$PWD/inst" -Dlibdir=lib
    under ninja -C build -j"$JOBS"
}
check() { XDG_RUNTIME_DIR=$(mktemp -d) meson test -C build --no-rebuild --print-errorlogs --num-processes "$JOBS"; }
after() { meson install -C build --no-rebuild --strip && inst/bin/wayland-scanner --version; }
