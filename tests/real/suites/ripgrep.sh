# cargo, with the configuration of the README.
system="cargo, config.toml" crate="ripgrep 14.1.1"
build() {
    mkdir -p "$dir/.cargo"
    printf '[target.x86_64-unknown-linux-gnu]\nlinker = "gcc"\nrustflags = ["-Clink-arg=-B%s"]\n' "$B" > "$dir/.cargo/config.toml"
    cargo build -j"$JOBS" --locked --tests --bins
}
check() { cargo test -j"$JOBS" --locked --no-fail-fast; }
after() { cp target/debug/rg rg-copy && ./rg-copy --version && ./rg-copy -c fn src tests crates; }
