//! Every page of an image, rendered anew and compared with what links and launches have made of it.

use super::place::Places;
use super::{Cure, Difference, Finding, Kind, Progress, Report, Wrong};
use crate::debug::Linked;
use crate::emit::{self, Phdr};
use crate::index::kept::{Shelf, Shelves, read_at};
use crate::index::opened::Executable;
use crate::index::packs::PackObjects;
use crate::inputs::mapped;
use crate::search_path;
use crate::whole::{self, Whole};
use anyhow::{Context, Result, ensure};
use object::elf;
use rayon::prelude::*;
use shared::output::IMAGE_PHDRS;
use shared::plan::{PatchPage, PlanView, RegionKind};
use shared::render::{RenderError, render};
use shared::{CHUNK, ImageAddr, PAGE};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What pages are rendered from.
pub struct Rendering<'a> {
    pub objects: &'a PackObjects<'a>,
    pub places: &'a Places<'a>,
    /// Objects whose records are damaged, which was said.
    pub damaged: HashSet<u32>,
    pub progress: Progress<'a>,
}

/// A part of the image that is compared at once: a chunk, cut to its region.
struct Piece {
    kind: RegionKind,
    chunk: usize,
    start: ImageAddr,
    len: u64,
}

/// What is wrong with a piece.
enum Fault {
    Unrendered(RenderError),
    /// Number of bytes, and the first.
    Differs(u64, ImageAddr),
    /// The file ends before it.
    Short,
    /// Its byte in the list is none of those that launches write.
    Byte(u8),
}

/// What the pieces are compared with.
struct Sources<'a> {
    image: File,
    pages: &'a [PatchPage],
    patch: &'a [u8],
    shelves: &'a Shelves,
    listed: HashMap<usize, u8>,
}

