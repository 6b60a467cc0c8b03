//! Resolution -> addresses: every live section of every object gets its place.
//!
//! Unchanged objects keep their addresses over relinks, so each block has some slack, and each region some
//! address space behind it. Neither costs memory: what nobody touches is never rendered.
//!
//! Of the lazy classes, what earlier runs touched comes first, in the order of first touch, so that runs touch fewer
//! chunks. For that a block can have several places.

use crate::args::Request;
use crate::resolve::Resolution;
use crate::synth;
use shared::addr::align_up;
use shared::output::HEADER_LEN;
use shared::plan::{BlockPlace, RegionKind, RegionRec};
use shared::record::{BlockRec, Class, NONE, Placement};
use shared::render::{EH_HDR_HEAD, EH_HDR_ROW, live_frames};
use shared::{CHUNK, ImageAddr, PAGE};
use std::collections::{HashMap, HashSet};

const READ: u32 = 1;
pub const WRITE: u32 = 2;
const EXEC: u32 = 4;

/// The regions of an image in the order of their addresses, and what is in each.
pub const REGIONS: [(RegionKind, u32, &[Class]); 7] = [
    (RegionKind::Header, READ, &[]),
    (RegionKind::Eager, READ, &[Class::DynamicTables, Class::Note, Class::NamedRo, Class::RoData]),
    (RegionKind::Lazy, READ, &[Class::EhFrame, Class::ExceptTable]),
    (RegionKind::Lazy, READ | EXEC, &[Class::Plt, Class::Init, Class::Text, Class::Fini, Class::NamedText]),
    (
        RegionKind::Eager,
        READ | WRITE,
        &[
            Class::TlsData,
            Class::TlsBss,
            Class::PreinitArray,
            Class::InitArray,
            Class::FiniArray,
            Class::RelRo,
            Class::Dynamic,
            Class::Got,
        ],
    ),
    (RegionKind::Eager, READ | WRITE, &[Class::GotPlt, Class::NamedData, Class::Data]),
    (RegionKind::Zero, READ | WRITE, &[Class::Bss]),
];

/// Numbers of regions in [`REGIONS`].
pub const FRAMES: usize = 2;
pub const TEXT: usize = 3;
pub const RELRO: usize = 4;
pub const DATA: usize = 5;
pub const BSS: usize = 6;

/// Places in the table of blocks that a relink can use, for each region, and besides a quarter of those that are taken.
const SPARE_BLOCKS: usize = 256;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub start: ImageAddr,
    pub end: ImageAddr,
}

impl Range {
    pub fn len(&self) -> u64 {
        self.end.offset_from(self.start)
    }

    pub fn is_empty(&self) -> bool {
        self.end == self.start
    }
}

pub struct Layout {
    pub base: ImageAddr,
    pub limit: ImageAddr,
    pub regions: Vec<RegionRec>,
    /// The largest alignment in each region.
    pub aligns: Vec<u64>,
    /// Of each object's sections, one after the other; `bases` says where an object's begin.
    pub placements: Vec<Placement>,
    pub bases: Vec<u32>,
    pub blocks: Vec<BlockPlace>,
    pub classes: HashMap<Class, Range>,
    /// Output sections that `__start_` and `__stop_` know.
    pub named: HashMap<Vec<u8>, Range>,
    pub eh_hdr: ImageAddr,
    pub eh_rows: u64,
    /// Alignment of the thread-local block.
    pub tls_align: u64,
}

impl Layout {
    pub fn class(&self, class: Class) -> Range {
        self.classes.get(&class).copied().unwrap_or_default()
    }

    pub fn placement(&self, object: usize, section: u32) -> Placement {
        self.placements[self.bases[object] as usize + section as usize]
    }

    /// The thread-local block, and the end that the psABI's offsets count from.
    pub fn tls(&self) -> (Range, ImageAddr, u64) {
        let (data, bss) = (self.class(Class::TlsData), self.class(Class::TlsBss));
        let range = Range { start: data.start, end: bss.end };
        (range, range.start + align_up(range.len(), self.tls_align), data.len())
    }
}

