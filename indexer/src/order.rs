//! The order in which runs touched the image, over launches and links.
//!
//! A run logs what it touches first. Each link folds what the logs of the generation before say into the file `order`
//! of the new one (`shared/src/log.rs`), which the next run's background follows. At a relink the addresses of what did
//! not change stay, and so do the numbers. At a full link the numbers become parts of sections, and these, at their new
//! addresses, numbers again.

use crate::index::generation::Draft;
use crate::index::opened::Executable;
use crate::index::packs::{Pack, PackObjects};
use crate::index::state::State;
use crate::inputs::{Inputs, mapped};
use crate::layout::{Layout, Touches};
use crate::load::Program;
use crate::resolve::Resolution;
use anyhow::{Context, Result};
use shared::checksum::checksum;
use shared::log::{LogEntry, ORDER_MAGIC, OrderHeader};
use shared::plan::{BlockPlace, Objects, PlanView, RegionKind, flag};
use shared::pod::bytes_of;
use shared::record::{NONE, ObjectView};
use shared::{CHUNK, ImageAddr, PAGE};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

/// Name of the order in the folder of a generation.
pub const FILE: &str = "order";

/// The logs of a generation: the one with the most first touches of those that were replaced, and that of the last run.
const LOGS: [&str; 2] = ["touched", "log"];

/// What runs touched, in the order of first touch: pages where a precise log says which, else chunks. Numbers are counted
/// from the base of the image.
#[derive(Default)]
pub struct Order {
    pages: Vec<u32>,
    chunks: Vec<u32>,
    known_pages: HashSet<u32>,
    /// Those in `chunks`, and those with a page in `pages`.
    known_chunks: HashSet<u32>,
}

impl Order {
    /// All that runs of a generation, and of those before it, touched.
    pub fn of(executable: &Executable, plan: &PlanView<'_>) -> Self {
        // Where each function has pages of its own, a log says more than all that is known from before.
        if plan.header.flags & flag::APART != 0 {
            let mut exact = Self::default();
            exact.fold_logs(executable, plan);
            if !exact.pages.is_empty() {
                return exact;
            }
        }
        let mut order = Self::read(executable);
        order.fold_logs(executable, plan);
        order
    }

    /// Numbers of pages.
    pub fn pages(&self) -> impl Iterator<Item = u32> {
        self.pages.iter().copied()
    }

    /// Numbers of chunks of which no page is listed.
    pub fn chunks(&self) -> impl Iterator<Item = u32> {
        self.chunks.iter().copied()
    }

    fn is_empty(&self) -> bool {
        self.pages.is_empty() && self.chunks.is_empty()
    }

    /// How much it lists: what is new makes one of these numbers another one.
    fn counts(&self) -> (usize, usize) {
        (self.pages.len(), self.chunks.len())
    }

    /// Adds a page that is not listed yet.
    fn add_page(&mut self, page: u32) {
        if self.known_pages.insert(page) {
            self.pages.push(page);
            self.known_chunks.insert(chunk_of(page));
        }
    }

    /// Adds a chunk of which nothing is listed yet.
    fn add_chunk(&mut self, chunk: u32) {
        if self.known_chunks.insert(chunk) {
            self.chunks.push(chunk);
        }
    }

    fn add(&mut self, unit: u64, number: u32) {
        if unit == PAGE { self.add_page(number) } else { self.add_chunk(number) }
    }

    /// Drops the chunks of which pages are listed.
    fn settle(&mut self) {
        let precise: HashSet<u32> = self.pages.iter().copied().map(chunk_of).collect();
        self.chunks.retain(|chunk| !precise.contains(chunk));
    }

    /// What the file of a generation says.
    fn read(executable: &Executable) -> Self {
        let mut order = Self::default();
        let file = mapped::map(&executable.folder.join(FILE)).map(|(bytes, _)| bytes).unwrap_or_default();
        let (pages, chunks) = shared::log::order(file, executable.config.plan).unwrap_or_default();
        pages.iter().for_each(|page| order.add_page(*page));
        chunks.iter().for_each(|chunk| order.add_chunk(*chunk));
        order
    }

