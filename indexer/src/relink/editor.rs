//! A plan that is being changed, with a list of what was changed.

use super::Changed;
use crate::index::opened::Executable;
use crate::index::packs::{self, Pack};
use crate::index::state::{NAMES_MAGIC, NameRec, NamesHeader, State, Used, find_names};
use crate::index::store::{Store, pack_name};
use crate::index::version;
use crate::inputs::mapped::{self, Fingerprint};
use crate::inputs::shared::{self as shared_library, SharedLibrary};
use crate::plan::SPARE_PACKS;
use anyhow::{Result, anyhow};
use memmap2::MmapMut;
use shared::ImageAddr;
use shared::checksum::{BLOCK, Blocks, Summed};
use shared::plan::{
    HEADER, ObjectRec, PackRec, PatchHeader, PatchPage, PatchRec, PlanError, PlanHeader, PlanView,
    RegionKind, Slot,
};
use shared::pod::{self, Pod, Span};
use shared::record::ObjectView;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// Changes are listed in units of so many bytes.
pub const GRAIN: u64 = 64;

pub struct Editor {
    plan: MmapMut,
    /// Which blocks of the plan are what was linked, or were changed since. Rendering verifies what it uses; the rest is
    /// trusted, until a launch uses it.
    verified: Vec<AtomicU8>,
    /// Numbers of the grains that differ from the plan as written.
    pub dirty: BTreeSet<u64>,
    /// Slots whose value changed in this link.
    pub moved: HashSet<u32>,
    /// Eager pages that have to be rendered again, by their address.
    pub pages: BTreeSet<u64>,
    /// Eager pages that the patch before had.
    pub old_pages: &'static [PatchPage],
    pub old_patch: &'static [u8],
    names: &'static [u8],
    packs: Vec<Pack<'static>>,
    pub used: Used,
    /// Names that relinks added.
    pub added_names: Vec<NameRec>,
    /// Shared libraries of the link.
    pub libraries: Vec<PathBuf>,
    read_libraries: OnceLock<Vec<SharedLibrary>>,
    /// Address ranges that objects had before this link.
    left: HashMap<u32, Vec<(u64, u64)>>,
    /// Records of objects that changed, by the object's number.
    pub fresh: HashMap<u32, Vec<u8>>,
}

