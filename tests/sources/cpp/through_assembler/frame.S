        .text
        .globl with_frame, with_saved_registers
        .type with_frame, @function
with_frame:
        .cfi_startproc
        push %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov %rsp, %rbp
        .cfi_def_cfa_register %rbp
        sub $4096, %rsp
        call *%rdi
        leave
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_endproc
        .type with_saved_registers, @function
with_saved_registers:
        .cfi_startproc
        push %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        mov $99, %ebx
        call *%rdi
        pop %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        ret
        .cfi_endproc
        .section .note.GNU-stack, "", @progbits
