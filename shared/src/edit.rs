//! What a relocation writes.
//!
//! The names and formulas are those of the psABI for x86-64, section 4.4 ("Relocation"): S is the value of
//! the symbol, A the addend, P the place, G the address of the symbol's GOT entry, GOT the address of
//! `_GLOBAL_OFFSET_TABLE_`, T the end of the thread-local block that `@tpoff` counts from.
//!
//! Which relaxations are *possible* is found from the instruction when an object is registered, and kept as
//! the kind of the edit. Whether one is *done* depends on where the symbol turned out to be, and is decided
//! here. To add a relocation: a row in [`Kind`], a row in [`evaluate`], and a row in the linker's
//! table of relocation types.

use crate::addr::ImageAddr;

/// Kinds of edits. The discriminant is stored in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    Abs64 = 0,
    /// Zero-extended when it is used (`R_X86_64_32`).
    Abs32,
    /// Sign-extended when it is used (`R_X86_64_32S`).
    Abs32S,
    Abs16,
    Abs8,
    Pc64,
    Pc32,
    Pc16,
    Pc8,
    /// `R_X86_64_PLT32`.
    Call,
    GotPcRel,
    /// `mov foo@GOTPCREL(%rip), %reg`, which can become `lea foo(%rip), %reg`.
    GotMov,
    /// `call *foo@GOTPCREL(%rip)`, which can become `addr32 call foo`.
    GotCall,
    /// `jmp *foo@GOTPCREL(%rip)`, which can become `jmp foo; nop`.
    GotJmp,
    GotPcRel64,
    Got64,
    GotOff64,
    GotPc32,
    GotPc64,
    PltOff64,
    TpOff32,
    TpOff64,
    DtpOff32,
    DtpOff64,
    GotTpOff,
    /// `mov foo@gottpoff(%rip), %reg`, which can become `mov $foo@tpoff, %reg`.
    GotTpOffMov,
    /// `add foo@gottpoff(%rip), %reg`, which can become `add $foo@tpoff, %reg`.
    GotTpOffAdd,
    /// General dynamic: `data16 lea foo@tlsgd(%rip), %rdi` and the call behind it, 16 bytes.
    TlsGd,
    /// Local dynamic: `lea foo@tlsld(%rip), %rdi; call __tls_get_addr@plt`, 12 bytes.
    TlsLd,
    /// The same with `call *__tls_get_addr@GOTPCREL(%rip)`, 13 bytes.
    TlsLdIndirect,
    /// `lea foo@tlsdesc(%rip), %reg`.
    TlsDescLea,
    /// `call *foo@tlscall(%rax)`.
    TlsDescCall,
    /// The call of [`Kind::TlsGd`] and [`Kind::TlsLd`], which they overwrite in an executable.
    TlsCall,
    /// The same through a GOT entry.
    TlsCallIndirect,
    /// The address of the image's own definition, whoever the dynamic linker binds the symbol to.
    Own64,
}

impl Kind {
    const ALL: [Self; 35] = [
        Self::Abs64,
        Self::Abs32,
        Self::Abs32S,
        Self::Abs16,
        Self::Abs8,
        Self::Pc64,
        Self::Pc32,
        Self::Pc16,
        Self::Pc8,
        Self::Call,
        Self::GotPcRel,
        Self::GotMov,
        Self::GotCall,
        Self::GotJmp,
        Self::GotPcRel64,
        Self::Got64,
        Self::GotOff64,
        Self::GotPc32,
        Self::GotPc64,
        Self::PltOff64,
        Self::TpOff32,
        Self::TpOff64,
        Self::DtpOff32,
        Self::DtpOff64,
        Self::GotTpOff,
        Self::GotTpOffMov,
        Self::GotTpOffAdd,
        Self::TlsGd,
        Self::TlsLd,
        Self::TlsLdIndirect,
        Self::TlsDescLea,
        Self::TlsDescCall,
        Self::TlsCall,
        Self::TlsCallIndirect,
        Self::Own64,
    ];

    /// The kind stored as `number`.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// No edit writes further than this before or behind the relocated field.
pub const REACH: u64 = 16;

/// What an edit refers to, as the plan says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target {
    /// S.
    pub value: u64,
    /// G.
    pub got: Option<ImageAddr>,
    /// L, where it is not S.
    pub plt: Option<ImageAddr>,
    /// The GOT entries of a thread-local symbol of a shared library: module and offset, and descriptor.
    pub tls_pair: Option<ImageAddr>,
    pub tls_descriptor: Option<ImageAddr>,
    /// Defined in the image, at an address that relative operands reach.
    pub near: bool,
    /// Not there at all: its value is 0, and relative operands that cannot reach 0 are never used.
    pub absent: bool,
    /// Bound by the dynamic linker: full addresses in data stay 0.
    pub import: bool,
}

