# What run.sh does with the cargo program: all of it, a panic that ends it, an abort.
MODES="pie nopie static"
INDEX=(index) # cargo chooses where the output lies: an index of our own
execute() {
    step all "$1" a b c
    step panic "$1" panic
    step abort "$1" abort
    RAYON_NUM_THREADS=16 step many "$1"
}
