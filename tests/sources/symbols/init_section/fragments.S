        .section .init, "ax", @progbits
        call from_init
        .section .fini, "ax", @progbits
        call from_fini
        .section .note.GNU-stack, "", @progbits