impl Editor {
    /// The inner error is a reason for a full link.
    pub fn open(executable: &Executable, state: &State) -> Result<Result<Self, String>> {
        let opened = executable.untouched_plan().and_then(|opened| {
            let names = mapped::map(&executable.folder.join("names"))?.0;
            find_names(names).ok_or_else(|| version::unreadable("the list of names", names, NAMES_MAGIC))?;
            Ok((opened, names))
        });
        let ((plan, old_pages, old_patch), names) = match opened {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(format!("{error:#}"))),
        };
        let verified: Vec<_> = (0..Blocks::states(plan.len() as u64)).map(|_| AtomicU8::new(0)).collect();
        let mut dirty = BTreeSet::new();
        if let Some(header) = pod::get::<PatchHeader>(old_patch, 0) {
            let edits: &[PatchRec] =
                pod::slice(old_patch, header.edits.offset, header.edits.count).unwrap_or(&[]);
            for edit in edits {
                dirty.extend(edit.offset / GRAIN..(edit.offset + edit.len).div_ceil(GRAIN));
                trust(&verified, edit.offset, edit.len);
            }
        }
        let Ok(view) = view(&plan, &verified) else {
            return Ok(Err("the plan of the index is damaged".to_owned()));
        };
        let packs = match executable.pack_files(&view) {
            Ok(files) => files.into_iter().zip(view.packs).map(|(file, pack)| Pack::new(file, pack)),
            Err(error) => return Ok(Err(format!("{error:#}"))),
        };
        let Some(packs) = packs.collect::<Option<Vec<_>>>() else {
            return Ok(Err("a pack of the index is damaged".to_owned()));
        };
        if view.objects.len() <= state.object_count() as usize {
            return Ok(Err("the index contradicts itself".to_owned()));
        }
        Ok(Ok(Self {
            plan,
            verified,
            dirty,
            moved: HashSet::new(),
            pages: BTreeSet::new(),
            old_pages,
            old_patch,
            names,
            packs,
            used: state.changes.facts.used,
            added_names: state.changes.names.clone(),
            libraries: state
                .files()
                .filter(|file| file.is_shared())
                .map(|file| file.path.to_owned())
                .collect(),
            read_libraries: OnceLock::new(),
            left: HashMap::new(),
            fresh: HashMap::new(),
        }))
    }

    pub fn view(&self) -> Result<PlanView<'_>> {
        view(&self.plan, &self.verified).map_err(|error| anyhow!("the plan contradicts itself: {error:?}"))
    }

    /// Whether the records of objects that relinks have changed are large and a third of those that they take the place
    /// of.
    pub fn is_overgrown(&self) -> Result<bool> {
        const LARGE: u64 = 1 << 20;
        let view = self.view()?;
        let (first, changed) = view.packs.split_at(self.spare_packs()?.start);
        let sum = |packs: &[PackRec]| packs.iter().map(|pack| pack.len).sum::<u64>();
        Ok(sum(changed) > LARGE && sum(changed) * 3 > sum(first))
    }

    /// The places of packs that relinks bring.
    fn spare_packs(&self) -> Result<Range<usize>> {
        let count = self.view()?.packs.len();
        Ok(count.saturating_sub(SPARE_PACKS)..count)
    }

    pub fn plan_bytes(&self) -> &[u8] {
        &self.plan
    }

    /// Replaces record `index` of a table.
    pub fn set<T: Pod>(&mut self, table: Span, index: u64, value: T) -> Result<()> {
        let size = size_of::<T>() as u64;
        let offset = table.offset + index * size;
        let places: &mut [T] = pod::slice_mut(&mut self.plan, offset, 1)
            .filter(|_| index < table.count)
            .ok_or_else(|| anyhow!("a table of the plan is full"))?;
        places[0] = value;
        self.changed(offset, size);
        Ok(())
    }

    /// Replaces bytes of the plan.
    pub fn set_bytes(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let places: &mut [u8] = pod::slice_mut(&mut self.plan, offset, bytes.len() as u64)
            .ok_or_else(|| anyhow!("a change lies outside the plan"))?;
        places.copy_from_slice(bytes);
        self.changed(offset, bytes.len() as u64);
        Ok(())
    }

    fn changed(&mut self, offset: u64, len: u64) {
        self.dirty.extend(offset / GRAIN..(offset + len).div_ceil(GRAIN));
        trust(&self.verified, offset, len);
    }

    /// The record of an object, as it is now.
    pub fn object(&self, number: u32) -> Option<ObjectView<'_>> {
        match self.fresh.get(&number) {
            Some(record) => ObjectView::new(record),
            None => self.old_object(number),
        }
    }

    /// The record of an object, as it was linked last.
    pub fn old_object(&self, number: u32) -> Option<ObjectView<'static>> {
        let (pack, record) = packs::find(&self.view().ok()?, &self.packs, number)?;
        ObjectView::verified(&pack.checked(), record)
    }

    /// The bytes of an object's record, as it was linked last, verified.
    pub fn old_record(&self, number: u32) -> Option<&'static [u8]> {
        let (pack, record) = packs::find(&self.view().ok()?, &self.packs, number)?;
        pack.verify(record).then_some(record)
    }

    /// What knows which bytes of an object's record are those that were linked.
    pub fn checked(&self, number: u32) -> Option<Blocks<'_>> {
        if self.fresh.contains_key(&number) {
            return Some(Blocks::trusted(&[]));
        }
        let (pack, _) = packs::find(&self.view().ok()?, &self.packs, number)?;
        Some(pack.checked())
    }

    /// Where the names of the program, and the dynamic relocations, are.
    pub fn names(&self) -> (&'static NamesHeader, &'static [NameRec]) {
        find_names(self.names).expect("the list was checked when it was opened")
    }

    /// The numbers in `.dynsym` of the slots that have one.
    pub fn dynamic_numbers(&self) -> HashMap<u32, u32> {
        let listed = self.names().1.iter().filter(|name| name.dynamic != 0);
        listed.map(|name| (name.slot, name.dynamic)).collect()
    }

    /// The number of a slot in `.dynsym`, or 0.
    pub fn dynamic_number(&self, slot: u32) -> u32 {
        let mut names = self.added_names.iter().chain(self.names().1);
        names.find(|name| name.slot == slot && name.dynamic != 0).map_or(0, |name| name.dynamic)
    }

    /// Notes the number of a name's slot in `.dynsym`.
    pub fn set_dynamic(&mut self, hash: u64, slot: u32, dynamic: u32) {
        match self.added_names.iter_mut().find(|name| name.hash == hash) {
            Some(name) => name.dynamic = dynamic,
            None => self.added_names.push(NameRec { hash, slot, dynamic }),
        }
    }

    /// The shared libraries of the link, in their order.
    pub fn shared_libraries(&self) -> Result<&[SharedLibrary]> {
        if self.read_libraries.get().is_none() {
            let read = |path: &PathBuf| shared_library::read(mapped::map(path)?.0, b"");
            self.read_libraries.set(self.libraries.iter().map(read).collect::<Result<_>>()?).ok();
        }
        Ok(self.read_libraries.get().map_or(&[], Vec::as_slice))
    }

    pub fn find(&self, hash: u64) -> Option<NameRec> {
        let names = self.names().1;
        let added = || self.added_names.iter().find(|name| name.hash == hash).copied();
        names.binary_search_by_key(&hash, |name| name.hash).ok().map(|found| names[found]).or_else(added)
    }

    /// The objects that mention any of these slots, and maybe others, in ascending order.
    pub fn mentioning(&self, slots: &HashSet<u32>) -> Vec<u32> {
        let mut objects: Vec<u32> = self.mentions(slots).into_iter().map(|(_, object, _)| object).collect();
        objects.sort_unstable();
        objects.dedup();
        objects
    }

    /// Each slot that is mentioned, the object, and which of its globals that would be: it may not have so many.
    pub fn mentions(&self, slots: &HashSet<u32>) -> Vec<(u32, u32, u32)> {
        let (Ok(view), false) = (self.view(), slots.is_empty()) else { return Vec::new() };
        mentions(&view, self.used.bindings, slots)
    }

    /// Adds a symbol; `None` if there is no room for one.
    pub fn add_slot(&mut self, hash: u64, slot: Slot) -> Result<Option<u32>> {
        let number = self.add_private_slot(slot)?;
        self.added_names.extend(number.map(|slot| NameRec { hash, slot, dynamic: 0 }));
        Ok(number)
    }

    /// Adds a symbol without a name; `None` if there is no room for one.
    pub fn add_private_slot(&mut self, slot: Slot) -> Result<Option<u32>> {
        let table = self.view()?.header.slots;
        if self.used.slots >= table.count {
            return Ok(None);
        }
        let number = self.used.slots as u32;
        self.set(table, u64::from(number), slot)?;
        self.used.slots += 1;
        Ok(Some(number))
    }

    /// The pages of `len` bytes at `addr` have to be rendered again, if they are eager.
    pub fn touch(&mut self, addr: ImageAddr, len: u64) {
        let eager = self.view().is_ok_and(|view| {
            view.region_at(addr).is_some_and(|region| region.kind() == Some(RegionKind::Eager))
        });
        if eager && len != 0 {
            let last = (addr + (len - 1)).page_start().0;
            self.pages.extend((addr.page_start().0..=last).step_by(shared::PAGE as usize));
        }
    }

    /// Notes that an object had this place before.
    pub fn leave(&mut self, number: u32, addr: ImageAddr, len: u64) {
        self.left.entry(number).or_default().push((addr.0, (addr + len).0));
        self.touch(addr, len);
    }

    /// The places that an object had before.
    pub fn left_by(&self, number: u32) -> Vec<(u64, u64)> {
        self.left.get(&number).cloned().unwrap_or_default()
    }

    pub fn pages(&self, kind: RegionKind) -> u64 {
        let Ok(view) = self.view() else { return 0 };
        let regions = view.regions.iter().filter(|region| region.kind() == Some(kind));
        regions.map(|region| region.len() / shared::PAGE).sum()
    }

    /// Writes the new records into a pack of their own. If all places for packs are taken, one pack gets what is still of use
    /// in all of them.
    pub fn keep_records(&mut self, store: &mut Store, state: &mut State, changed: &[Changed]) -> Result<()> {
        let view = self.view()?;
        let spare = self.spare_packs()?;
        let free = spare.clone().find(|pack| view.packs[*pack].len == 0);
        let mut records: Vec<(u32, &[u8])> = Vec::new();
        for (number, object) in (0u32..).zip(view.objects) {
            if let Some(fresh) = self.fresh.get(&number) {
                records.push((number, fresh));
            } else if free.is_none() && spare.contains(&(object.pack as usize)) {
                let bytes = self.old_record(number);
                records.push((number, bytes.ok_or_else(|| anyhow!("a record of the index is damaged"))?));
            }
        }
        let with_prints: Vec<_> = records
            .iter()
            .map(|(number, bytes)| {
                let is_known = *number < state.object_count();
                let known =
                    if is_known { state.object(*number).entry.fingerprint } else { Fingerprint::default() };
                let new = changed.iter().find(|changed| changed.object == *number);
                (*bytes, new.map_or(known, |changed| changed.fingerprint))
            })
            .collect();
        let entries = store.add(&with_prints)?;
        let numbers: Vec<u32> = records.iter().map(|(number, _)| *number).collect();
        let place = free.unwrap_or(spare.start);
        for (number, entry) in numbers.into_iter().zip(&entries) {
            let view = self.view()?;
            let (table, object) = (view.header.objects, view.objects[number as usize]);
            let (offset, len, checksum) = (entry.offset, entry.len, entry.checksum);
            self.set(
                table,
                number.into(),
                ObjectRec { pack: place as u32, offset, len, checksum, ..object },
            )?;
            if number < state.object_count() {
                state.set_object(number, |object| object.entry = *entry);
            }
        }
        for changed in changed {
            if changed.object < state.object_count() {
                state.set_object(changed.object, |object| object.offset = changed.offset);
            }
        }
        if free.is_none() && !entries.is_empty() {
            for pack in spare {
                self.set_pack(pack, 0, (0, 0))?;
                self.packs[pack] = Pack::none();
            }
        }
        let Some(pack) = entries.first().map(|entry| entry.pack) else { return Ok(()) };
        let described = store.describe([pack].into_iter())?[&pack];
        self.set_pack(place, pack, described)?;
        let file = store.pack(pack).ok_or_else(|| anyhow!("a pack that was just written is gone"))?;
        self.packs[place] = Pack::written(file, &self.view()?.packs[place]);
        Ok(())
    }

    /// Says which pack is at a place, how many bytes of records it has, and the checksum of its table.
    fn set_pack(&mut self, place: usize, pack: u64, (len, checksum): (u64, u64)) -> Result<()> {
        let header = self.view()?.header;
        let (table, strings) = (header.packs, header.strings);
        let name = self.view()?.packs[place].name;
        self.set_bytes(strings.offset + u64::from(name.offset), pack_name(pack).as_bytes())?;
        self.set(table, place as u64, PackRec { name, len, checksum })
    }
}

