//! Relocation types of the psABI -> kinds of edits, and what each asks of its symbol.

use object::elf;
use shared::edit::Kind;
use shared::record::uses;

/// A relocation understood: what to write, what the symbol has to offer, and whether the relocation behind it
/// is the call of the same thread-local sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Understood {
    pub kind: Kind,
    pub uses: u32,
    pub call_follows: bool,
}

impl Understood {
    /// The call of a thread-local sequence, which relaxing the sequence overwrites.
    pub fn as_thread_local_call(self) -> Result<Self, Refusal> {
        match self.kind {
            Kind::Call | Kind::Pc32 => Ok(Self { kind: Kind::TlsCall, uses: uses::TLS_CALL, ..self }),
            Kind::GotCall | Kind::GotPcRel => {
                Ok(Self { kind: Kind::TlsCallIndirect, uses: uses::TLS_CALL_INDIRECT, ..self })
            }
            _ => Err(Refusal::UnknownSequence),
        }
    }
}

/// Why a relocation is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    UnknownType,
    /// A thread-local access that is not one of the sequences of the psABI, and so cannot be relaxed.
    UnknownSequence,
}

/// What relocation type `kind` at `offset` of a section means. `writable`: the section is data that the
/// dynamic linker may relocate.
pub fn understand(
    kind: u32,
    code: &[u8],
    offset: usize,
    writable: bool,
) -> Result<Option<Understood>, Refusal> {
    let before = |bytes: usize| offset.checked_sub(bytes).and_then(|start| code.get(start..offset));
    let simple = |kind, uses| Ok(Some(Understood { kind, uses, call_follows: false }));
    let abs64 = if writable { uses::ABS64_DATA } else { uses::ABS64_READ_ONLY };
    match kind {
        elf::R_X86_64_NONE => Ok(None),
        elf::R_X86_64_64 => simple(Kind::Abs64, abs64),
        elf::R_X86_64_32 => simple(Kind::Abs32, uses::ABS32),
        elf::R_X86_64_32S => simple(Kind::Abs32S, uses::ABS32),
        elf::R_X86_64_16 => simple(Kind::Abs16, uses::ABS32),
        elf::R_X86_64_8 => simple(Kind::Abs8, uses::ABS32),
        elf::R_X86_64_PC64 => simple(Kind::Pc64, uses::PC_RELATIVE),
        elf::R_X86_64_PC32 => simple(Kind::Pc32, uses::PC_RELATIVE),
        elf::R_X86_64_PC16 => simple(Kind::Pc16, uses::PC_RELATIVE),
        elf::R_X86_64_PC8 => simple(Kind::Pc8, uses::PC_RELATIVE),
        elf::R_X86_64_PLT32 => simple(Kind::Call, uses::CALL),
        elf::R_X86_64_PLTOFF64 => simple(Kind::PltOff64, uses::CALL),
        elf::R_X86_64_GOTPCREL => simple(Kind::GotPcRel, uses::GOT),
        elf::R_X86_64_GOTPCRELX => match before(2) {
            // mov foo@GOTPCREL(%rip), %reg
            Some([0x8b, _]) => simple(Kind::GotMov, uses::GOT_RELAXABLE),
            // call *foo@GOTPCREL(%rip)
            Some([0xff, 0x15]) => simple(Kind::GotCall, uses::GOT_RELAXABLE),
            // jmp *foo@GOTPCREL(%rip)
            Some([0xff, 0x25]) => simple(Kind::GotJmp, uses::GOT_RELAXABLE),
            _ => simple(Kind::GotPcRel, uses::GOT),
        },
        elf::R_X86_64_REX_GOTPCRELX => match before(3) {
            // mov foo@GOTPCREL(%rip), %reg
            Some([_, 0x8b, _]) => simple(Kind::GotMov, uses::GOT_RELAXABLE),
            _ => simple(Kind::GotPcRel, uses::GOT),
        },
        elf::R_X86_64_GOTPCREL64 => simple(Kind::GotPcRel64, uses::GOT),
        elf::R_X86_64_GOT64 | elf::R_X86_64_GOTPLT64 => simple(Kind::Got64, uses::GOT),
        elf::R_X86_64_GOTOFF64 => simple(Kind::GotOff64, uses::PC_RELATIVE),
        elf::R_X86_64_GOTPC32 => simple(Kind::GotPc32, 0),
        elf::R_X86_64_GOTPC64 => simple(Kind::GotPc64, 0),
        elf::R_X86_64_TPOFF32 => simple(Kind::TpOff32, uses::TLS_LOCAL),
        elf::R_X86_64_TPOFF64 => simple(Kind::TpOff64, uses::TLS_LOCAL),
        elf::R_X86_64_DTPOFF32 => simple(Kind::DtpOff32, uses::TLS_OFFSET),
        elf::R_X86_64_DTPOFF64 => simple(Kind::DtpOff64, uses::TLS_OFFSET),
        elf::R_X86_64_GOTTPOFF => match before(3) {
            // mov foo@gottpoff(%rip), %reg
            Some([0x48 | 0x4c, 0x8b, modrm]) if modrm & 0xc7 == 5 => {
                simple(Kind::GotTpOffMov, uses::TLS_INITIAL)
            }
            // add foo@gottpoff(%rip), %reg
            Some([0x48 | 0x4c, 0x03, modrm]) if modrm & 0xc7 == 5 => {
                simple(Kind::GotTpOffAdd, uses::TLS_INITIAL)
            }
            _ => simple(Kind::GotTpOff, uses::TLS_INITIAL_FIXED),
        },
        elf::R_X86_64_TLSGD => {
            let behind = code.get(offset + 4..offset + 8);
            // data16 lea foo@tlsgd(%rip), %rdi
            let lea = before(4) == Some(&[0x66, 0x48, 0x8d, 0x3d]);
            // data16 data16 rex.W call __tls_get_addr, or data16 rex.W call *...(%rip)
            let call = matches!(behind, Some([0x66, 0x66, 0x48, 0xe8] | [0x66, 0x48, 0xff, 0x15]));
            if !lea || !call {
                return Err(Refusal::UnknownSequence);
            }
            Ok(Some(Understood { kind: Kind::TlsGd, uses: uses::TLS_DYNAMIC, call_follows: true }))
        }
        elf::R_X86_64_TLSLD => {
            // lea foo@tlsld(%rip), %rdi
            if before(3) != Some(&[0x48, 0x8d, 0x3d]) {
                return Err(Refusal::UnknownSequence);
            }
            let kind = match code.get(offset + 4..offset + 6) {
                // call __tls_get_addr
                Some([0xe8, _]) => Kind::TlsLd,
                // call *__tls_get_addr@GOTPCREL(%rip)
                Some([0xff, 0x15]) => Kind::TlsLdIndirect,
                _ => return Err(Refusal::UnknownSequence),
            };
            Ok(Some(Understood { kind, uses: 0, call_follows: true }))
        }
        elf::R_X86_64_GOTPC32_TLSDESC => match before(3) {
            // lea foo@tlsdesc(%rip), %reg
            Some([0x48 | 0x4c, 0x8d, modrm]) if modrm & 0xc7 == 5 => {
                simple(Kind::TlsDescLea, uses::TLS_DESCRIPTOR)
            }
            _ => Err(Refusal::UnknownSequence),
        },
        elf::R_X86_64_TLSDESC_CALL => simple(Kind::TlsDescCall, 0),
        _ => Err(Refusal::UnknownType),
    }
}

