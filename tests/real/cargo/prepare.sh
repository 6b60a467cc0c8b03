# A cargo workspace with real dependencies: copied (so that cargo writes nothing here) and fetched.
out=$REAL/cargo
command -v cargo >/dev/null || die "cargo is needed"
mkdir -p "$out/src"
for f in Cargo.toml Cargo.lock words/Cargo.toml words/src/lib.rs tally/Cargo.toml tally/src/main.rs; do
    mkdir -p "$(dirname "$out/src/$f")"
    cmp -s "$HERE/cargo/$f" "$out/src/$f" || cp "$HERE/cargo/$f" "$out/src/$f"
done
(cd "$out/src" && cargo fetch --locked --quiet)
cp "$HERE/cargo/link.sh" "$out/"
