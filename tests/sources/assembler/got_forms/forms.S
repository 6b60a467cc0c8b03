        // Each routine gets the address that it should find in %rdi and returns 1 if it did.
        .macro routine name
        .globl \name
        .type \name, @function
\name:
        .endm
        .macro answer                   // 1 if the last comparison found equality
        sete %al
        movzbl %al, %eax
        ret
        .endm

        .macro forms which
        routine \which\()_mov
        mov \which\()_variable@GOTPCREL(%rip), %rax
        cmp %rax, %rdi
        answer
        routine \which\()_call
        sub $8, %rsp
        call *\which\()_function@GOTPCREL(%rip)
        add $8, %rsp
        cltq
        ret
        routine \which\()_jmp
        jmp *\which\()_function@GOTPCREL(%rip)
        routine \which\()_test          // address & ~address is zero
        mov %rdi, %r11
        not %r11
        test %r11, \which\()_variable@GOTPCREL(%rip)
        answer
        routine \which\()_add           // -address + address
        mov %rdi, %r10
        neg %r10
        add \which\()_variable@GOTPCREL(%rip), %r10
        answer
        routine \which\()_sub
        mov %rdi, %r9
        sub \which\()_variable@GOTPCREL(%rip), %r9
        answer
        routine \which\()_cmp
        mov %rdi, %rdx
        cmp \which\()_variable@GOTPCREL(%rip), %rdx
        answer
        routine \which\()_push
        push \which\()_variable@GOTPCREL(%rip)
        pop %rcx
        cmp %rcx, %rdi
        answer
        routine \which\()_adc           // -address - 1 + carry + address
        mov %rdi, %r8
        not %r8
        stc
        adc \which\()_variable@GOTPCREL(%rip), %r8
        cmp $0, %r8
        answer
        routine \which\()_and           // all ones & address
        mov $-1, %rsi
        and \which\()_variable@GOTPCREL(%rip), %rsi
        cmp %rsi, %rdi
        answer
        routine \which\()_or
        xor %edx, %edx
        or \which\()_variable@GOTPCREL(%rip), %rdx
        cmp %rdx, %rdi
        answer
        routine \which\()_sbb
        mov %rdi, %rax
        clc
        sbb \which\()_variable@GOTPCREL(%rip), %rax
        answer
        routine \which\()_xor
        mov %rdi, %r11
        xor \which\()_variable@GOTPCREL(%rip), %r11
        answer
        routine \which\()_imul          // 1 * address
        mov $1, %eax
        imul \which\()_variable@GOTPCREL(%rip), %rax
        cmp %rax, %rdi
        answer
        routine \which\()_movl          // without a REX prefix: the low half of the slot
        movl \which\()_variable@GOTPCREL(%rip), %eax
        cmp %eax, %edi
        answer
        .endm

        .text
        forms local
        forms library

        .section .note.GNU-stack, "", @progbits
