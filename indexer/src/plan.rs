//! Layout + resolution -> the plan, as the bytes that are written and mapped.

use crate::args::Request;
use crate::layout::{self, Layout};
use crate::load::Program;
use crate::resolve::linker_symbols::Meaning;
use crate::resolve::needs::{Facts, GotKind, Needs, stays_zero};
use crate::resolve::{Definition, Resolution, SymbolId};
use crate::synth::{Part, Synth};
use rayon::prelude::*;
use shared::addr::align_up;
use shared::checksum::{checksum, sums_of};
use shared::plan::{
    BUILD_ID_WORDS, CHECKSUM_FROM, HEADER, MAGIC, ObjectRec, Objects, PackRec, PlanHeader, PlanView,
    RegionKind, Slot, flag, slot,
};
use shared::pod::{Pod, Span, StrRef, bytes_of};
use shared::record::{Class, GlobalRec, NONE, Placement};
use shared::render::{RenderError, render};
use shared::{CHUNK, ImageAddr, PAGE};
use std::collections::HashMap;

/// What every symbol comes to.
pub fn slots(
    request: &Request,
    resolution: &Resolution<'_>,
    needs: &Needs,
    layout: &Layout,
    synth: &Synth<'_>,
    meanings: &[(SymbolId, Meaning)],
) -> Vec<Slot> {
    let meanings: HashMap<SymbolId, &Meaning> = meanings.iter().map(|(id, meaning)| (*id, meaning)).collect();
    let mut slots: Vec<Slot> = resolution
        .symbols
        .iter()
        .enumerate()
        .map(|(id, symbol)| {
            let id = id as SymbolId;
            let facts = &needs.facts[id as usize];
            let value = value(resolution, layout, synth, &meanings, id, facts);
            let (object, global) = symbol.mention;
            let plt =
                if facts.interposable { synth.plt_number(id).map_or(0, |number| number + 1) } else { 0 };
            let flags = flags(resolution, symbol, facts);
            Slot { value, got: 0, plt, flags, object, global, reserved: 0 }
        })
        .collect();
    for (id, symbol) in resolution.symbols.iter().enumerate() {
        if let Definition::Alias(..) = symbol.definition {
            let (target, distance) = resolution.aliased(id as SymbolId);
            slots[id].value = slots[target as usize].value.wrapping_add_signed(distance);
        }
    }
    for (index, (id, kind)) in needs.got.iter().enumerate().filter(|(_, (id, _))| *id != NONE) {
        let slot = &mut slots[*id as usize];
        if slot.got == 0 {
            slot.got = index as u32 + 1;
        }
        if request.shared {
            slot.flags |= match kind {
                GotKind::ThreadOffset => slot::GOT_OFFSET,
                GotKind::Module => slot::GOT_PAIR,
                GotKind::Descriptor => slot::GOT_DESCRIPTOR,
                _ => 0,
            };
        }
    }
    slots
}

fn flags(resolution: &Resolution<'_>, symbol: &crate::resolve::Symbol<'_>, facts: &Facts) -> u32 {
    let absolute = match symbol.definition {
        Definition::Value(_) => true,
        Definition::Object { object, global } => {
            resolution.global(object, global).section == GlobalRec::ABSOLUTE
        }
        _ => false,
    };
    let bits = [
        (facts.near, slot::NEAR),
        (stays_zero(facts), slot::IMPORT),
        (facts.absent && !facts.plt, slot::ABSENT),
        (symbol.is_tls(), slot::TLS),
        (absolute, slot::ABSOLUTE),
        (facts.copy, slot::COPY),
        (facts.plt, slot::PLT),
        (facts.exported, slot::EXPORTED),
        (facts.interposable, slot::INTERPOSABLE),
    ];
    bits.iter().filter(|(on, _)| *on).fold(0, |all, (_, bit)| all | bit)
}

fn value(
    resolution: &Resolution<'_>,
    layout: &Layout,
    synth: &Synth<'_>,
    meanings: &HashMap<SymbolId, &Meaning>,
    id: SymbolId,
    facts: &Facts,
) -> u64 {
    if facts.copy {
        return synth.copy_addr(layout, id).map_or(0, |addr| addr.0);
    }
    if facts.iplt || facts.plt && !facts.interposable {
        return synth.plt_addr(layout, id).map_or(0, |addr| addr.0);
    }
    match resolution.symbols[id as usize].definition {
        Definition::Object { object, global } => {
            let global = resolution.global(object, global);
            if global.section == GlobalRec::ABSOLUTE {
                return global.value;
            }
            layout.placement(object as usize, global.section).addr().0.wrapping_add(global.value)
        }
        Definition::Common { .. } => synth.common_addr(layout, id).map_or(0, |addr| addr.0),
        Definition::Value(value) => value,
        Definition::Linker => meanings.get(&id).map_or(0, |meaning| meant(meaning, layout, synth).0),
        Definition::None | Definition::Shared { .. } | Definition::Alias(..) => 0,
    }
}

