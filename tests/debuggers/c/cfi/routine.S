        .text
        .globl routine
        .type routine, @function
# Its frame is found by what .cfi says alone: the stack pointer moves, and there is no frame pointer.
routine:
        .cfi_startproc
        push %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        sub $48, %rsp
        .cfi_adjust_cfa_offset 48
        mov %rdi, %rax
        mov %esi, %edi
        mov $77, %ebx
        call *%rax
        add %eax, %eax
        add $48, %rsp
        .cfi_adjust_cfa_offset -48
        pop %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        ret
        .cfi_endproc
        .size routine, . - routine
        .section .note.GNU-stack, "", @progbits
