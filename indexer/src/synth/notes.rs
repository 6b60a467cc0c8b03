//! Notes that the linker writes.

use crate::args::Request;
use crate::resolve::Resolution;
use object::elf;
use shared::pod::bytes_of;
use shared::record::flag;
use xxhash_rust::xxh3::xxh3_128;

/// Bytes of a build ID, as many as GNU ld writes.
const BUILD_ID: usize = 20;

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

/// `.note.gnu.build-id`.
pub fn build_id(id: [u64; 2]) -> Vec<u8> {
    let mut note = Vec::new();
    for word in [4, BUILD_ID as u32, elf::NT_GNU_BUILD_ID] {
        note.extend(word.to_le_bytes());
    }
    note.extend(b"GNU\0");
    note.extend(id.iter().flat_map(|word| word.to_le_bytes()));
    note.extend(((id[0] ^ id[1].rotate_left(17)) as u32).to_le_bytes());
    note
}
