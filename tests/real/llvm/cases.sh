# What run.sh does with irc: compiles for several processors, compares the objects, and diagnoses a bad input.
# With EDITS, it links again over the first output with another version of one object.
MODES="pie nopie"
EDITS="1 2 0"
execute() {
    local triple
    cp "$REAL/llvm/"{small,large,broken}.ll .
    for triple in x86_64-linux-gnu aarch64-linux-gnu riscv64-linux-gnu wasm32-unknown-unknown powerpc64le-linux-gnu; do
        step "$triple" "$1" small.ll "$triple" "$triple.o"
    done
    step large "$1" large.ll x86_64-linux-gnu large.o
    step broken "$1" broken.ll x86_64-linux-gnu broken.o
    step nowhere "$1" small.ll nonsense nowhere.o
    step usage "$1"
}
