# cargo; procedural macros (clap, test-case), jemalloc configured and built by a build script.
system="cargo, unfold run" crate="fd-find 10.5.0"
needs="make"
export_linker() { [ "$side" = unfold ] || export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=gcc; }
build() { export_linker; under cargo build -j"$JOBS" --locked --tests --bins; }
check() { export_linker; under cargo test -j"$JOBS" --locked --no-fail-fast; }