/// The address that a linker-defined symbol stands for.
fn meant(meaning: &Meaning, layout: &Layout, synth: &Synth<'_>) -> ImageAddr {
    let named = |name: &Vec<u8>| layout.named.get(name).copied().unwrap_or_default();
    match meaning {
        Meaning::Base => layout.base,
        Meaning::StartOf(Class::TlsData) => layout.tls().0.start,
        // `_TLS_MODULE_BASE_` counts like a symbol at the end of the thread-local block.
        Meaning::EndOf(Class::TlsBss) => layout.tls().1,
        Meaning::StartOf(class) => layout.class(*class).start,
        Meaning::EndOf(class) => layout.class(*class).end,
        Meaning::StartOfNamed(name) => named(name).start,
        Meaning::EndOfNamed(name) => named(name).end,
        Meaning::EndOfText => layout.regions[layout::TEXT].end,
        Meaning::EndOfData => layout.regions[layout::DATA].end,
        Meaning::StartOfBss => layout.regions[layout::BSS].start,
        Meaning::EndOfImage => layout.regions[layout::BSS].end,
        Meaning::GotOrigin => synth.addr(layout, Part::Got),
        Meaning::EhFrameHdr => layout.eh_hdr,
        Meaning::Dynamic => synth.addr(layout, Part::Dynamic),
        Meaning::IrelativeStart => synth.irelative(layout).0,
        Meaning::IrelativeEnd => synth.irelative(layout).1,
        Meaning::Nothing => synth.nothing_addr(layout),
        Meaning::Hook(hook) => synth.hook_addr(layout, *hook),
    }
}

/// Everything that a plan is made of.
pub struct Parts<'a> {
    pub program: &'a Program,
    pub resolution: &'a Resolution<'a>,
    pub layout: &'a Layout,
    pub synth: &'a Synth<'a>,
    pub slots: &'a [Slot],
    pub entry: ImageAddr,
    pub interp: Option<Vec<u8>>,
    pub phdr_count: u64,
    pub hooked: bool,
    pub shared: bool,
    /// Nothing may be lazy.
    pub eager: bool,
    /// Sections of code share no pages.
    pub apart: bool,
    /// Entry of the synthetic object, which comes last.
    pub synthetic: crate::index::store::Entry,
    /// That of the objects before it, which are empty and wait for relinks.
    pub spare: crate::index::store::Entry,
    /// Of each pack, the length of its records and the checksum of its table.
    pub packs: &'a HashMap<u64, (u64, u64)>,
}

/// Lays the plan out as bytes.
pub fn bytes(parts: &Parts<'_>) -> Vec<u8> {
    let layout = parts.layout;
    let mut strings = Vec::new();
    let mut text = |text: &[u8]| {
        let offset = strings.len() as u32;
        strings.extend_from_slice(text);
        StrRef { offset, len: text.len() as u32 }
    };
    let interp =
        parts.interp.as_ref().map_or(StrRef::default(), |path| text(&[path.as_slice(), b"\0"].concat()));
    let mut packs: Vec<PackRec> = Vec::new();
    let mut pack_numbers: HashMap<u64, u32> = HashMap::new();
    let mut objects = Vec::new();
    let spare = parts.resolution.objects.len() - parts.program.objects.len() - 1;
    let entries = parts.program.objects.iter().map(|object| &object.entry);
    let entries = entries.chain(std::iter::repeat_n(&parts.spare, spare)).chain([&parts.synthetic]);
    for (index, entry) in entries.enumerate() {
        let pack = *pack_numbers.entry(entry.pack).or_insert_with(|| {
            let (len, checksum) = parts.packs.get(&entry.pack).copied().unwrap_or_default();
            packs.push(PackRec {
                name: text(crate::index::store::pack_name(entry.pack).as_bytes()),
                len,
                checksum,
            });
            packs.len() as u32 - 1
        });
        objects.push(ObjectRec {
            pack,
            placements: layout.bases[index],
            bindings: parts.resolution.bases[index],
            reserved: 0,
            offset: entry.offset,
            len: entry.len,
            checksum: entry.checksum,
        });
    }
    // Each relink brings a pack with the records of the objects that it has changed.
    for _ in 0..SPARE_PACKS {
        packs.push(PackRec { name: text(crate::index::store::pack_name(0).as_bytes()), len: 0, checksum: 0 });
    }
    let (tls, tls_end, _) = layout.tls();
    let synth = parts.synth;
    let mut header = PlanHeader {
        magic: MAGIC,
        base: layout.base,
        limit: layout.limit,
        entry: parts.entry,
        tls_end,
        tls_start: tls.start,
        got: synth.addr(layout, Part::Got),
        got_origin: synth.addr(layout, Part::Got),
        plt: synth.addr(layout, Part::Plt),
        tls_module: synth.tls_module(layout),
        eh_hdr: layout.eh_hdr,
        eh_rows: layout.eh_rows,
        eh_frame: layout.class(Class::EhFrame).start,
        phdrs: layout.base + shared::output::IMAGE_PHDRS,
        phdr_count: parts.phdr_count,
        flags: [(parts.eager, flag::EAGER), (parts.shared, flag::SHARED), (parts.apart, flag::APART)]
            .iter()
            .filter(|(on, _)| *on)
            .fold(0, |all, (_, bit)| all | bit),
        hooks: if parts.hooked { synth.addr(layout, Part::Hooks) } else { ImageAddr(0) },
        guards: synth.addr(layout, Part::Guards),
        build_id: synth.build_id(layout).map_or(ImageAddr(0), |(addr, _)| addr),
        build_id_words: synth.build_id(layout).map_or([0; BUILD_ID_WORDS], |(_, words)| words),
        interp,
        ..PlanHeader::default()
    };
    let mut writer = Writer(vec![0; size_of::<PlanHeader>()]);
    header.regions = writer.table(&layout.regions);
    header.packs = writer.table(&packs);
    // With what the loader reads at each start.
    header.strings = writer.table(&strings);
    header.objects = writer.table(&objects);
    header.placements = writer.table(&with_spare(&layout.placements, Placement::default()));
    header.bindings = writer.table(&with_spare(&parts.resolution.bindings, 0));
    header.slots =
        writer.table(&with_spare(parts.slots, Slot { object: NONE, global: NONE, ..Slot::default() }));
    header.blocks = writer.table(&layout.blocks);
    let mut bytes = writer.0;
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    header.len = bytes.len() as u64;
    let sums: Vec<u64> = sums_of(&bytes[HEADER..]).collect();
    let top: Vec<u64> = sums_of(bytes_of(&sums)).collect();
    header.sums = checksum(bytes_of(&top));
    bytes.extend([bytes_of(&sums), bytes_of(&top)].concat());
    bytes[..HEADER].copy_from_slice(bytes_of(&[header]));
    header.checksum = checksum(&bytes[CHECKSUM_FROM..HEADER]);
    bytes[..HEADER].copy_from_slice(bytes_of(&[header]));
    bytes
}