    /// Adds what the logs of the generation say: touched first what a thread of the program touched, then what the
    /// background brought. A log without first touches adds nothing.
    fn fold_logs(&mut self, executable: &Executable, plan: &PlanView<'_>) {
        for name in LOGS {
            let Ok((bytes, _)) = mapped::map(&executable.folder.join(name)) else { continue };
            let Some((header, entries)) = shared::log::read(bytes) else { continue };
            if header.generation != executable.config.plan || header.faults == 0 {
                continue;
            }
            let touched = entries.iter().filter(|entry| !entry.is_background());
            let background = entries.iter().filter(|entry| entry.is_background());
            // An entry that a run is just writing has any number.
            let numbers = touched.chain(background).map(LogEntry::number);
            for number in numbers.filter(|number| is_lazy(plan, header.unit, *number)) {
                self.add(header.unit, number);
            }
        }
        self.settle();
    }

    fn bytes(&self, plan: u64) -> Vec<u8> {
        let header = OrderHeader {
            magic: ORDER_MAGIC,
            checksum: 0,
            plan,
            pages: self.pages.len() as u64,
            chunks: self.chunks.len() as u64,
        };
        let mut bytes = [bytes_of(&[header]), bytes_of(&self.pages), bytes_of(&self.chunks)].concat();
        let sum = checksum(&bytes[16..]);
        bytes[8..16].copy_from_slice(&sum.to_le_bytes());
        bytes
    }
}

fn chunk_of(page: u32) -> u32 {
    page / (CHUNK / PAGE) as u32
}

fn is_lazy(plan: &PlanView<'_>, unit: u64, number: u32) -> bool {
    let start = plan.header.base + u64::from(number) * unit;
    let lazy = plan.regions.iter().filter(|region| region.kind() == Some(RegionKind::Lazy));
    lazy.into_iter().any(|region| start < region.end && region.start < start + unit)
}

/// The chunks that runs of a generation, and of those before it, touched: first touched first.
pub fn of_generation(executable: &Executable) -> Result<Vec<u32>> {
    let (plan, _, _) = executable.untouched_plan()?;
    let view = view(&plan)?;
    let order = Order::of(executable, &view);
    let mut seen = HashSet::new();
    let all = order.pages.iter().copied().map(chunk_of).chain(order.chunks.iter().copied());
    Ok(all.filter(|chunk| seen.insert(*chunk)).collect())
}

fn view(plan: &[u8]) -> Result<PlanView<'_>> {
    PlanView::new(plan).map_err(|error| anyhow::anyhow!("the plan is damaged: {error:?}"))
}

/// Gives the next generation of the same plan the order, with what is new in the logs.
pub fn hand_on(before: &Executable, plan: &PlanView<'_>, draft: &Draft) -> Result<()> {
    let known = Order::read(before).counts();
    let order = Order::of(before, plan);
    if order.is_empty()
        || known == order.counts() && fs::hard_link(before.folder.join(FILE), draft.path(FILE)).is_ok()
    {
        return Ok(());
    }
    draft.write(FILE, &order.bytes(before.config.plan))
}

/// A part of a section that runs touched.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub object: u32,
    pub section: u32,
    /// Bytes from the start of the section.
    pub from: u64,
    to: u64,
    /// What it was touched with: a page or a chunk of the link before, at this address.
    unit: u64,
    place: ImageAddr,
}

/// What runs touched of the objects of this link, first touched first.
#[derive(Default)]
pub struct Touched(Vec<Piece>);

impl Touched {
    /// What is known from the generation before. What cannot be read is as if nothing had been touched.
    pub fn before(
        executable: &Executable,
        program: &Program,
        inputs: &Inputs,
        resolution: &Resolution<'_>,
    ) -> Result<Self> {
        let (plan, _, _) = executable.untouched_plan()?;
        let view = view(&plan)?;
        let order = Order::of(executable, &view);
        if order.is_empty() {
            return Ok(Self::default());
        }
        let packs = executable.pack_files(&view)?.into_iter().zip(view.packs);
        let packs = packs.map(|(file, record)| Pack::new(file, record)).collect::<Option<Vec<_>>>();
        let objects = PackObjects { plan: view, packs: packs.context("a pack of the index is damaged")? };
        let state = State::open_untouched(&executable.folder).context("the state is damaged")?;
        let mut now = Now::new(&state, program, inputs, resolution);
        let mut touched = Vec::new();
        let pages = order.pages.iter().map(|page| (*page, PAGE));
        for (number, unit) in pages.chain(order.chunks.iter().map(|chunk| (*chunk, CHUNK))) {
            let start = view.header.base + u64::from(number) * unit;
            for piece in pieces(&view, &objects, start, unit) {
                touched.extend(now.find(&view, &objects, piece));
            }
        }
        Ok(Self(touched))
    }

