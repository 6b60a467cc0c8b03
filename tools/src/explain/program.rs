//! A generation, opened to be asked about: plan, records, and the names of objects.
//!
//! Everything is mapped for the rest of the process and read as it is asked for. The plan is verified as a whole, a record
//! when something of it is used.

use anyhow::{Context, Result, bail};
use indexer::debug;
use indexer::index::opened::Executable;
use indexer::index::packs::{self, Pack, PackObjects};
use indexer::index::state::State;
use indexer::index::version;
use indexer::inputs::mapped::{self, Fingerprint};
use indexer::inputs::shared::{self as library, SharedLibrary};
use indexer::message::demangle;
use indexer::object::show;
use indexer::relink::{self, NEEDED, Needed};
use indexer::verify::place::{Place, Places};
use rayon::prelude::*;
use shared::ImageAddr;
use shared::plan::{Objects, PatchPage, PlanView, RegionKind, Slot, flag};
use shared::pod::StrRef;
use shared::record::{GlobalRec, ObjectView, SectionRec};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

/// A generation of a program or of a shared library.
pub struct Program {
    /// As it was named, or found.
    pub app: PathBuf,
    pub executable: Executable,
    pub plan: PlanView<'static>,
    pub objects: &'static PackObjects<'static>,
    pub state: State,
    /// Eager pages that relinks have made again.
    pub patched: &'static [PatchPage],
    /// Why members were loaded; `None`: that file is damaged.
    pub needed: Option<Needed<'static>>,
    libraries: OnceLock<Vec<Library>>,
    /// Objects that were asked for.
    data: Mutex<HashMap<u32, Option<&'static [u8]>>>,
}

/// A shared library of the program.
pub struct Library {
    pub path: PathBuf,
    /// `None`: it cannot be read any more, or was changed since the link.
    pub read: Option<SharedLibrary>,
}

/// A section of an object, and an offset in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    pub object: u32,
    pub section: u32,
    pub offset: u64,
}

/// A global of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mention {
    pub object: u32,
    pub global: u32,
}

impl Program {
    pub fn open(app: &Path, executable: Executable) -> Result<Self> {
        let name = app.display();
        let folder = executable.folder.clone();
        if !folder.is_dir() {
            bail!("{name}: generation {} is gone: {}", executable.config.generation, folder.display());
        }
        let (plan, patched, patch) = executable.plan()?;
        let plan: &'static [u8] = Box::leak(Box::new(plan));
        let plan = PlanView::new(plan).map_err(|error| version::plan_error("the plan", error))?;
        let patch_sum = patch.get(8..16).and_then(|sum| sum.try_into().ok()).map_or(0, u64::from_le_bytes);
        if (plan.header.checksum, patch_sum) != (executable.config.plan, executable.config.patch) {
            bail!("{name}: its generation is gone: {} is of another link", folder.display());
        }
        let files = executable.pack_files(&plan)?;
        let packs = files.into_iter().zip(plan.packs).map(|(file, record)| Pack::new(file, record));
        let packs = packs.collect::<Option<_>>();
        let packs = packs.with_context(|| format!("{name}: the index has a damaged pack; link again"))?;
        let objects: &'static _ = Box::leak(Box::new(PackObjects { plan, packs }));
        let state = State::open(&folder)
            .with_context(|| format!("{name}: the state of the link is damaged; link again"))?;
        let needed = mapped::map(&folder.join(NEEDED)).ok().and_then(|(bytes, _)| Needed::read(bytes));
        let (libraries, data) = Default::default();
        Ok(Self { app: app.to_owned(), executable, plan, objects, state, patched, needed, libraries, data })
    }

    pub fn is_library(&self) -> bool {
        self.plan.header.flags & flag::SHARED != 0
    }

    /// The folder of all generations.
    pub fn output_folder(&self) -> &Path {
        self.executable.folder.parent().unwrap_or(&self.executable.folder)
    }

