//! The phases of a link, in their order. Each turns values into a value; later ones only read earlier ones.

use crate::args::{Request, expression};
use crate::complete;
use crate::emit::{self, Identity};
use crate::evident;
use crate::image;
use crate::index::changes::Print;
use crate::index::gc;
use crate::index::generation::{self, Draft};
use crate::index::lock;
use crate::index::packs::{Pack, PackObjects};
use crate::index::pinned;
use crate::index::state::{self, NameRec, NamesHeader, Reread, State, Status, Used};
use crate::index::store::Store;
use crate::inputs::{self, Inputs};
use crate::layout::{self, Layout};
use crate::library;
use crate::load::{self, Known, Program};
use crate::message::{self, Messages};
use crate::object::build;
use crate::order::{self, Touched};
use crate::plan;
use crate::progress;
use crate::relink;
use crate::report::{self, Facts};
use crate::resolve::{self, Resolution, SymbolId, check, guards, linker_symbols, needs, reach, scope};
use crate::say;
use crate::symbols;
use crate::synth::{Part, Placed, Synth, notes};
use crate::timing::Timing;
use anyhow::{Context, Result, anyhow, bail};
use shared::ImageAddr;
use shared::image::ImagePrint;
use shared::plan::{PlanView, RegionKind};
use shared::record::{ObjectView, flag};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Objects that relinks can add, at the least.
const SPARE_OBJECTS: usize = 64;