/// Chooses the image's address. Position-independent images lie where the kernel puts ordinary ones, below
/// what it gives to anything else, so that sanitizers know the range; which of 64 places, the output's name
/// decides. A shared library counts from 0.
pub fn base(request: &Request) -> ImageAddr {
    use std::os::unix::ffi::OsStrExt;
    if request.shared {
        return ImageAddr(0);
    }
    if !request.pie {
        return ImageAddr(0x40_0000);
    }
    let place = xxhash_rust::xxh3::xxh3_64(request.output.as_os_str().as_bytes()) % 64;
    ImageAddr(0x5500_0040_0000 + place * (4 << 30))
}

/// Slack of a block that may grow.
pub fn slack(class: Class, size: u64) -> u64 {
    if class.is_contiguous() || class == Class::EhFrame { 0 } else { (size / 8).next_multiple_of(16) }
}

/// When the sections of objects were touched: object -> section -> the number of that touch.
pub type Touches = HashMap<u32, HashMap<u32, u32>>;

pub fn layout(request: &Request, resolution: &Resolution<'_>, touches: &Touches) -> Layout {
    let base = base(request);
    let mut builder = Builder::new(resolution, base, touches);
    // Whoever walks over the frames needs the first and the last of them where they are.
    let frames_are_walked =
        !request.eh_frame_hdr || synth::defined(resolution, b"__register_frame_info").is_some();
    builder.apart = request.place_apart && !request.shared;
    builder.movable.retain(|class| *class != Class::EhFrame || !frames_are_walked);
    let mut at = base;
    for (number, (kind, prot, classes)) in REGIONS.iter().enumerate() {
        let start = at.align_up(CHUNK);
        at = start;
        if number == FRAMES && request.eh_frame_hdr {
            let rows = builder.frame_rows();
            builder.layout.eh_hdr = start;
            builder.layout.eh_rows = rows;
            at = start + EH_HDR_HEAD + rows * EH_HDR_ROW;
        }
        if *kind == RegionKind::Header {
            at = start + if request.shared { PAGE } else { HEADER_LEN };
        }
        let blocks_before = builder.layout.blocks.len();
        for class in *classes {
            at = builder.place_class(*class, at, number);
        }
        let unit = if *kind == RegionKind::Lazy && !request.shared { CHUNK } else { PAGE };
        let end = if at == start { start } else { at.align_up(unit) };
        // Every process maps what a shared library reserves, so that is less.
        let least = if request.shared { 1 } else { 16 } * CHUNK;
        // Code that is apart may just fit into what relative addresses reach.
        let share = if builder.apart && number == TEXT { 64 } else { 4 };
        let growth = if *kind == RegionKind::Header { 0 } else { end.offset_from(start) / share + least };
        let limit = (end + growth).align_up(CHUNK);
        builder.layout.regions.push(RegionRec { start, end, limit, kind: *kind as u32, prot: *prot });
        let blocks = builder.layout.blocks.len() - blocks_before;
        for _ in 0..SPARE_BLOCKS + blocks / 4 {
            builder.layout.blocks.push(BlockPlace { addr: limit, block: NONE, ..BlockPlace::default() });
        }
        at = limit;
    }
    builder.layout.limit = at;
    builder.number_frames();
    builder.layout
}

/// A block in the order of its class: priority, name, object, number among the object's blocks.
type Placed<'r> = (u32, &'r [u8], u32, u32);

/// A block, or consecutive sections of it, with a place of its own.
struct Part<'r> {
    name: &'r [u8],
    object: u32,
    block: u32,
    first: u32,
    count: u32,
}

/// An `.eh_frame` of this size ends the others, and has to stay behind them.
const TERMINATOR: u64 = 4;

struct Builder<'a, 'r> {
    resolution: &'a Resolution<'r>,
    touches: &'a Touches,
    /// Classes in which what runs touched comes first: those that are lazy, and whose order has no meaning.
    movable: Vec<Class>,
    /// Sections of code share no pages.
    apart: bool,
    /// For each class, the blocks in their order: priority, name, object.
    blocks: HashMap<Class, Vec<Placed<'r>>>,
    layout: Layout,
}