impl Rendering<'_> {
    fn plan(&self) -> &PlanView<'_> {
        &self.objects.plan
    }

    fn pieces(&self) -> Vec<Piece> {
        let base = self.plan().header.base;
        let mut pieces = Vec::new();
        for region in self.plan().regions {
            let Some(kind @ (RegionKind::Eager | RegionKind::Lazy)) = region.kind() else { continue };
            let mut start = region.start;
            while start < region.end {
                let chunk = start.offset_from(base) / CHUNK;
                let end = (base + (chunk + 1) * CHUNK).min(region.end);
                pieces.push(Piece { kind, chunk: chunk as usize, start, len: end.offset_from(start) });
                start = end;
            }
        }
        pieces
    }

    /// Compares the image and the kept chunks of an executable.
    pub fn compare(
        &self,
        executable: &Executable,
        shelves: &Shelves,
        (pages, patch): (&[PatchPage], &[u8]),
        report: &mut Report,
        wrong: &mut Wrong,
    ) -> Result<()> {
        let folder = &executable.folder;
        let path = folder.join("image");
        let opened = File::open(&path).with_context(|| format!("cannot open {}", path.display()));
        let Some(image) = report.judge(Kind::Image, &path, opened)? else { return Ok(()) };
        let listed: HashMap<usize, u8> =
            shelves.listed().context("cannot read what is kept")?.into_iter().collect();
        let sources = Sources { image, pages, patch, shelves, listed };
        let pieces = self.pieces();
        let done = AtomicUsize::new(0);
        let faults: Vec<io::Result<Option<Fault>>> = pieces
            .par_iter()
            .map_init(
                || (Vec::new(), Vec::new()),
                |(rendered, found), piece| {
                    let fault = self.fault(piece, &sources, rendered, found);
                    (self.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, pieces.len());
                    fault
                },
            )
            .collect();
        let mut unrendered = HashSet::new();
        for (piece, fault) in pieces.iter().zip(faults) {
            let pages = piece.len / PAGE;
            report.pages_rendered += pages;
            match piece.kind {
                RegionKind::Eager => report.pages_of_image += pages,
                _ => report.chunks += u64::from(sources.listed.contains_key(&piece.chunk)),
            }
            let fault = fault.with_context(|| format!("cannot read {}", folder.display()))?;
            let Some(fault) = fault else { continue };
            if let Fault::Unrendered(error) = fault {
                self.add_unrendered(error, &mut unrendered, folder, report);
                continue;
            }
            let shelf = sources.shelf(piece);
            if shelf.is_some() {
                wrong.chunks.push(piece.chunk);
            }
            report.findings.push(self.finding(piece, fault, shelf, folder, &sources));
        }
        // An output that is damaged does not say what they are to be.
        let sums = executable.config.image.sums;
        if sums != 0 && !report.findings.iter().any(|finding| finding.kind == Kind::Image) {
            let (base, regions) = (self.plan().header.base, self.plan().regions);
            let check = || -> Result<()> {
                let (bytes, _) = mapped::map(&path)?;
                ensure!(
                    shared::image::is_whole(bytes, base, regions, sums),
                    "the checksums of the image are damaged"
                );
                Ok(())
            };
            report.judge(Kind::Image, &path, check())?;
        }
        Ok(())
    }

    /// Renders a piece and compares it with what there is of it.
    fn fault(
        &self,
        piece: &Piece,
        sources: &Sources<'_>,
        rendered: &mut Vec<u8>,
        found: &mut Vec<u8>,
    ) -> io::Result<Option<Fault>> {
        let len = piece.len as usize;
        rendered.resize(len, 0);
        found.resize(len, 0);
        if let Err(error) = render(self.plan(), self.objects, piece.start, rendered) {
            return Ok(Some(Fault::Unrendered(error)));
        }
        let offset = piece.start.offset_from(self.plan().header.base);
        if piece.kind == RegionKind::Eager {
            let read = read_at(&sources.image, found, offset)?;
            found[read..].fill(0);
            if read < len {
                return Ok(Some(Fault::Short));
            }
            sources.replace_pages(piece, found);
            return Ok(difference(piece, rendered, found));
        }
        let (Some(shelf), Some(byte)) = (sources.shelf(piece), sources.listed.get(&piece.chunk)) else {
            return Ok(None);
        };
        if shelf.read(offset, found)? < len {
            return Ok(still_listed(shelf, piece)?.then_some(Fault::Short));
        }
        let Some(fault) = difference(piece, rendered, found) else {
            return Ok((*byte != 1).then_some(Fault::Byte(*byte)));
        };
        // Somebody may have forgotten the chunk, and a launch have begun to write it again.
        Ok(still_listed(shelf, piece)?.then_some(fault))
    }

    fn add_unrendered(
        &self,
        error: RenderError,
        known: &mut HashSet<u32>,
        folder: &Path,
        report: &mut Report,
    ) {
        let (RenderError::Record { object } | RenderError::Edit { object, .. }) = error else {
            report.add(Kind::Plan, &folder.join("plan"), self.places.of_error(error));
            return;
        };
        if !self.damaged.contains(&object) && known.insert(object) {
            let text = format!("a page cannot be rendered: {}", self.places.of_error(error));
            report.add(Kind::Record, &folder.join("plan"), text);
        }
    }

    fn finding(
        &self,
        piece: &Piece,
        fault: Fault,
        shelf: Option<&Shelf>,
        folder: &Path,
        sources: &Sources<'_>,
    ) -> Finding {
        let (kind, name) = match shelf {
            Some(_) => (Kind::Chunk, "kept chunk"),
            None => (Kind::Image, "image"),
        };
        let mut file = shelf.map_or_else(|| folder.join("image"), |shelf| shelf.path.clone());
        let start = piece.start.0;
        let (text, difference) = match fault {
            Fault::Differs(bytes, first) => {
                if shelf.is_none() && sources.is_replaced(first) {
                    file = folder.join("patch");
                }
                let difference =
                    Difference { start, len: piece.len, bytes, first: first.0, place: self.places.at(first) };
                (format!("{name} at {start:#x}: {}", say(&difference)), Some(difference))
            }
            Fault::Byte(byte) => (format!("{name} at {start:#x}: listed by {byte} and not by 1"), None),
            _ => (format!("{name} at {start:#x}: behind the end of the file"), None),
        };
        Finding { kind, file, text, difference, cure: Cure::None }
    }

    /// Compares a file that was rendered whole: a shared library, or a settled executable. Tools that strip one leave its
    /// sections as they are, and nothing else.
    pub fn compare_file(
        &self,
        executable: &Executable,
        path: &Path,
        phdrs: Vec<Phdr>,
        report: &mut Report,
    ) -> Result<()> {
        let is_settled = executable.is_settled();
        let kind = if is_settled { Kind::Executable } else { Kind::Library };
        let found = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let phdrs_found = emit::own_phdrs(&found);
        // Their alignments say how large the file is: none is made of headers that may be damaged.
        let mut expected = phdrs.clone();
        if is_settled {
            whole::join_zeroes(&mut expected);
        }
        if !expected.iter().map(shape).eq(phdrs_found.iter().map(shape)) {
            report.add(kind, path, "the program headers are not those that were linked");
            return Ok(());
        }
        let whole = Whole {
            plan: *self.plan(),
            phdrs,
            kind: if is_settled { elf::ET_EXEC } else { elf::ET_DYN },
            phdrs_at: if is_settled { IMAGE_PHDRS } else { emit::EHDR as u64 },
            symbols: false,
            debug: Linked::default(),
            head: Vec::new(),
        };
        let mut rendered = match whole.file(self.objects) {
            Ok(rendered) => rendered,
            Err(whole::Error::Other(error)) => return Err(error),
            Err(whole::Error::Render(error)) => {
                self.add_unrendered(error, &mut HashSet::new(), &executable.folder, report);
                return Ok(());
            }
        };
        // Whoever installs a program may give it another one.
        search_path::copy(&executable.config, &found, &mut rendered);
        let pairs = emit::own_phdrs(&rendered).into_iter().zip(phdrs_found);
        let loads: Vec<(Phdr, Phdr)> = pairs.filter(|(load, _)| load.kind == elf::PT_LOAD).collect();
        for (wanted, load) in &loads {
            report.pages_rendered += wanted.file_size.div_ceil(PAGE);
            for at in (0..wanted.file_size).step_by(CHUNK as usize) {
                let len = CHUNK.min(wanted.file_size - at);
                let piece =
                    Piece { kind: RegionKind::Eager, chunk: 0, start: ImageAddr(wanted.addr + at), len };
                let fault = match (part(&rendered, wanted, at, len), part(&found, load, at, len)) {
                    (Some(rendered), Some(found)) => self.difference_in_sections(&piece, &rendered, &found),
                    _ => Some(Fault::Short),
                };
                report.findings.extend(fault.map(|fault| self.file_finding(&piece, fault, kind, path)));
            }
        }
        Ok(())
    }

    fn difference_in_sections(&self, piece: &Piece, rendered: &[u8], found: &[u8]) -> Option<Fault> {
        difference(piece, rendered, found)?;
        let places = (0..).map(|offset| piece.start + offset);
        let mut differing = places
            .zip(rendered.iter().zip(found))
            .filter(|(addr, (a, b))| a != b && self.places.is_in_section(*addr));
        let (first, _) = differing.next()?;
        Some(Fault::Differs(differing.count() as u64 + 1, first))
    }

    fn file_finding(&self, piece: &Piece, fault: Fault, kind: Kind, path: &Path) -> Finding {
        let name = if kind == Kind::Library { "library" } else { "executable" };
        let start = piece.start.0;
        let (text, difference) = match fault {
            Fault::Differs(bytes, first) => {
                let difference =
                    Difference { start, len: piece.len, bytes, first: first.0, place: self.places.at(first) };
                (format!("{name} at {start:#x}: {}", say(&difference)), Some(difference))
            }
            _ => (format!("{name} at {start:#x}: behind the end of the file"), None),
        };
        Finding { kind, file: PathBuf::from(path), text, difference, cure: Cure::None }
    }
}