/// The plan, of which `verified` says what was verified before.
/// Each of these slots that objects mention, the object, and which of its globals that would be: it may not have so many.
/// `used`: how many of the plan's bindings are in use.
pub fn mentions(view: &PlanView<'_>, used: u64, slots: &HashSet<u32>) -> Vec<(u32, u32, u32)> {
    let mut is_wanted = vec![0u64; view.slots.len() / 64 + 1];
    for slot in slots {
        if let Some(word) = is_wanted.get_mut(*slot as usize / 64) {
            *word |= 1 << (slot % 64);
        }
    }
    let wanted =
        |slot: u32| is_wanted.get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 != 0);
    let mut starts: Vec<(u32, u32)> =
        (0u32..).zip(view.objects).map(|(number, object)| (object.bindings, number)).collect();
    starts.sort_unstable();
    let used = view.bindings.iter().take(used as usize);
    let mut mentions = Vec::new();
    for (place, slot) in (0u32..).zip(used).filter(|(_, slot)| wanted(**slot)) {
        let behind = starts.partition_point(|(start, _)| *start <= place);
        let Some((start, _)) = behind.checked_sub(1).and_then(|at| starts.get(at)) else { continue };
        // Objects without globals share their place with the next.
        let here = starts[..behind].iter().rev().take_while(|(other, _)| other == start);
        mentions.extend(here.map(|(_, object)| (*slot, *object, place - start)));
    }
    mentions
}

fn view<'a>(plan: &'a [u8], verified: &'a [AtomicU8]) -> Result<PlanView<'a>, PlanError> {
    let header: &PlanHeader = pod::get(plan, 0).ok_or(PlanError::Truncated)?;
    let len = header.len.checked_sub(HEADER as u64).ok_or(PlanError::Malformed)?;
    let summed = Summed::new(&plan[HEADER..], len).filter(|summed| summed.checksum() == header.sums);
    PlanView::with(Blocks::new(summed.ok_or(PlanError::Damaged)?, verified), plan)
}

/// The blocks of these bytes of the plan count as verified: they are to differ from what was written. A launch verifies
/// what was there before.
fn trust(verified: &[AtomicU8], offset: u64, len: u64) {
    let in_body = |offset: u64| offset.saturating_sub(HEADER as u64) as usize;
    let blocks = in_body(offset) / BLOCK..in_body(offset + len).div_ceil(BLOCK);
    for state in verified.get(blocks).unwrap_or(&[]) {
        state.store(1, Ordering::Relaxed);
    }
}