impl<'a, 'r> Builder<'a, 'r> {
    fn new(resolution: &'a Resolution<'r>, base: ImageAddr, touches: &'a Touches) -> Self {
        let mut blocks: HashMap<Class, Vec<_>> = HashMap::new();
        let mut bases = Vec::new();
        let mut sections = 0;
        for (object, view) in resolution.objects.iter().enumerate() {
            bases.push(sections as u32);
            sections += view.sections.len();
            for (number, block) in view.blocks.iter().enumerate() {
                if let Some(class) = Class::from_number(block.class) {
                    let place = (block.priority, view.string(block.name), object as u32, number as u32);
                    blocks.entry(class).or_default().push(place);
                }
            }
        }
        join_named(&mut blocks);
        for list in blocks.values_mut() {
            list.sort_unstable();
        }
        let layout = Layout {
            base,
            limit: base,
            regions: Vec::new(),
            aligns: vec![1; REGIONS.len()],
            placements: vec![Placement::default(); sections],
            bases,
            blocks: Vec::new(),
            classes: HashMap::new(),
            named: HashMap::new(),
            eh_hdr: ImageAddr(0),
            eh_rows: 0,
            tls_align: 1,
        };
        let movable = vec![Class::Text, Class::ExceptTable, Class::EhFrame];
        Self { resolution, touches, movable, apart: false, blocks, layout }
    }

    /// Number of rows of `.eh_frame_hdr`, with some for functions to come.
    fn frame_rows(&self) -> u64 {
        let code = REGIONS[TEXT].2.iter().flat_map(|class| self.blocks.get(class).into_iter().flatten());
        let rows: u64 = code
            .map(|(_, _, object, block)| {
                let block = &self.resolution.objects[*object as usize].blocks[*block as usize];
                u64::from(self.rows_of(*object, block.first, block.count))
            })
            .sum();
        rows + rows / 8 + 256
    }

    fn rows_of(&self, object: u32, first: u32, count: u32) -> u32 {
        let view = &self.resolution.objects[object as usize];
        live_frames(view, first, count, |section| self.resolution.is_live(object as usize, section))
    }

