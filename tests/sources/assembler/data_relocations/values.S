        // The symbols are global and absolute, so that the assembler leaves the values to the linker.
        .globl value8, value16, value32, value32s, value64
        .set value8, 18
        .set value16, 4660
        .set value32, 0x12345678
        .set value32s, -2
        .set value64, 0x123456789abcdef0

        .data
        .globl abs8, abs16, abs32, abs32s, abs64, address32, address64, size64
        .globl pc8, pc16, pc32, pc64, text, unaligned, pointer_with_addend
abs64:  .quad value64
address64: .quad text
size64: .quad text@SIZE
pointer_with_addend: .quad text + 2
abs32:  .long value32
abs32s: .long value32s
address32: .long text
abs16:  .short value16
abs8:   .byte value8
        .balign 8
        .type text, @object
text:   .asciz "abcde"
        .size text, 6
        // A weak symbol is left to the linker even where the assembler knows the distance.
        .weak text
pc8:    .byte text - .
pc16:   .short text - .
pc32:   .long text - .
pc64:   .quad text - .
unaligned: .byte 1, 2, 3
        .quad text + 1

        .section .note.GNU-stack, "", @progbits
