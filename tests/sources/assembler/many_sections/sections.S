        .altmacro
        .macro one number
        .section .rodata.s\number, "a", @progbits
        .long \number
        .endm

        .section .rodata.s0, "a", @progbits
        .globl first_section
first_section:
        .set i, 0
        .rept 70000
        one %i
        .set i, i + 1
        .endr
        .section .rodata.s69999
        .globl last_section
        .set last_section, . - 4
        .section .note.GNU-stack, "", @progbits