/// What the formulas need of the image as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// A shared library: thread-local accesses stay as general as they are.
    pub shared: bool,
    pub tls_start: ImageAddr,
    pub tls_end: ImageAddr,
    /// The GOT entries that stand for the image as a module with thread-local storage.
    pub tls_module: ImageAddr,
    pub got_origin: ImageAddr,
}

/// The bytes that an edit writes, `before` bytes ahead of the relocated field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub before: u64,
    pub len: usize,
    pub bytes: [u8; 16],
}

impl Written {
    fn new(before: u64, parts: &[&[u8]]) -> Self {
        let mut written = Self { before, len: 0, bytes: [0; 16] };
        for part in parts {
            written.bytes[written.len..written.len + part.len()].copy_from_slice(part);
            written.len += part.len();
        }
        written
    }
}

/// Why an edit cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditError {
    /// The value does not fit the field.
    Overflow { value: i64, bits: u32 },
    /// The record says something that no linker writes.
    Malformed,
}

/// `mov %fs:0, %rax`
const MOV_FS0_RAX: [u8; 9] = [0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0];

/// What `kind` writes at `place` (P), whose section has the contents `data` and the field at `offset`.
pub fn evaluate(
    kind: Kind,
    place: ImageAddr,
    addend: i64,
    target: &Target,
    frame: &Frame,
    data: &[u8],
    offset: usize,
) -> Result<Written, EditError> {
    let s = target.value;
    let a = addend as u64;
    let p = place.0;
    let sum = s.wrapping_add(a);
    let present = |entry: Option<ImageAddr>| entry.map(|addr| addr.0).ok_or(EditError::Malformed);
    let got = || present(target.got);
    // L + A - P.
    let call = || target.plt.map_or(sum, |plt| plt.0.wrapping_add(a)).wrapping_sub(p);
    // The address of a GOT entry, relative to P.
    let relative = |entry: u64| fits_signed(entry.wrapping_add(a).wrapping_sub(p), 32);
    let signed = |value: u64, bits: u32| {
        if target.absent { Ok(value) } else { fits_signed(value, bits) }
    };
    let field = |value: u64, len: usize| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&value.to_le_bytes());
        Written { before: 0, len, bytes }
    };
    // S - T + A, for an addend that counts from behind a four-byte field.
    let tpoff = || fits_signed(sum.wrapping_add(4).wrapping_sub(frame.tls_end.0), 32);
    let instruction = |back: usize| {
        offset.checked_sub(back).and_then(|at| data.get(at)).copied().ok_or(EditError::Malformed)
    };

    Ok(match kind {
        Kind::Abs64 if target.import => field(0, 8),
        Kind::Abs64 | Kind::Own64 => field(sum, 8),
        Kind::Abs32 => field(fits_unsigned(sum, 32)?, 4),
        Kind::Abs32S => field(fits_signed(sum, 32)?, 4),
        Kind::Abs16 => field(fits_either(sum, 16)?, 2),
        Kind::Abs8 => field(fits_either(sum, 8)?, 1),
        Kind::Pc64 => field(sum.wrapping_sub(p), 8),
        Kind::Pc32 => field(signed(sum.wrapping_sub(p), 32)?, 4),
        Kind::Call => field(signed(call(), 32)?, 4),
        Kind::Pc16 => field(signed(sum.wrapping_sub(p), 16)?, 2),
        Kind::Pc8 => field(signed(sum.wrapping_sub(p), 8)?, 1),

        Kind::GotMov if target.near => {
            let value = fits_signed(sum.wrapping_sub(p), 32)?.to_le_bytes();
            // lea foo(%rip), %reg
            Written::new(2, &[&[0x8d, instruction(1)?], &value[..4]])
        }
        Kind::GotCall if target.near => {
            let value = fits_signed(sum.wrapping_sub(p), 32)?.to_le_bytes();
            // addr32 call foo
            Written::new(2, &[&[0x67, 0xe8], &value[..4]])
        }
        Kind::GotJmp if target.near => {
            // The displacement is one byte earlier than in the original instruction.
            let value = fits_signed(sum.wrapping_sub(p).wrapping_add(1), 32)?.to_le_bytes();
            // jmp foo; nop
            Written::new(2, &[&[0xe9], &value[..4], &[0x90]])
        }
        Kind::GotPcRel | Kind::GotMov | Kind::GotCall | Kind::GotJmp | Kind::GotTpOff => {
            field(relative(got()?)?, 4)
        }
        Kind::GotPcRel64 => field(got()?.wrapping_add(a).wrapping_sub(p), 8),
        Kind::Got64 => field(got()?.wrapping_add(a).wrapping_sub(frame.got_origin.0), 8),
        Kind::GotOff64 => field(sum.wrapping_sub(frame.got_origin.0), 8),
        Kind::PltOff64 => field(call().wrapping_add(p).wrapping_sub(frame.got_origin.0), 8),
        Kind::GotPc32 => field(relative(frame.got_origin.0)?, 4),
        Kind::GotPc64 => field(frame.got_origin.0.wrapping_add(a).wrapping_sub(p), 8),

        Kind::TlsCall | Kind::TlsCallIndirect if !frame.shared => Written::new(0, &[]),
        Kind::TlsCall => field(signed(call(), 32)?, 4),
        Kind::TlsCallIndirect => field(relative(got()?)?, 4),
        Kind::TlsGd if frame.shared => field(relative(present(target.tls_pair)?)?, 4),
        Kind::TlsLd | Kind::TlsLdIndirect if frame.shared => field(relative(frame.tls_module.0)?, 4),
        Kind::TlsDescLea if frame.shared => field(relative(present(target.tls_descriptor)?)?, 4),
        Kind::TlsDescCall if frame.shared => Written::new(0, &[]),
        Kind::DtpOff32 if frame.shared => field(fits_signed(sum.wrapping_sub(frame.tls_start.0), 32)?, 4),
        Kind::DtpOff64 if frame.shared => field(sum.wrapping_sub(frame.tls_start.0), 8),

        // In an executable the module's own block ends at T, so both kinds of offsets are the same.
        Kind::TpOff32 | Kind::DtpOff32 => field(fits_signed(sum.wrapping_sub(frame.tls_end.0), 32)?, 4),
        Kind::TpOff64 | Kind::DtpOff64 => field(sum.wrapping_sub(frame.tls_end.0), 8),
        Kind::GotTpOffMov if target.near => {
            let (rex, register) = register_as_operand(instruction(3)?, instruction(1)?);
            // mov $foo@tpoff, %reg
            Written::new(3, &[&[rex, 0xc7, 0xc0 | register], &tpoff()?.to_le_bytes()[..4]])
        }
        Kind::GotTpOffAdd if target.near => {
            let (rex, register) = register_as_operand(instruction(3)?, instruction(1)?);
            // add $foo@tpoff, %reg
            Written::new(3, &[&[rex, 0x81, 0xc0 | register], &tpoff()?.to_le_bytes()[..4]])
        }
        Kind::GotTpOffMov | Kind::GotTpOffAdd => field(relative(got()?)?, 4),
        Kind::TlsGd if target.near => {
            // mov %fs:0, %rax; lea foo@tpoff(%rax), %rax
            Written::new(4, &[&MOV_FS0_RAX, &[0x48, 0x8d, 0x80], &tpoff()?.to_le_bytes()[..4]])
        }
        Kind::TlsGd => {
            // The operand ends 12 bytes behind P; A counts from 4 bytes behind P.
            let value = got()?.wrapping_add(a).wrapping_add(4).wrapping_sub(p.wrapping_add(12));
            // mov %fs:0, %rax; add foo@gottpoff(%rip), %rax
            Written::new(4, &[&MOV_FS0_RAX, &[0x48, 0x03, 0x05], &fits_signed(value, 32)?.to_le_bytes()[..4]])
        }
        Kind::TlsLd => Written::new(3, &[&[0x66; 3], &MOV_FS0_RAX]),
        Kind::TlsLdIndirect => Written::new(3, &[&[0x66; 4], &MOV_FS0_RAX]),
        Kind::TlsDescLea if target.near => {
            let (rex, register) = register_as_operand(instruction(3)?, instruction(1)?);
            // mov $foo@tpoff, %reg
            Written::new(3, &[&[rex, 0xc7, 0xc0 | register], &tpoff()?.to_le_bytes()[..4]])
        }
        Kind::TlsDescLea => {
            let value = fits_signed(got()?.wrapping_add(a).wrapping_sub(p), 32)?;
            // mov foo@gottpoff(%rip), %reg
            Written::new(2, &[&[0x8b, instruction(1)?], &value.to_le_bytes()[..4]])
        }
        // xchg %ax, %ax
        Kind::TlsDescCall => Written::new(0, &[&[0x66, 0x90]]),
    })
}

