        .data
        .globl records
        .balign 4096
records:
        .set i, 0
        .rept 3000
        .byte 0x90
        .quad target + i
        .long 0
        .set i, i + 1
        .endr

        .text
        .globl in_text
        .balign 4096
in_text:
        .set i, 0
        .rept 3000
        .byte 0x90
        .quad 0
        .long target + 2 * i - .
        .set i, i + 1
        .endr

        .bss
        .globl target
target: .zero 10000

        .section .note.GNU-stack, "", @progbits