/// Links. Returns false if the program has errors, which were printed.
pub fn link(request: &Request) -> Result<bool> {
    if let Some(threads) = request.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().ok();
    }
    let mut timing = Timing::default();
    // The index may be made beside the output, but not the folder that the output is to be in.
    emit::check_folder(&request.output)?;
    let index = crate::index::folder(request.index.as_deref(), &request.output)?;

    let _lock = lock::shared(&index);

    // The generation before -> the next one, if what changed allows it.
    let why_full = match relink::relink(request, &index, &mut timing).or_else(relink::full_instead)? {
        relink::Outcome::Done(done) => {
            let (status, state) = *done;
            message::print_warnings(request, &status.warnings);
            report(request, &status, || state.files().map(|file| file.path.to_owned()).collect())?;
            if request.time {
                timing.print();
            }
            return Ok(true);
        }
        relink::Outcome::Full(why) => why,
    };

    let name = request.output.file_name().unwrap_or_default().to_string_lossy();
    let _progress = progress::start(&format!("linking {name}"), request.progress);

    // Command line -> files.
    progress::phase("opening inputs", 0);
    let mut inputs = inputs::collect(request)?;
    timing.phase("inputs");

    // Files -> records. Only here are objects read, and only those that the index does not know.
    progress::phase("reading objects", 0);
    let mut store = Store::open(&index)?;
    let mut known = Known::new(&index, &relink::state_before(request, &index));
    let program = load::load(request, &mut inputs, &mut known, &mut store, &mut timing)?;
    let folder = generation::output_folder(&index, &request.output)?;
    if !request.shared {
        hold_objects(&folder, &program, &mut inputs);
    }
    timing.phase("records");
    // From here no object is added.

    // Records -> bindings.
    progress::phase("resolving symbols", 0);
    let mut resolution = resolve::resolve(request, &program, &inputs);
    let mut meanings = linker_symbols::define(request, &mut resolution);
    linker_symbols::define_versions(request, &inputs, &mut resolution);
    let scope = scope::scope(request, &resolution, &inputs);
    let facts = Facts { request, program: &program, inputs: &inputs, resolution: &resolution };
    facts.trace_symbols();
    let mut messages = Messages::new(&program, &inputs.files, request.demangle);
    check::check(request, &resolution, &scope, &inputs, &mut messages);
    let stack = check::stack(request, &resolution, &mut messages);
    let Some(warnings) = messages.print(request) else { return Ok(false) };
    let guards = guards::guards(request, &inputs, &mut resolution);
    let hooks = match guards.search {
        None => linker_symbols::hook(request, &mut resolution, &mut meanings),
        Some(_) => Vec::new(),
    };
    timing.phase("resolution");
    // From here no symbol is added or bound anew.

    // Bindings -> what the linker has to make, and how large it is.
    let dead = resolve::library::dead_symbols(request, &resolution, &scope);
    let needs = needs::needs(request, &resolution, &inputs, &scope, &dead);
    if request.shared {
        let mut messages = Messages::new(&program, &inputs.files, request.demangle);
        let hand_on = resolve::library::check_addresses(&resolution, &needs.facts, &mut messages);
        if messages.print(request).is_none() {
            return Ok(false);
        }
        if let Some(why) = hand_on {
            return Err(why.into());
        }
    }
    let synth = Synth::measure(
        request,
        &resolution,
        &needs,
        &scope,
        &inputs,
        (&hooks, &guards),
        notes::identity(program.objects.iter().map(|object| object.entry.content)),
    );
    let shape = synth.record(&resolution, None).leak();
    let shape = ObjectView::new(shape).context("the linker's own record contradicts itself")?;
    let empty: &'static [u8] = build::empty().leak();
    let spare = ObjectView::new(empty).context("an empty record contradicts itself")?;
    resolution.add_spare(spare, SPARE_OBJECTS + program.objects.len() / 16);
    // What relinks bind anew is bound to nothing until then: the first spare slot.
    let free = resolution.symbols.len() as SymbolId;
    resolution.add_synthetic(shape, &synth.referenced(free));
    timing.phase("synthesis");

    // What runs of the generation before touched -> the same sections of this program.
    let touched = match relink::executable_before(request, &folder).filter(|_| !request.shared) {
        Some(before) => Touched::before(&before, &program, &inputs, &resolution).unwrap_or_default(),
        None => Touched::default(),
    };
    timing.phase("order");

    // Sizes -> addresses.
    let layout = layout::layout(request, &resolution, &touched.touches());
    check_reach(request, &layout)?;
    let slots = plan::slots(request, &resolution, &needs, &layout, &synth, &meanings);
    let messages = Messages::new(&program, &inputs.files, request.demangle);
    reach::check(request, &resolution, &layout, &slots, &messages)?;
    Facts { request, program: &program, inputs: &inputs, resolution: &resolution }.write(&layout, &slots)?;
    timing.phase("layout");
    // From here addresses are final.

    // Addresses -> plan, and beside it what only relinks and debuggers read.
    progress::phase("writing", 0);
    let value = |id: SymbolId| slots[id as usize].value;
    let interp = request.interp.as_ref().filter(|_| !request.is_static && !request.shared);
    let interp = interp.map(|path| path.as_bytes().to_vec());
    let phdrs = emit::image_phdrs(&layout, &synth, interp.is_some(), stack, request.relro);
    let draft = Draft::new(&folder)?;
    let used = Used {
        placements: layout.placements.len() as u64,
        bindings: resolution.bindings.len() as u64,
        slots: slots.len() as u64 + 1,
    };
    let make_plan = || -> Result<(Vec<u8>, ImagePrint)> {
        let relocations = match request.shared {
            true => synth.relocation_tables(&resolution, &layout, &slots),
            false => Default::default(),
        };
        let placed = Placed { layout: &layout, slots: &slots, relocations };
        let record = synth.record(&resolution, Some(&placed));
        let [synthetic, spare] =
            store.add(&[(&record, Default::default()), (empty, Default::default())])?[..]
        else {
            bail!("records of the linker's own are missing");
        };
        let packs =
            store.describe(program.objects.iter().map(|object| object.entry.pack).chain([synthetic.pack]))?;
        let bytes = plan::bytes(&plan::Parts {
            program: &program,
            resolution: &resolution,
            layout: &layout,
            synth: &synth,
            slots: &slots,
            entry: entry(request, &resolution, &layout, &value),
            interp: interp.clone(),
            phdr_count: phdrs.len() as u64,
            hooked: hooks.iter().any(Option::is_some),
            shared: request.shared,
            eager: guards::takes_signals(request, &inputs, &resolution, &guards),
            apart: request.place_apart && !request.shared,
            synthetic,
            spare,
            packs: &packs,
        });
        timing.phase("plan");
        draft.write("plan", &bytes)?;
        let view = plan_view(&bytes)?;
        if request.shared {
            return Ok((bytes, ImagePrint::default()));
        }
        let objects = pack_objects(&view, &mut store)?;
        let print = image::write(&draft, &view, &objects, &|error| {
            message::render_error(error, &program, &inputs.files, &objects, request.demangle)
        })?;
        Ok((bytes, print))
    };
    let make_others = || -> Result<State> {
        draft.write("names", &names(&resolution, &synth, &layout))?;
        let numbers: Vec<u32> = (0..program.objects.len() as u32).collect();
        draft.write(relink::NEEDED, &relink::needed(&program, &numbers))?;
        let before = State::default();
        let state = relink::state_of(request, &inputs, &program, used, &warnings, &before)?.bytes();
        draft.write(state::FILE, &state)?;
        let mut state = State::of_full_link(state).context("the state contradicts itself")?;
        if request.shared {
            return Ok(state);
        }
        let place = |object: usize, section: u32| Some(layout.placement(object, section));
        let symbols = symbols::file(&resolution.objects, place, &layout.regions);
        draft.write(symbols::SHARED, &symbols)?;
        draft.link(symbols::SHARED, symbols::FILE)?;
        state.changes.facts.symbols_crc = crc32fast::hash(&symbols).into();
        state.changes.facts.symbols = Print::at(&draft.path(symbols::SHARED));
        Ok(state)
    };
    let (plan, others) = rayon::join(make_plan, make_others);
    let ((bytes, image), mut state) = (plan?, others?);
    timing.phase("image");
    // From here the generation is complete, and gets its name.

    let view = plan_view(&bytes)?;
    if let Some(order) = touched.order(&layout, view.header.checksum) {
        draft.write(order::FILE, &order)?;
    }
    let status = status(request, &program, why_full, &view, warnings);
    draft.write("status.json", &serde_json::to_vec_pretty(&status)?)?;
    let facts = &mut state.changes.facts;
    (facts.lazy_pages, facts.eager_pages) = (status.lazy_pages, status.eager_pages);
    let symbols_crc = facts.symbols_crc as u32;
    if request.shared {
        library::note_phdrs(&draft, &phdrs)?;
    }
    relink::finish_changes(&mut state.changes, request, &draft, &view)?;
    let objects = pack_objects(&view, &mut store)?;
    let failed = |error| message::render_error(error, &program, &inputs.files, &objects, request.demangle);
    if request.shared {
        let library = library::Parts { request, view: &view, state: &state, phdrs: &phdrs, folder: &folder };
        library::write(&library, &objects, draft).map_err(|error| error.unless(failed))?;
    } else {
        let evident = evident::of_image(&view, &objects).map_err(failed)?;
        let (number, folder) = draft.publish()?;
        let identity = Identity {
            base: layout.base,
            number,
            folder: &folder,
            plan: view.header.checksum,
            patch: 0,
            image,
            symbols_crc,
        };
        let written = emit::write(&request.output, &phdrs, view.regions, &identity, stack, evident);
        let replaced = generation::or_take_back(&folder, written)?;
        library::note_written(&folder, &request.output)?;
        // It is to be profiled, and has hundreds of megabytes of padding.
        if !request.place_apart {
            complete::after_link(&folder, &request.output, replaced);
        }
        gc::after_link(folder.parent().unwrap_or(&folder), &request.output);
    }
    report(request, &status, || report::paths(&inputs.files))?;
    timing.phase("output");
    if request.time {
        timing.print();
    }
    Ok(true)
}

