//! Notes that the linker writes.

use crate::args::Request;
use crate::resolve::Resolution;
use object::elf;
use shared::plan::BUILD_ID_WORDS;
use shared::pod::bytes_of;
use shared::record::flag;
use xxhash_rust::xxh3::xxh3_128;

/// Bytes in front of the ID in `.note.gnu.build-id`: three words and the name.
pub const BUILD_ID_AT: u64 = 16;

/// `.note.gnu.property` of a shared library: the features that all objects have, and the instruction sets that any
/// needs (psABI, "Linux Extensions"). Programs do not promise these features: the loader was not tried under them.
pub fn property(request: &Request, resolution: &Resolution<'_>) -> Vec<u8> {
    let flags = || resolution.objects.iter().map(|object| object.header.flags);
    let features = flags().fold(3, |all, flags| all & (flags >> flag::FEATURES_SHIFT)) as u32;
    let needed = flags().fold(0, |all, flags| all | flags >> flag::ISA_SHIFT) as u32;
    let known =
        [(elf::GNU_PROPERTY_X86_FEATURE_1_AND, features), (elf::GNU_PROPERTY_X86_ISA_1_NEEDED, needed)];
    let known: Vec<(u32, u32)> = known.into_iter().filter(|(_, value)| *value != 0).collect();
    if known.is_empty() || !request.shared {
        return Vec::new();
    }
    let mut note = Vec::new();
    for word in [4, known.len() as u32 * 16, elf::NT_GNU_PROPERTY_TYPE_0] {
        note.extend(word.to_le_bytes());
    }
    note.extend(b"GNU\0");
    for (kind, value) in known {
        for word in [kind, 4, value, 0] {
            note.extend(word.to_le_bytes());
        }
    }
    note
}

/// An ID that is the same for the same objects, given the identities of what is in them.
pub fn identity(contents: impl Iterator<Item = [u64; 2]>) -> [u64; 2] {
    let words: Vec<u64> = contents.flatten().collect();
    let hash = xxh3_128(bytes_of(&words));
    [hash as u64, (hash >> 64) as u64]
}

/// The build ID of a program with this identity, in words.
pub fn build_id(id: [u64; 2]) -> [u32; BUILD_ID_WORDS] {
    let [a, b] = id;
    [a as u32, (a >> 32) as u32, b as u32, (b >> 32) as u32, (a ^ b.rotate_left(17)) as u32]
}

/// `.note.gnu.build-id`.
pub fn build_id_note(id: [u32; BUILD_ID_WORDS]) -> Vec<u8> {
    let name = u32::from_le_bytes(*b"GNU\0");
    let head = [4, size_of_val(&id) as u32, elf::NT_GNU_BUILD_ID, name];
    head.iter().chain(&id).flat_map(|word| word.to_le_bytes()).collect()
}