    fn places(&self) -> Places<'_> {
        Places { plan: self.plan, objects: self.objects, state: Some(&self.state) }
    }

    /// The numbers of the program's objects, in no order.
    pub fn live(&self) -> Vec<u32> {
        (0..self.state.object_count()).filter(|number| !self.state.object(*number).is_gone()).collect()
    }

    /// The record of an object; `None` if it is damaged.
    pub fn record(&self, object: u32) -> Option<ObjectView<'static>> {
        self.objects.object(object)
    }

    /// Says so if the record of an object is not what was linked.
    pub fn verify(&self, object: u32) -> Result<()> {
        let found = packs::find(&self.plan, &self.objects.packs, object);
        match found.is_some_and(|(pack, bytes)| pack.verify(bytes)) {
            true => Ok(()),
            false => bail!("the record of {} is damaged; link again", self.object_name(object)),
        }
    }

    /// An object as it was linked; `None` if it was changed or removed since, and nobody holds it.
    pub fn data(&self, object: u32) -> Option<&'static [u8]> {
        let known = || self.data.lock().ok()?.get(&object).copied();
        known().unwrap_or_else(|| {
            let found = debug::object_data(&self.state, self.output_folder(), object).ok().flatten();
            if let Ok(mut data) = self.data.lock() {
                data.insert(object, found);
            }
            found
        })
    }

    /// The linker's own object: GOT, PLT, dynamic tables, copies.
    pub fn own(&self) -> u32 {
        (self.plan.objects.len() as u32).saturating_sub(1)
    }

    pub fn object_name(&self, object: u32) -> String {
        self.places().object(object)
    }

    /// The file that an object is or is in, and its name there.
    pub fn file_of(&self, object: u32) -> Option<(PathBuf, &'static [u8])> {
        let known = (object < self.state.object_count()).then(|| self.state.object(object))?;
        (known.file < self.state.file_count())
            .then(|| (self.state.file(known.file).path.to_owned(), known.member))
    }

    /// Its place in the program: what comes first wins.
    pub fn position(&self, object: u32) -> u32 {
        match object < self.state.object_count() {
            true => self.state.object(object).position,
            false => u32::MAX,
        }
    }

    pub fn section(&self, object: u32, section: u32) -> Option<(ObjectView<'static>, &'static SectionRec)> {
        let record = self.record(object)?;
        Some((record, record.sections.get(section as usize)?))
    }

    pub fn section_name(&self, object: u32, section: u32) -> String {
        match self.section(object, section) {
            Some((record, found)) => show(record.string(found.name)).into_owned(),
            None => format!("section {section}"),
        }
    }

    /// `file(member):(section+offset)`, as messages of ld have it.
    pub fn spot_name(&self, spot: Spot) -> String {
        let Spot { object, section, offset } = spot;
        format!("{}:({}+{offset:#x})", self.object_name(object), self.section_name(object, section))
    }

    /// Where a place of an object is in the image, if it is part of the program.
    pub fn address(&self, spot: Spot) -> Option<u64> {
        let placement = self.plan.placement(spot.object, spot.section)?;
        placement.is_live().then(|| placement.addr().0.wrapping_add(spot.offset))
    }

    pub fn find(&self, address: u64) -> Option<Place> {
        self.places().find(ImageAddr(address))
    }

    /// Whether an address is one of the image.
    pub fn has(&self, address: u64) -> bool {
        self.plan.region_at(ImageAddr(address)).is_some()
    }

    pub fn region_kind(&self, address: u64) -> Option<RegionKind> {
        self.plan.region_at(ImageAddr(address)).and_then(|region| region.kind())
    }

    pub fn slot(&self, number: u32) -> Option<&'static Slot> {
        self.plan.slots.get(number as usize)
    }

    /// The slot of a global of an object.
    pub fn slot_number(&self, mention: Mention) -> Option<u32> {
        let first = self.plan.objects.get(mention.object as usize)?.bindings as usize;
        self.plan.bindings.get(first.checked_add(mention.global as usize)?).copied()
    }

    pub fn global(&self, mention: Mention) -> Option<(ObjectView<'static>, &'static GlobalRec)> {
        let record = self.record(mention.object)?;
        Some((record, record.globals.get(mention.global as usize)?))
    }

    /// The name that a slot stands for; none of a local symbol.
    pub fn slot_name(&self, number: u32) -> Option<&'static [u8]> {
        let slot = self.slot(number)?;
        let (record, global) = self.global(Mention { object: slot.object, global: slot.global })?;
        (global.name.len != 0).then(|| record.string(global.name))
    }

    /// Every global of every object that is bound to a slot, in the order of the program.
    pub fn mentions(&self, slot: u32) -> Vec<Mention> {
        let used = self.state.changes.facts.used.bindings;
        let mut found: Vec<Mention> = relink::mentions(&self.plan, used, &HashSet::from([slot]))
            .into_iter()
            .map(|(_, object, global)| Mention { object, global })
            .filter(|mention| mention.object != self.own() && self.global(*mention).is_some())
            .collect();
        found.sort_by_key(|mention| (self.position(mention.object), mention.global));
        found
    }

    /// The objects that have a COMDAT group of this signature, in the order of the program.
    pub fn groups(&self, hash: u64) -> Vec<u32> {
        let has = |object: &u32| {
            self.record(*object).is_some_and(|record| record.groups.iter().any(|group| group.hash == hash))
        };
        let mut found: Vec<u32> = self.live().into_par_iter().filter(has).collect();
        found.sort_by_key(|object| self.position(*object));
        found
    }

    /// The shared libraries that the program was linked with, in the order of the command line.
    pub fn libraries(&self) -> &[Library] {
        self.libraries.get_or_init(|| {
            let files: Vec<_> = self.state.files().filter(|file| file.is_shared()).collect();
            let read = |file: &indexer::index::state::File<'_>| {
                let same = Fingerprint::at(file.path).is_some_and(|now| file.fingerprint.may_be(&now));
                let name = file.path.file_name().unwrap_or_default().as_encoded_bytes();
                let read = || library::read(mapped::map(file.path).ok()?.0, name).ok();
                Library { path: file.path.to_owned(), read: if same { read() } else { None } }
            };
            files.par_iter().map(read).collect()
        })
    }
}

