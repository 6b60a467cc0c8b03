//! Code -> whether it makes system calls itself that may be about signals. The loader stands in front of libc's functions
//! (`shared::guards`), not in front of the instruction.

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, OpKind, Register,
};

/// The instruction `syscall`.
const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// System calls that take signals, or the means to serve them, away from the pager: rt_sigaction, rt_sigprocmask,
/// rt_sigtimedwait, rt_sigsuspend, mlockall, prctl, pselect6, ppoll, epoll_pwait, signalfd, signalfd4, seccomp,
/// epoll_pwait2 (arch/x86/entry/syscalls/syscall_64.tbl).
const ABOUT_SIGNALS: [u64; 13] = [13, 14, 128, 130, 151, 157, 270, 271, 281, 282, 289, 317, 441];

/// Whether a section of code has such a call, or one whose number is not to be seen. The section begins with an
/// instruction, as compilers' do; data among the code may hide what follows it, or look like a call.
pub fn may_be_about_signals(code: &[u8]) -> bool {
    if memchr::memmem::find(code, &SYSCALL).is_none() {
        return false;
    }
    let mut decoder = Decoder::new(64, code, DecoderOptions::NONE);
    let mut info = InstructionInfoFactory::new();
    let mut instruction = Instruction::default();
    // What is in rax, as far as this run of instructions says.
    let mut number: Option<u64> = None;
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        match instruction.code() {
            Code::Syscall => {
                if number.is_none_or(|number| ABOUT_SIGNALS.contains(&number)) {
                    return true;
                }
                // The result.
                number = None;
            }
            _ if instruction.is_invalid() => number = None,
            _ => number = after(&instruction, number, &mut info),
        }
    }
    false
}

/// Whether code of a library has such a call, going by what compilers make of one: its number is put into eax shortly
/// before it. A library is not decoded, which would take long and need to know where its functions begin.
pub fn seems_to_be_about_signals(code: &[u8]) -> bool {
    const SHORTLY: usize = 32;
    // mov $number, %eax, or %rax
    const MOVES: [&[u8]; 2] = [&[0xb8], &[0x48, 0xc7, 0xc0]];
    memchr::memmem::find_iter(code, &SYSCALL).any(|at| {
        let before = &code[at.saturating_sub(SHORTLY)..at];
        ABOUT_SIGNALS.iter().any(|number| {
            let number = (*number as u32).to_le_bytes();
            MOVES.iter().any(|code| memchr::memmem::find(before, &[*code, &number].concat()).is_some())
        })
    })
}

/// What is in rax behind an instruction that finds `number` there.
fn after(instruction: &Instruction, number: Option<u64>, info: &mut InstructionInfoFactory) -> Option<u64> {
    if !matches!(instruction.flow_control(), FlowControl::Next | FlowControl::ConditionalBranch) {
        return None;
    }
    let is_rax = |register: Register| register.is_gpr() && register.full_register() == Register::RAX;
    let writes = info.info(instruction).used_registers().iter().any(|used| {
        is_rax(used.register())
            && !matches!(used.access(), iced_x86::OpAccess::Read | iced_x86::OpAccess::CondRead)
    });
    if !writes {
        return number;
    }
    let is_register =
        |operand: u32| instruction.op_count() > operand && instruction.op_kind(operand) == OpKind::Register;
    let to_rax =
        is_register(0) && is_rax(instruction.op0_register()) && instruction.op0_register().size() >= 4;
    match instruction.code() {
        Code::Mov_r32_imm32 | Code::Mov_rm32_imm32 if to_rax => Some(instruction.immediate32().into()),
        Code::Mov_r64_imm64 | Code::Mov_rm64_imm32 if to_rax => Some(instruction.immediate(1)),
        Code::Xor_rm32_r32 | Code::Xor_r32_rm32
            if to_rax && is_register(1) && is_rax(instruction.op1_register()) =>
        {
            Some(0)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::may_be_about_signals;

    /// `mov $number, %eax; mov %rbx, %rdi; syscall; ret`
    fn call(number: u8) -> Vec<u8> {
        vec![0xb8, number, 0, 0, 0, 0x48, 0x89, 0xdf, 0x0f, 0x05, 0xc3]
    }

    #[test]
    fn the_number_decides() {
        assert!(may_be_about_signals(&call(14)));
        assert!(!may_be_about_signals(&call(1)));
        // xor %eax, %eax; syscall: read
        assert!(!may_be_about_signals(&[0x31, 0xc0, 0x0f, 0x05]));
    }

    #[test]
    fn an_unknown_number_may_be_any() {
        // mov %rdi, %rax; syscall
        assert!(may_be_about_signals(&[0x48, 0x89, 0xf8, 0x0f, 0x05]));
        // The result of one call is the number of the next.
        assert!(may_be_about_signals(&[call(1), vec![0x0f, 0x05]].concat()));
        // mov $1, %eax; call somewhere; syscall
        assert!(may_be_about_signals(&[0xb8, 1, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0x0f, 0x05]));
    }

    #[test]
    fn a_call_of_a_library_is_seen() {
        assert!(super::seems_to_be_about_signals(&call(13)));
        assert!(!super::seems_to_be_about_signals(&call(1)));
    }

    #[test]
    fn operands_are_no_calls() {
        // mov $0x050f, %ebx; add 0x50f(%rax), %ecx
        assert!(!may_be_about_signals(&[0xbb, 0x0f, 0x05, 0, 0, 0x03, 0x88, 0x0f, 0x05, 0, 0]));
    }
}
