        .section .ctors, "aw", @progbits
        .balign 8
        .quad from_ctors
        .section .dtors, "aw", @progbits
        .balign 8
        .quad from_dtors
        .section .note.GNU-stack, "", @progbits