/// A symbol that a section of an object has.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub value: u64,
    pub size: u64,
    pub kind: u8,
    pub global: Option<u32>,
}

/// The symbols in a section that the index knows, sorted by their place: globals, and the functions that are local.
pub fn symbols_in(record: &ObjectView<'_>, section: u32) -> Vec<Named> {
    let name = |at: StrRef| show(record.string(at)).into_owned();
    let globals =
        (0u32..).zip(record.globals).filter(|(_, global)| global.section == section && global.name.len != 0);
    let globals = globals.map(|(number, global)| Named {
        name: name(global.name),
        value: global.value,
        size: global.size,
        kind: global.kind,
        global: Some(number),
    });
    let locals = record.functions.iter().filter(|function| function.section == section);
    let locals = locals.map(|function| Named {
        name: name(function.name),
        value: function.value,
        size: function.size,
        kind: object::elf::STT_FUNC,
        global: None,
    });
    let mut all: Vec<Named> = globals.chain(locals).collect();
    all.sort_by(|a, b| (a.value, a.global, &a.name).cmp(&(b.value, b.global, &b.name)));
    all
}

/// The symbol that a place in a section belongs to: one that covers it, else the last one in front of it without a size.
pub fn symbol_at(symbols: &[Named], offset: u64) -> Option<&Named> {
    let covers = |symbol: &&Named| symbol.value <= offset && offset - symbol.value < symbol.size;
    let exact = |symbol: &&Named| symbol.value == offset;
    let unsized_before = |symbol: &&Named| symbol.value <= offset && symbol.size == 0;
    symbols
        .iter()
        .find(covers)
        .or_else(|| symbols.iter().find(exact))
        .or_else(|| symbols.iter().rfind(unsized_before))
}

/// The name that a programmer wrote; that of a version stays with it.
pub fn readable(name: &str) -> String {
    demangle(name)
}