    /// What of a class gets places of its own, in their order: what runs touched, in the order of first touch, then the
    /// rest of the blocks.
    fn parts(&self, class: Class, blocks: &[Placed<'r>]) -> Vec<Part<'r>> {
        let (mut touched, mut rest) = (Vec::new(), Vec::with_capacity(blocks.len()));
        for (_, name, object, number) in blocks {
            let block = &self.resolution.objects[*object as usize].blocks[*number as usize];
            let part = |first, count| Part { name, object: *object, block: *number, first, count };
            match self.touches.get(object).filter(|_| self.movable.contains(&class)) {
                None => rest.push(part(block.first, block.count)),
                Some(touches) => {
                    for (touch, first, count) in self.runs(*object, block, touches) {
                        match touch {
                            Some(touch) => touched.push((touch, part(first, count))),
                            None => rest.push(part(first, count)),
                        }
                    }
                }
            }
        }
        touched.sort_by_key(|(touch, _)| *touch);
        touched.into_iter().map(|(_, part)| part).chain(rest).collect()
    }

    /// Runs of a block's sections that were touched together, or not at all: touch, first section, count.
    fn runs(
        &self,
        object: u32,
        block: &BlockRec,
        touches: &HashMap<u32, u32>,
    ) -> Vec<(Option<u32>, u32, u32)> {
        let (first, sections) = self.resolution.objects[object as usize].sections_of(block);
        let mut runs: Vec<(Option<Option<u32>>, u32, u32)> = Vec::new();
        for (number, section) in (first as u32..).zip(sections) {
            let is_terminator = block.class == Class::EhFrame as u32 && section.size <= TERMINATOR;
            let touch = touches.get(&number).copied().filter(|_| !is_terminator);
            // What takes no room stays with its neighbours.
            let matters = section.size != 0 && self.resolution.is_live(object as usize, number);
            let touch = matters.then_some(touch);
            match runs.last_mut() {
                Some((of_run, _, count)) if touch.is_none() || of_run.is_none() || *of_run == touch => {
                    *of_run = of_run.or(touch);
                    *count += 1;
                }
                _ => runs.push((touch, number, 1)),
            }
        }
        runs.into_iter().map(|(touch, first, count)| (touch.flatten(), first, count)).collect()
    }

    fn place_class(&mut self, class: Class, start: ImageAddr, region: usize) -> ImageAddr {
        let blocks = self.blocks.remove(&class).unwrap_or_default();
        let alignment = |(_, _, object, block): &(u32, &[u8], u32, u32)| {
            let view = &self.resolution.objects[*object as usize];
            let sections = view.sections_of(&view.blocks[*block as usize]).1;
            sections.iter().map(|section| u64::from(section.align)).max().unwrap_or(1)
        };
        let mut at = start;
        if matches!(class, Class::TlsData) {
            let tls = [Class::TlsBss].iter().flat_map(|class| self.blocks.get(class).into_iter().flatten());
            self.layout.tls_align = blocks.iter().chain(tls).map(alignment).max().unwrap_or(1);
            at = at.align_up(self.layout.tls_align);
            self.layout.aligns[region] = self.layout.tls_align;
        } else if let Some(align) = blocks.iter().map(alignment).max() {
            at = at.align_up(align);
            self.layout.aligns[region] = self.layout.aligns[region].max(align);
        }
        let least = least_align(self.apart, class);
        let mut range = Range { start: at, end: at };
        for Part { name, object, block, first, count } in self.parts(class, &blocks) {
            let begin = at;
            let sections = self.resolution.objects[object as usize].sections_in(first, count).1;
            let live = |section| self.resolution.is_live(object as usize, section);
            let places = (self.layout.bases[object as usize] + first) as usize;
            let slots = &mut self.layout.placements[places..places + sections.len()];
            let (from, end) = place_sections(sections, first, at, least, live, slots);
            range.end = end;
            let is_apart = self.apart && class == Class::Text;
            at = end + if is_apart { 0 } else { slack(class, end.offset_from(from)) };
            if !name.is_empty() {
                let named = self.layout.named.entry(name.to_vec()).or_insert(Range { start: from, end });
                named.end = end;
            }
            let addr = if end == begin { begin } else { from };
            self.layout.blocks.push(BlockPlace {
                addr,
                capacity: at.offset_from(addr),
                object,
                block,
                eh_row: 0,
                eh_rows: 0,
                first,
                count,
            });
        }
        self.layout.classes.insert(class, range);
        at
    }

    /// Gives each block its rows of `.eh_frame_hdr`, in the order of addresses. The spare ones are behind all
    /// code.
    fn number_frames(&mut self) {
        let text = &self.layout.regions[TEXT];
        let (start, limit) = (text.start, text.limit);
        let total = self.layout.eh_rows as u32;
        let mut row = 0;
        for index in 0..self.layout.blocks.len() {
            let place = self.layout.blocks[index];
            let rows = match place.addr {
                _ if total == 0 => 0,
                addr if addr < start => 0,
                addr if addr < limit && place.block == NONE => 0,
                addr if addr < limit => self.rows_of(place.object, place.first, place.count),
                // The first spare place behind the code takes all that is left.
                _ => total - row,
            };
            let place = &mut self.layout.blocks[index];
            place.eh_row = row;
            place.eh_rows = rows;
            row += rows;
        }
    }
}

/// Sections of one name are one array, for `__start_` and `__stop_`: writable if one of them is.
fn join_named(blocks: &mut HashMap<Class, Vec<Placed<'_>>>) {
    let names: HashSet<&[u8]> =
        blocks.get(&Class::NamedData).into_iter().flatten().map(|(_, name, ..)| *name).collect();
    let Some(read_only) = blocks.get_mut(&Class::NamedRo).filter(|_| !names.is_empty()) else { return };
    let (joined, rest): (Vec<Placed<'_>>, Vec<Placed<'_>>) =
        read_only.drain(..).partition(|(_, name, ..)| names.contains(name));
    *read_only = rest;
    blocks.entry(Class::NamedData).or_default().extend(joined);
}

/// The least alignment of sections of a class, if code is to be `apart`.
pub fn least_align(apart: bool, class: Class) -> u64 {
    if apart && class == Class::Text { PAGE } else { 1 }
}

/// Places the live sections of a block one behind the other from `start` on, each at a multiple of `least`. Returns the first address that
/// was used and the end.
pub fn place_sections(
    sections: &[shared::record::SectionRec],
    first: u32,
    start: ImageAddr,
    least: u64,
    live: impl Fn(u32) -> bool,
    places: &mut [Placement],
) -> (ImageAddr, ImageAddr) {
    let mut at = start;
    let mut from = None;
    for (index, (section, place)) in sections.iter().zip(places).enumerate() {
        if live(first + index as u32) {
            let addr = at.align_up(u64::from(section.align).max(least));
            *place = Placement::live(addr);
            from.get_or_insert(addr);
            at = addr + section.size;
        } else {
            *place = Placement::dead(at);
        }
    }
    (from.unwrap_or(start), at)
}
