        .macro function name
        .globl \name
        .type \name, @function
\name:
        .endm

        .text
        function by_plt
        sub $8, %rsp
        call seven@PLT
        add $8, %rsp
        ret
        function by_got
        sub $8, %rsp
        mov seven@GOTPCREL(%rip), %rax
        call *%rax
        add $8, %rsp
        ret
        function by_relaxable
        jmp *seven@GOTPCREL(%rip)
        function by_local
        mov five(%rip), %eax
        ret
        function by_section
        mov .Lsix(%rip), %eax
        ret
        function pc64
        lea place(%rip), %rax
        add place(%rip), %rax
        lea five(%rip), %rcx
        cmp %rax, %rcx
        sete %al
        movzbl %al, %eax
        ret
        function pc32
        lea short_place(%rip), %rax
        movslq short_place(%rip), %rcx
        add %rcx, %rax
        lea five(%rip), %rcx
        cmp %rax, %rcx
        sete %al
        movzbl %al, %eax
        ret
        function difference
        mov distance(%rip), %eax
        ret
        function weak_is_null
        xor %eax, %eax
        cmpq $0, weak_pointer(%rip)
        jne 1f
        mov nowhere@GOTPCREL(%rip), %rcx
        test %rcx, %rcx
        jne 1f
        inc %eax
1:      ret
        .weak nowhere

        .data
        .balign 8
five:   .long 5
.Lsix:  .long 6
        .long 11, 12, 13
        .globl words
words:  .quad five + 8, .Lsix + 8, five + 16
        .type words, @object
        .size words, 24
distance: .long words - five - 12
weak_pointer: .quad nowhere
        .section .rodata
        .balign 8
place:  .quad five - .
short_place: .long five - .
        .section .note.GNU-stack, "", @progbits