    /// When each section was touched, for layout: as far as pages say it. That a chunk was touched says so little of what is in
    /// it that places by chunks are no better than those that there are.
    pub fn touches(&self) -> Touches {
        let mut touches = Touches::new();
        let mut number = 0;
        let mut last = None;
        for piece in self.0.iter().filter(|piece| piece.unit == PAGE) {
            // What a page held is not torn apart.
            if last != Some(piece.place) {
                (number, last) = (number + 1, Some(piece.place));
            }
            touches.entry(piece.object).or_default().entry(piece.section).or_insert(number);
        }
        touches
    }

    /// The order of the new addresses, as a file; nothing if nothing was touched.
    pub fn order(&self, layout: &Layout, plan: u64) -> Option<Vec<u8>> {
        let mut order = Order::default();
        for piece in &self.0 {
            let start = layout.placement(piece.object as usize, piece.section).addr();
            let number = |offset: u64| (start + offset).offset_from(layout.base) / piece.unit;
            for number in number(piece.from)..=number(piece.to - 1) {
                order.add(piece.unit, number as u32);
            }
        }
        order.settle();
        (!order.is_empty()).then(|| order.bytes(plan))
    }
}

/// The parts of sections that lie in `len` bytes from `start` on.
pub fn pieces(view: &PlanView<'_>, objects: &PackObjects<'_>, start: ImageAddr, len: u64) -> Vec<Piece> {
    let end = start + len;
    let first = view.blocks.partition_point(|place| place.addr + place.capacity <= start);
    let places = view.blocks.iter().skip(first).take_while(|place| place.addr < end);
    places
        .filter(|place| place.block != NONE)
        .filter_map(|place| {
            let object = objects.object(place.object)?;
            Some(pieces_of(view, &object, place, start, end))
        })
        .flatten()
        .map(|piece| Piece { unit: len, ..piece })
        .collect()
}

fn pieces_of(
    view: &PlanView<'_>,
    object: &ObjectView<'_>,
    place: &BlockPlace,
    start: ImageAddr,
    end: ImageAddr,
) -> Vec<Piece> {
    let (first, sections) = object.sections_in(place.first, place.count);
    let base = view.objects.get(place.object as usize).map_or(0, |object| object.placements as usize) + first;
    let placed = view.placements.get(base..base + sections.len()).unwrap_or(&[]);
    // Addresses ascend. One section that begins before the start may reach behind it.
    let from = placed.partition_point(|placement| placement.addr() <= start);
    let from = placed[..from].iter().rposition(|placement| placement.is_live()).unwrap_or(0);
    let all = sections.iter().zip(placed).enumerate().skip(from);
    all.take_while(|(_, (_, placed))| placed.addr() < end)
        .map(|(index, (section, placed))| (index, section, placed))
        .filter(|(_, section, placed)| {
            placed.is_live() && placed.addr() + section.size > start && section.size != 0
        })
        .map(|(index, section, placed)| Piece {
            object: place.object,
            section: (first + index) as u32,
            from: start.0.saturating_sub(placed.addr().0),
            to: end.offset_from(placed.addr()).min(section.size),
            unit: 0,
            place: start,
        })
        .collect()
}

/// An object by its name: its file, and the member of an archive.
type Name<'a> = (&'a Path, &'a [u8]);

/// Finds the objects of the link before in this one: by their names, else by their contents. What is in none of those
/// found is looked for by the names of sections, which for functions are their own.
struct Now<'a> {
    state: &'a State,
    program: &'a Program,
    inputs: &'a Inputs,
    resolution: &'a Resolution<'a>,
    by_name: HashMap<Name<'a>, u32>,
    by_content: HashMap<[u64; 2], u32>,
    /// Of the objects that are in no list of the link before; made when one is missing.
    new_sections: Option<HashMap<&'a [u8], (u32, u32)>>,
    /// What became of objects that were looked for.
    found: HashMap<u32, Found<'a>>,
}

enum Found<'a> {
    /// The same contents.
    Same(u32),
    /// Another record: its sections by name, those of one name in their order.
    Other(u32, HashMap<&'a [u8], Vec<u32>>),
    Gone,
}

impl<'a> Now<'a> {
    fn new(
        state: &'a State,
        program: &'a Program,
        inputs: &'a Inputs,
        resolution: &'a Resolution<'a>,
    ) -> Self {
        let (mut by_name, mut by_content) = (HashMap::new(), HashMap::new());
        for (number, object) in (0u32..).zip(&program.objects) {
            let path = inputs.files[object.file as usize].path.as_path();
            by_name.entry((path, object.member.as_slice())).or_insert(number);
            by_content.entry(object.entry.content).or_insert(number);
        }
        Self {
            state,
            program,
            inputs,
            resolution,
            by_name,
            by_content,
            new_sections: None,
            found: HashMap::new(),
        }
    }

