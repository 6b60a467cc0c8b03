# What run.sh does with the C++ program: all its parts, an uncaught exception, a fault of its own.
MODES="pie nopie static static-pie"
execute() {
    step all "$1"
    step throw "$1" throw
    step crash "$1" crash
}
