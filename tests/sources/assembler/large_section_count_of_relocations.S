//#Modes: pie nopie
//#Stdout: 300000
// One function with hundreds of thousands of relocations, of which a run applies all.
        .text
        .globl main
main:   push %rbx
        xor %esi, %esi
        .rept 300000
        add one(%rip), %esi
        .endr
        lea format(%rip), %rdi
        xor %eax, %eax
        call printf@PLT
        xor %eax, %eax
        pop %rbx
        ret

        .section .rodata
format: .asciz "%d\n"
        .data
one:    .long 1
        .section .note.GNU-stack, "", @progbits