    /// Where a part of a section of the link before is now.
    fn find(&mut self, view: &PlanView<'_>, objects: &PackObjects<'_>, piece: Piece) -> Option<Piece> {
        let record = objects.object(piece.object)?;
        let name = record.string(record.sections.get(piece.section as usize)?.name);
        if !self.found.contains_key(&piece.object) {
            let found = self.object(view, piece.object);
            self.found.insert(piece.object, found);
        }
        let (object, section) = match &self.found[&piece.object] {
            Found::Same(object) => (*object, piece.section),
            Found::Other(object, sections) => {
                let before = &record.sections[..piece.section as usize];
                let nth = before.iter().filter(|section| record.string(section.name) == name).count();
                (*object, *sections.get(name)?.get(nth)?)
            }
            Found::Gone => self.new_section(name)?,
        };
        let new = self.resolution.objects.get(object as usize)?.sections.get(section as usize)?;
        let to = piece.to.min(new.size);
        let is_live = self.resolution.is_live(object as usize, section);
        (is_live && piece.from < to).then_some(Piece { object, section, to, ..piece })
    }

    fn object(&self, view: &PlanView<'_>, number: u32) -> Found<'a> {
        let own = self.resolution.objects.len() as u32 - 1;
        if number as usize + 1 == view.objects.len() {
            return self.other(own);
        }
        if number >= self.state.object_count() {
            return Found::Gone;
        }
        let object = self.state.object(number);
        let content = object.entry.content;
        if object.is_gone() {
            return Found::Gone;
        }
        let name = (self.state.file(object.file).path, object.member);
        let named = self.by_name.get(&name).copied();
        let content_of = |number: u32| self.program.objects[number as usize].entry.content;
        match (named, self.by_content.get(&content)) {
            (Some(named), _) if content_of(named) == content => Found::Same(named),
            (_, Some(same)) => Found::Same(*same),
            (Some(named), None) => self.other(named),
            (None, None) => Found::Gone,
        }
    }

    fn other(&self, object: u32) -> Found<'a> {
        let view = &self.resolution.objects[object as usize];
        let mut sections: HashMap<&[u8], Vec<u32>> = HashMap::new();
        for (number, section) in (0u32..).zip(view.sections) {
            sections.entry(view.string(section.name)).or_default().push(number);
        }
        Found::Other(object, sections)
    }

    /// A section of this name in an object that is new.
    fn new_section(&mut self, name: &[u8]) -> Option<(u32, u32)> {
        if !name.strip_prefix(b".").is_some_and(|rest| rest.contains(&b'.')) {
            return None;
        }
        let sections = self.new_sections.get_or_insert_with(|| {
            let old: Vec<_> = self.state.objects().filter(|object| !object.is_gone()).collect();
            let names: HashSet<Name<'_>> =
                old.iter().map(|object| (self.state.file(object.file).path, object.member)).collect();
            let contents: HashSet<[u64; 2]> = old.iter().map(|object| object.entry.content).collect();
            let mut sections = HashMap::new();
            for (number, object) in (0u32..).zip(&self.program.objects) {
                let path = self.inputs.files[object.file as usize].path.as_path();
                if names.contains(&(path, object.member.as_slice()))
                    || contents.contains(&object.entry.content)
                {
                    continue;
                }
                let view = &self.resolution.objects[number as usize];
                for (section, record) in (0u32..).zip(view.sections) {
                    sections.entry(view.string(record.name)).or_insert((number, section));
                }
            }
            sections
        });
        sections.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Order;
    use shared::{CHUNK, PAGE};

    #[test]
    fn pages_take_the_place_of_their_chunks() {
        let mut order = Order::default();
        [7, 3, 7].into_iter().for_each(|chunk| order.add(CHUNK, chunk));
        // Page 50 is in chunk 3, page 1 in chunk 0.
        [50, 1, 50].into_iter().for_each(|page| order.add(PAGE, page));
        order.settle();
        [3, 0, 9].into_iter().for_each(|chunk| order.add(CHUNK, chunk));
        assert_eq!((order.pages.as_slice(), order.chunks.as_slice()), (&[50, 1][..], &[7, 9][..]));
        let bytes = order.bytes(12);
        assert_eq!(shared::log::order(&bytes, 12), Some((&[50, 1][..], &[7, 9][..])));
        assert_eq!(shared::log::order(&bytes, 13), None);
    }
}