fn plan_view(bytes: &[u8]) -> Result<PlanView<'_>> {
    PlanView::new(bytes).map_err(|error| anyhow!("the plan contradicts itself: {error:?}"))
}

/// What relinks look up: names, and where the dynamic relocations are.
fn names(resolution: &Resolution<'_>, synth: &Synth<'_>, layout: &Layout) -> Vec<u8> {
    let mut names: Vec<NameRec> = resolution
        .symbols
        .iter()
        .enumerate()
        .filter(|(_, symbol)| !symbol.is_local())
        .map(|(id, symbol)| NameRec {
            hash: crate::object::name_hash(symbol.name),
            slot: id as u32,
            dynamic: synth.symbol_number(id as u32).unwrap_or(0),
        })
        .collect();
    names.sort_unstable();
    let header = NamesHeader {
        rela_section: synth.section(Part::RelaDyn).map_or(0, u64::from),
        rela_addr: synth.addr(layout, Part::RelaDyn).0,
        rela_size: synth.size(Part::RelaDyn),
        spare: synth.spare(resolution.symbols.len() as u32),
        ..NamesHeader::default()
    };
    state::names_bytes(header, &names)
}

/// Holds objects with debug information that their compiler may delete.
pub(crate) fn hold_objects(folder: &Path, program: &Program, inputs: &mut Inputs) {
    let single =
        |object: &&load::Object| object.member.is_empty() && object.view().header.flags & flag::DEBUG != 0;
    let objects: Vec<u32> = program.objects.iter().filter(single).map(|object| object.file).collect();
    if objects.len() > pinned::MOST {
        return;
    }
    for file in &objects {
        let file = &mut inputs.files[*file as usize];
        file.fingerprint = pinned::hold(folder, &file.path, file.fingerprint);
    }
    pinned::keep_only(folder, objects.iter().map(|file| &inputs.files[*file as usize].fingerprint));
}