/// The psABI's name of a relocation type.
pub fn name(kind: u32) -> String {
    let name = match kind {
        elf::R_X86_64_64 => "R_X86_64_64",
        elf::R_X86_64_32 => "R_X86_64_32",
        elf::R_X86_64_32S => "R_X86_64_32S",
        elf::R_X86_64_16 => "R_X86_64_16",
        elf::R_X86_64_8 => "R_X86_64_8",
        elf::R_X86_64_PC32 => "R_X86_64_PC32",
        elf::R_X86_64_PLT32 => "R_X86_64_PLT32",
        elf::R_X86_64_TLSGD => "R_X86_64_TLSGD",
        elf::R_X86_64_TLSLD => "R_X86_64_TLSLD",
        elf::R_X86_64_GOTPC32_TLSDESC => "R_X86_64_GOTPC32_TLSDESC",
        _ => return format!("relocation type {kind:#x}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn got_loads_are_told_apart_by_their_instruction() {
        let kind = |kind, code: &[u8], offset| understand(kind, code, offset, false).unwrap().unwrap().kind;
        let mov = [0x48, 0x8b, 0x05, 0, 0, 0, 0];
        assert_eq!(kind(elf::R_X86_64_REX_GOTPCRELX, &mov, 3), Kind::GotMov);
        let call = [0xff, 0x15, 0, 0, 0, 0];
        assert_eq!(kind(elf::R_X86_64_GOTPCRELX, &call, 2), Kind::GotCall);
        let push = [0xff, 0x35, 0, 0, 0, 0];
        assert_eq!(kind(elf::R_X86_64_GOTPCRELX, &push, 2), Kind::GotPcRel);
        assert_eq!(kind(elf::R_X86_64_GOTPCRELX, &[0; 1], 0), Kind::GotPcRel);
    }

    #[test]
    fn thread_local_sequences_must_be_whole() {
        let mut code = [0x66, 0x48, 0x8d, 0x3d, 0, 0, 0, 0, 0x66, 0x66, 0x48, 0xe8, 0, 0, 0, 0];
        assert!(understand(elf::R_X86_64_TLSGD, &code, 4, false).unwrap().unwrap().call_follows);
        code[8] = 0x90;
        assert_eq!(understand(elf::R_X86_64_TLSGD, &code, 4, false), Err(Refusal::UnknownSequence));
    }
}
