//! The executable: a header page that the image shows as its first page, a page that says where the image's
//! generation is, and the loader.
//!
//! ```text
//! 0x0000  ELF header and program headers of the loader; from IMAGE_PHDRS on, those of the image
//! 0x1000  OutputConfig and its strings
//! 0x2000  the loader's segments
//! ```

use crate::addr::ImageAddr;
use crate::checksum::checksum;
use crate::image::ImagePrint;
use crate::pod::{self, StrRef};

/// First word of the configuration page; the last digit is the version of the format.
pub const MAGIC: u64 = u64::from_le_bytes(*b"UFexec\0\x04");

/// Where in the first page the image's program headers are.
pub const IMAGE_PHDRS: u64 = 0x400;
/// Where the configuration page is in the file.
pub const CONFIG: u64 = 0x1000;
/// Bytes in front of the loader's own file.
pub const LOADER: u64 = 0x2000;
/// Bytes of the file that the image begins with.
pub const HEADER_LEN: u64 = 0x2000;

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct OutputConfig {
    pub magic: u64,
    /// Of the rest of the page.
    pub checksum: u64,
    pub base: ImageAddr,
    pub generation: u64,
    /// Checksum of the plan that belongs to this executable, so that a replaced generation is noticed.
    pub plan: u64,
    /// Checksum of the generation's patch, or 0 if it has none.
    pub patch: u64,
    /// Of the generation's file `image`.
    pub image: ImagePrint,
    /// The generation's folder: absolute, and relative to the executable's own folder. C strings.
    pub absolute: StrRef,
    pub relative: StrRef,
    /// The output file's name, for messages. A C string.
    pub name: StrRef,
    /// The linker, which adds debug information when it is asked for. A C string.
    pub linker: StrRef,
    /// Where libraries are looked for: the path's place in the file as it is loaded, and in the image, which takes it
    /// from there. Length 0: there is none.
    pub path: u64,
    pub path_len: u64,
    pub image_path: ImageAddr,
}

crate::pod! {
    OutputConfig {
        magic: u64, checksum: u64, base: ImageAddr, generation: u64, plan: u64, patch: u64, image: ImagePrint,
        absolute: StrRef, relative: StrRef, name: StrRef, linker: StrRef, path: u64, path_len: u64, image_path: ImageAddr,
    }
}

/// The configuration in `page`, with its checksum verified. Strings count from the start of the page.
pub fn config(page: &[u8]) -> Option<&OutputConfig> {
    let config: &OutputConfig = pod::get(page, 0)?;
    (page.len() as u64 == LOADER - CONFIG
        && config.magic == MAGIC
        && checksum(&page[16..]) == config.checksum)
        .then_some(config)
}

/// The C string at `at`, with its final zero; nothing if there is none.
pub fn c_string(page: &[u8], at: StrRef) -> Option<&[u8]> {
    let bytes = at.of(page);
    (bytes.iter().position(|byte| *byte == 0) == Some(bytes.len().checked_sub(1)?)).then_some(bytes)
}