/// Removes what a failed link must not leave behind, as ld does.
pub fn remove_output(output: &Path) {
    if fs::symlink_metadata(output).is_ok_and(|metadata| metadata.is_file()) {
        fs::remove_file(output).ok();
    }
}

/// Code reaches 2 GiB; without PIE, addresses end there.
fn check_reach(request: &Request, layout: &Layout) -> Result<()> {
    let end =
        if request.pie || request.shared { layout.limit.offset_from(layout.base) } else { layout.limit.0 };
    if end > i32::MAX as u64 {
        bail!(
            "the program is too large: {} MiB, and relative addresses reach 2 GiB; make parts of it shared libraries",
            end >> 20
        );
    }
    Ok(())
}

fn entry(
    request: &Request,
    resolution: &Resolution<'_>,
    layout: &Layout,
    value: &dyn Fn(SymbolId) -> u64,
) -> ImageAddr {
    if request.shared && request.entry.is_none() {
        return ImageAddr(0);
    }
    let name = request.entry.as_deref().unwrap_or("_start");
    let found = resolution.find(name.as_bytes()).map(value).filter(|value| *value != 0);
    match found.or_else(|| expression::number(name)) {
        Some(value) => ImageAddr(value),
        None => layout.class(shared::record::Class::Text).start,
    }
}

/// The records of a plan's objects.
fn pack_objects<'a>(view: &PlanView<'a>, store: &mut Store) -> Result<PackObjects<'a>> {
    let packs = view
        .packs
        .iter()
        .map(|pack| {
            if pack.len == 0 {
                return Pack::new(&[], pack).context("a place for a pack");
            }
            let name = std::str::from_utf8(pack.name.of(view.strings)).unwrap_or_default();
            let number = u64::from_str_radix(name.trim_end_matches(".pack"), 16).unwrap_or_default();
            let file = store.pack(number).with_context(|| format!("pack {name} of the index is gone"))?;
            if store.has_written(number) {
                return Ok(Pack::written(file, pack));
            }
            Pack::new(file, pack).with_context(|| format!("pack {name} of the index is damaged"))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(PackObjects { plan: *view, packs })
}

fn status(
    request: &Request,
    program: &Program,
    why_full: String,
    view: &PlanView<'_>,
    warnings: Vec<String>,
) -> Status {
    let pages = |kind: RegionKind| {
        let regions = view.regions.iter().filter(|region| region.kind() == Some(kind));
        regions.map(|region| region.len() / shared::PAGE).sum::<u64>()
    };
    Status {
        output: request.output.display().to_string(),
        incremental: false,
        why_full: Some(why_full),
        objects: program.objects.len(),
        reindexed: program
            .reindexed
            .iter()
            .map(|object| Reread {
                path: object.path.display().to_string(),
                member: object.member.clone(),
                reason: object.reason.to_string(),
            })
            .collect(),
        pages_total: pages(RegionKind::Lazy) + pages(RegionKind::Eager),
        lazy_pages: pages(RegionKind::Lazy),
        eager_pages: pages(RegionKind::Eager),
        warnings,
    }
}

/// What `--explain`, `--verbose`, `--trace` and `--dependency-file` ask for.
fn report(request: &Request, status: &Status, files: impl FnOnce() -> Vec<PathBuf>) -> Result<()> {
    if request.explain {
        for object in &status.reindexed {
            let name = message::input_name(Path::new(&object.path), object.member.as_bytes());
            say!("ld.unfold: read {name}: {}", object.reason);
        }
    }
    if request.verbose {
        let how = match &status.why_full {
            None => "incremental".to_owned(),
            Some(why) => format!("full ({why})"),
        };
        say!(
            "ld.unfold: {}: {how}, {} objects, {} read",
            status.output,
            status.objects,
            status.reindexed.len()
        );
    }
    if request.trace || request.dependency_file.is_some() {
        report::files(request, &files())?;
    }
    Ok(())
}
