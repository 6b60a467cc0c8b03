//! Sections for debuggers, compressed (gABI, "Section Compression").

use crate::args::Compression;
use flate2::{Compress, FlushCompress, Status};
use object::elf;
use rayon::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// Size of `Elf64_Chdr`.
const CHDR: usize = 24;

/// Alignment of a compressed section, which begins with that.
pub const ALIGN: u64 = 8;

/// Processors compress so many bytes at a time, each by itself.
const SHARE: usize = 1 << 20;

/// `Elf64_Chdr`, and behind it what `bytes` were compressed to; `None` if that is no shorter.
pub fn compressed(bytes: &[u8], align: u64, compression: Compression) -> Option<Vec<u8>> {
    let (kind, stream) = match compression {
        Compression::None => return None,
        Compression::Zlib => (elf::ELFCOMPRESS_ZLIB, zlib(bytes)?),
        Compression::Zstd => (elf::ELFCOMPRESS_ZSTD, zstd(bytes)),
    };
    let section = chdr(kind, bytes.len() as u64, align).into_iter().chain(stream).collect::<Vec<u8>>();
    (section.len() < bytes.len()).then_some(section)
}

/// `ch_type`, `ch_reserved`, `ch_size`, `ch_addralign`.
fn chdr(kind: u32, size: u64, align: u64) -> Vec<u8> {
    let header = [u64::from(kind), size, align].map(u64::to_le_bytes).concat();
    debug_assert_eq!(header.len(), CHDR);
    header
}

/// Frames one behind the other, which are one text (RFC 8878, section 3).
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let frames: Vec<Vec<u8>> =
        bytes.par_chunks(SHARE).map(|share| compress_to_vec(share, CompressionLevel::Fastest)).collect();
    frames.concat()
}

/// One stream (RFC 1950), in which each share ends at a byte (RFC 1951, section 3.2.4: an empty block).
fn zlib(bytes: &[u8]) -> Option<Vec<u8>> {
    const DEFLATE_IN_32K: [u8; 2] = [0x78, 0x01];
    let last = bytes.len().div_ceil(SHARE).checked_sub(1)?;
    let shares = bytes.par_chunks(SHARE).enumerate();
    let (checksum, shares) = rayon::join(
        || adler2::adler32_slice(bytes),
        || {
            let deflate = |(number, share)| match number == last {
                true => deflated(share, FlushCompress::Finish),
                false => deflated(share, FlushCompress::Sync),
            };
            shares.map(deflate).collect::<Option<Vec<_>>>()
        },
    );
    Some([&DEFLATE_IN_32K, shares?.concat().as_slice(), &checksum.to_be_bytes()].concat())
}

/// A share without a header; `None` if the library cannot.
fn deflated(share: &[u8], flush: FlushCompress) -> Option<Vec<u8>> {
    let mut state = Compress::new(flate2::Compression::fast(), false);
    let mut stream = Vec::with_capacity(share.len() / 2 + 64);
    loop {
        let rest = share.get(state.total_in() as usize..)?;
        let status = state.compress_vec(rest, &mut stream, flush).ok()?;
        let is_taken = state.total_in() as usize == share.len();
        // Room that is left says that all of it is there.
        if status == Status::StreamEnd || is_taken && stream.len() < stream.capacity() {
            return Some(stream);
        }
        stream.reserve(share.len() / 4 + 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::read::{CompressedData, CompressionFormat};

    /// Texts that compress well, badly and not at all, of sizes about those of shares.
    fn texts() -> Vec<Vec<u8>> {
        let noise = |len: usize| {
            let mut state = 1u64;
            let next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            };
            std::iter::repeat_with(next).take(len).collect::<Vec<u8>>()
        };
        let half = |len: usize| noise(len).into_iter().map(|byte| byte & 0x8f).collect::<Vec<u8>>();
        let sizes = [100, 4096, SHARE - 1, SHARE, SHARE + 1, 3 * SHARE + 77];
        sizes.into_iter().flat_map(|size| [vec![b'a'; size], half(size), noise(size)]).collect()
    }

    #[test]
    fn what_is_compressed_is_the_same_again() {
        let formats = [
            (Compression::Zlib, CompressionFormat::Zlib, elf::ELFCOMPRESS_ZLIB),
            (Compression::Zstd, CompressionFormat::Zstandard, elf::ELFCOMPRESS_ZSTD),
        ];
        for (compression, format, kind) in formats {
            for text in texts() {
                let Some(section) = compressed(&text, 1, compression) else {
                    assert!(
                        text.len() <= 100 || text.iter().any(|byte| byte & 0x70 != 0x60),
                        "{}",
                        text.len()
                    );
                    continue;
                };
                assert_eq!(section[..CHDR], chdr(kind, text.len() as u64, 1));
                let data =
                    CompressedData { format, data: &section[CHDR..], uncompressed_size: text.len() as u64 };
                assert!(data.decompress().unwrap() == text, "{} bytes by {compression:?}", text.len());
            }
        }
    }

    #[test]
    fn nothing_becomes_longer() {
        for compression in [Compression::None, Compression::Zlib, Compression::Zstd] {
            assert_eq!(compressed(b"", 1, compression), None);
            assert_eq!(compressed(b"short", 1, compression), None);
        }
    }
}