impl Sources<'_> {
    fn shelf(&self, piece: &Piece) -> Option<&Shelf> {
        (piece.kind == RegionKind::Lazy).then(|| self.shelves.of(piece.chunk))?
    }

    /// Puts the pages of the patch over those of the image.
    fn replace_pages(&self, piece: &Piece, found: &mut [u8]) {
        let first = self.pages.partition_point(|page| page.addr < piece.start);
        for page in &self.pages[first..] {
            let at = page.addr.offset_from(piece.start) as usize;
            let bytes: Option<&[u8]> = shared::pod::slice(self.patch, page.offset, PAGE);
            let (Some(to), Some(bytes)) = (found.get_mut(at..at + PAGE as usize), bytes) else { break };
            to.copy_from_slice(bytes);
        }
    }

    fn is_replaced(&self, addr: ImageAddr) -> bool {
        self.pages.binary_search_by_key(&addr.page_start(), |page| page.addr).is_ok()
    }
}

fn still_listed(shelf: &Shelf, piece: &Piece) -> io::Result<bool> {
    Ok(shelf.byte(piece.chunk)? != 0)
}

fn difference(piece: &Piece, rendered: &[u8], found: &[u8]) -> Option<Fault> {
    if rendered == found {
        return None;
    }
    let mut differing = rendered.iter().zip(found).enumerate().filter(|(_, (a, b))| a != b);
    let (first, _) = differing.next()?;
    Some(Fault::Differs(differing.count() as u64 + 1, piece.start + first as u64))
}

fn say(difference: &Difference) -> String {
    let Difference { bytes, first, place, .. } = difference;
    let place = place.as_ref().map_or(String::new(), |place| format!(": {place}"));
    let differ = if *bytes == 1 { "byte differs" } else { "bytes differ" };
    format!("{bytes} {differ}, from {first:#x} on{place}")
}

/// What tools that edit a library leave of a program header.
fn shape(phdr: &Phdr) -> (u32, u64, u64, u32) {
    (phdr.kind, phdr.addr, phdr.align, phdr.flags)
}

/// `len` bytes of a segment, from this offset on; behind what the file has of it, zeroes. `None`: the file was cut short.
fn part(file: &[u8], load: &Phdr, at: u64, len: u64) -> Option<Vec<u8>> {
    let in_file = load.file_size.saturating_sub(at).min(len);
    let start = load.offset.checked_add(at)?;
    let mut bytes: Vec<u8> = shared::pod::slice(file, start, in_file)?.to_vec();
    bytes.resize(len as usize, 0);
    Some(bytes)
}