/// S + A - P: what [`Kind::Pc32`] writes, and [`Kind::Call`] where the symbol has no PLT entry, if it fits.
#[inline(always)]
pub fn relative_to_place(symbol: u64, addend: i64, place: ImageAddr) -> i64 {
    symbol.wrapping_add(addend as u64).wrapping_sub(place.0) as i64
}

/// The register that an instruction names in the `reg` field of its ModRM byte (with REX.R), as the `rm`
/// field of another (with REX.B).
fn register_as_operand(rex: u8, modrm: u8) -> (u8, u8) {
    let extended = (rex >> 2) & 1;
    (0x48 | extended, (modrm >> 3) & 7)
}

fn fits_signed(value: u64, bits: u32) -> Result<u64, EditError> {
    let shift = 64 - bits;
    let value = value as i64;
    if (value << shift) >> shift == value {
        Ok(value as u64)
    } else {
        Err(EditError::Overflow { value, bits })
    }
}

fn fits_unsigned(value: u64, bits: u32) -> Result<u64, EditError> {
    if value >> bits == 0 { Ok(value) } else { Err(EditError::Overflow { value: value as i64, bits }) }
}

/// Fits as a signed or as an unsigned number: the psABI leaves open what small fields are.
fn fits_either(value: u64, bits: u32) -> Result<u64, EditError> {
    fits_unsigned(value, bits).or_else(|_| fits_signed(value, bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame {
        shared: false,
        tls_start: ImageAddr(0xf00),
        tls_end: ImageAddr(0x1000),
        tls_module: ImageAddr(0),
        got_origin: ImageAddr(0x3000),
    };

    fn write(kind: Kind, addend: i64, target: Target, data: &[u8], offset: usize) -> Written {
        evaluate(kind, ImageAddr(0x2000), addend, &target, &FRAME, data, offset).unwrap()
    }

    #[test]
    fn a_got_load_becomes_lea_when_the_symbol_is_near() {
        let code = [0x4c, 0x8b, 0x25, 0, 0, 0, 0]; // mov foo@GOTPCREL(%rip), %r12
        let near = Target { value: 0x2010, near: true, ..Target::default() };
        let written = write(Kind::GotMov, -4, near, &code, 3);
        assert_eq!((written.before, &written.bytes[..written.len]), (2, &[0x8d, 0x25, 0x0c, 0, 0, 0][..]));
        let far = Target { got: Some(ImageAddr(0x3008)), ..Target::default() };
        let written = write(Kind::GotMov, -4, far, &code, 3);
        assert_eq!((written.before, &written.bytes[..written.len]), (0, &[0x04, 0x10, 0, 0][..]));
    }

    #[test]
    fn initial_exec_becomes_local_exec_with_its_register() {
        let code = [0x4c, 0x8b, 0x25, 0, 0, 0, 0]; // mov foo@gottpoff(%rip), %r12
        let near = Target { value: 0xff8, near: true, ..Target::default() };
        let written = write(Kind::GotTpOffMov, -4, near, &code, 3);
        assert_eq!(written.bytes[..written.len], [0x49, 0xc7, 0xc4, 0xf8, 0xff, 0xff, 0xff]);
    }

    #[test]
    fn values_that_do_not_fit_are_errors_unless_nobody_is_there() {
        let far = Target { value: 0x5500_0000_0000, ..Target::default() };
        let place = ImageAddr(0x2000);
        assert!(matches!(
            evaluate(Kind::Pc32, place, 0, &far, &FRAME, &[0; 4], 0),
            Err(EditError::Overflow { bits: 32, .. })
        ));
        let absent = Target { absent: true, ..Target::default() };
        let place = ImageAddr(0x5500_0000_0000);
        assert!(evaluate(Kind::Pc32, place, 0, &absent, &FRAME, &[0; 4], 0).is_ok());
    }

    #[test]
    fn kinds_are_stored_by_their_number() {
        for (number, kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, number);
        }
    }
}
