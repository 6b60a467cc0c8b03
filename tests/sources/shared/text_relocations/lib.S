        # Read-only data with an address: the dynamic linker has to write to it.
        .section .rodata
        .globl table
        .type table, @object
table:  .quad value
        .size table, .-table
        .data
value:  .quad 42
        .text
        .globl read_table
        .type read_table, @function
read_table:
        mov table@GOTPCREL(%rip), %rax
        mov (%rax), %rax
        mov (%rax), %rax
        ret
        .section .note.GNU-stack, "", @progbits
