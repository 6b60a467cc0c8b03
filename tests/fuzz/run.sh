#!/usr/bin/env bash
# Fuzzes everything that reads files which another may have made or damaged.
#
#   tests/fuzz/run.sh [SECONDS [TARGET...]]
#
# Runs each target (tests/fuzz/targets/*.rs), or those that are named, for so long: a minute, if nothing is said. What makes
# a target fail is put into tests/fuzz/artifacts/TARGET; the target goes on behind it, and the script fails at the end. To
# see a failure again:
#
#   tests/fuzz/run.sh 0 TARGET                                           builds the targets
#   tests/fuzz/target/x86_64-unknown-linux-gnu/release/TARGET FILE
#
# What was found interesting stays in tests/fuzz/corpus, from which the next run goes on. Needs gcc, binutils and python3,
# and installs cargo-fuzz. The sanitizer is an unstable option of rustc, which the variable below lets a stable one have.
set -euo pipefail
cd "$(dirname "$0")"
export RUSTC_BOOTSTRAP=1

duration=${1:-60}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for file in targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz
cargo build --release --manifest-path ../../Cargo.toml
cargo fuzz build --fuzz-dir . --target x86_64-unknown-linux-gnu
bin=$PWD/target/x86_64-unknown-linux-gnu/release
[ "$duration" -gt 0 ] || exit 0
./seeds.py "${CARGO_TARGET_DIR:-../../target}/release/ld.unfold"

# A link of hostile input takes no second, and what is read no more memory than a few times its size.
options=(-timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 -max_len=20000 -print_final_stats=1)
failed=0
for target in "${targets[@]}"; do
    corpus=$PWD/corpus/$target artifacts=$PWD/artifacts/$target
    mkdir -p "$corpus" "$artifacts"
    dictionary=()
    [ ! -f "$target.dict" ] || dictionary=("-dict=$PWD/$target.dict")
    end=$(($(date +%s) + duration))
    while left=$((end - $(date +%s))) && [ "$left" -gt 0 ]; do
        echo "== $target: $left seconds"
        # In a folder of its own: a target may be told to write somewhere.
        (cd "$artifacts" && "$bin/$target" "${options[@]}" "${dictionary[@]}" -max_total_time="$left" \
            -artifact_prefix="$artifacts/" "$corpus") || failed=1
    done
done
exit "$failed"
