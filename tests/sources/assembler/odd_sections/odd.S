        .globl first, second, third, fourth, empty, zero_filled
        .section .rodata.one, "a", @progbits
        .balign 4
first:  .long 1
        .byte 0
        .section .rodata.one, "a", @progbits
        .balign 4
second: .long 2
        .section .data.empty, "aw", @progbits
empty:
        .section .rodata.cst16, "aM", @progbits, 16
        .balign 16
third:  .long 3, 0, 0, 0
        .section .text.second, "ax", @progbits
        .balign 128
fourth: mov $4, %eax
        ret
        .section .tm_clone_table.not, "aw", @nobits
        .balign 32
zero_filled: .zero 100
        .section .note.GNU-stack, "", @progbits