/// A table with room for what relinks add.
fn with_spare<T: Copy>(records: &[T], filler: T) -> Vec<T> {
    let spare = SPARE + records.len() / 16;
    records.iter().copied().chain(std::iter::repeat_n(filler, spare)).collect()
}

/// Packs that relinks can bring before one of them joins what is in them.
pub const SPARE_PACKS: usize = 24;

/// Places that relinks can use in the tables of placements and bindings, at the least.
const SPARE: usize = 4096;

/// Appends tables, each at a multiple of 16.
pub struct Writer(pub Vec<u8>);

impl Writer {
    pub fn table<T: Pod>(&mut self, records: &[T]) -> Span {
        self.0.resize(align_up(self.0.len() as u64, 16) as usize, 0);
        let offset = self.0.len() as u64;
        self.0.extend_from_slice(bytes_of(records));
        Span { offset, count: records.len() as u64 }
    }
}

/// Renders the eager regions of a plan and hands the pieces to `put`, with their offsets from the image's base. Pieces
/// that are all zeroes are left out. Several threads do so at once.
pub fn render_eager<E: Send>(
    plan: &PlanView<'_>,
    objects: &(impl Objects + Sync),
    put: impl Fn(&[u8], u64) -> Result<(), E> + Sync,
) -> Result<(), Unrendered<E>> {
    let base = plan.header.base;
    let eager = plan.regions.iter().filter(|region| region.kind() == Some(RegionKind::Eager));
    let pieces: Vec<(ImageAddr, u64)> = eager
        .flat_map(|region| {
            let starts = (region.start.0..region.end.0).step_by(PIECE as usize);
            starts.map(|start| (ImageAddr(start), PIECE.min(region.end.0 - start)))
        })
        .collect();
    pieces.into_par_iter().try_for_each_init(Vec::new, |buffer: &mut Vec<u8>, (start, len)| {
        buffer.resize(len as usize, 0);
        render(plan, objects, start, buffer).map_err(Unrendered::Render)?;
        // Whole chunks that stay zero take no room.
        let is_zero = |chunk: &[u8]| chunk.iter().all(|byte| *byte == 0);
        let mut from = 0;
        while from < buffer.len() {
            let chunk = |at: usize| &buffer[at..(at + CHUNK as usize).min(buffer.len())];
            let zero = is_zero(chunk(from));
            let mut to = from + chunk(from).len();
            while to < buffer.len() && is_zero(chunk(to)) == zero {
                to += chunk(to).len();
            }
            if !zero {
                put(&buffer[from..to], start.offset_from(base) + from as u64).map_err(Unrendered::Put)?;
            }
            from = to;
        }
        Ok(())
    })
}

/// Why eager regions are not there.
pub enum Unrendered<E> {
    Render(RenderError),
    Put(E),
}

/// Regions are rendered in pieces of so many bytes, which stay in a processor's cache until they are written.
const PIECE: u64 = 256 << 10;

/// Bytes of the image file: to the end of what the eager regions reserve, so that they can grow. What nobody
/// writes takes no room on disk.
pub fn image_len(plan: &PlanView<'_>) -> u64 {
    let eager = plan.regions.iter().filter(|region| region.kind() == Some(RegionKind::Eager));
    eager.map(|region| region.limit.offset_from(plan.header.base)).max().unwrap_or(PAGE)
}
