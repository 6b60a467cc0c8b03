# cargo; procedural macros (serde, thiserror, clap), a build script that runs clap.
system="cargo, unfold run" crate="hyperfine 1.19.0"
export_linker() { [ "$side" = unfold ] || export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=gcc; }
build() { export_linker; under cargo build -j"$JOBS" --locked --tests --bins; }
check() { export_linker; under cargo test -j"$JOBS" --locked --no-fail-fast; }
after() { target/debug/hyperfine -N --runs 3 true; }
