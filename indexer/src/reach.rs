//! Which sections a program can reach, as `--gc-sections` counts them (GNU ld's manual): from those that are kept in any
//! case, and from what is named on the command line or exported, along the relocations.
//!
//! Nothing is left out of the image for it: what nobody touches costs addresses only. But what only dead code wants is
//! no error, and tools are not told of dead functions.

use shared::plan::{Objects, PlanView, Slot, slot};
use shared::record::{BlockRec, Class, ObjectView, SymRef};

/// For each object and each of its sections, whether it is reached.
pub type Reached = Vec<Vec<bool>>;

/// A section: its object, and its number there.
pub type Section = (usize, u32);

/// The sections that are kept in any case.
pub fn kept<'a>(views: &'a [ObjectView<'_>]) -> impl Iterator<Item = Section> + 'a {
    let of_view = |(object, view): (usize, &'a ObjectView<'_>)| {
        let of_block = move |block: &BlockRec| {
            let keep = is_kept(Class::from_number(block.class));
            let (first, sections) = view.sections_of(block);
            (first..).zip(sections).filter(move |(_, section)| keep || section.flags & SHF_GNU_RETAIN != 0)
        };
        view.blocks.iter().flat_map(of_block).map(move |(section, _)| (object, section as u32))
    };
    views.iter().enumerate().flat_map(of_view)
}

const SHF_GNU_RETAIN: u32 = 0x20_0000;

fn is_kept(class: Option<Class>) -> bool {
    matches!(
        class,
        Some(
            Class::Init
                | Class::Fini
                | Class::PreinitArray
                | Class::InitArray
                | Class::FiniArray
                | Class::Note
                | Class::NamedRo
                | Class::NamedText
                | Class::NamedData
        )
    )
}

/// What is reached from some sections. `definition`: the section that an object's global stands for, if the program has it.
pub fn from(
    views: &[ObjectView<'_>],
    mut queue: Vec<Section>,
    definition: impl Fn(usize, u32) -> Option<Section>,
) -> Reached {
    let mut reached: Reached = views.iter().map(|view| vec![false; view.sections.len()]).collect();
    while let Some((object, section)) = queue.pop() {
        let Some(seen) = reached[object].get_mut(section as usize) else { continue };
        if std::mem::replace(seen, true) {
            continue;
        }
        let view = &views[object];
        for edit in view.edits_of(&view.sections[section as usize]) {
            let Some(symref) = view.symrefs.get(edit.symbol() as usize) else { continue };
            match symref.section {
                SymRef::GLOBAL => queue.extend(definition(object, symref.global)),
                SymRef::ABSOLUTE | SymRef::DISCARDED => {}
                section => queue.push((object, section)),
            }
        }
    }
    // Frames and exception tables live with their code.
    reached
}

/// The sections of a linked program that it can reach, and those that the linker made; `None` if the index does not have all its objects.
pub fn of_plan(plan: &PlanView<'_>, objects: &impl Objects) -> Option<Reached> {
    let views: Vec<ObjectView<'_>> =
        (0..plan.objects.len() as u32).map(|number| objects.object(number)).collect::<Option<_>>()?;
    let defined = |at: &Slot| {
        let view = views.get(at.object as usize)?;
        Some((at.object as usize, view.globals.get(at.global as usize)?.section))
    };
    let mut roots: Vec<Section> = kept(&views).collect();
    let is_root = |slot: &&Slot| slot.flags & slot::EXPORTED != 0 || slot.value == plan.header.entry.0;
    roots.extend(plan.slots.iter().filter(is_root).filter_map(defined));
    for (object, view) in views.iter().enumerate() {
        // The linker's own table for the dynamic linker; its entries of the GOT and the PLT are for code that may be dead.
        let own = object + 1 == views.len();
        for block in view.blocks {
            let class = Class::from_number(block.class);
            let (first, sections) = view.sections_of(block);
            for (number, section) in (first..).zip(sections) {
                if own && class == Some(Class::Dynamic) {
                    roots.push((object, number as u32));
                } else if is_of_frames(class) {
                    // Functions that unwind, and types of exceptions.
                    let symrefs = view.edits_of(section).iter();
                    let symrefs = symrefs.filter_map(|edit| view.symrefs.get(edit.symbol() as usize));
                    let globals = symrefs.filter(|symref| symref.section == SymRef::GLOBAL);
                    let slots = globals.filter_map(|symref| plan.slot_of(object as u32, symref.global));
                    roots.extend(slots.filter_map(defined));
                }
            }
        }
    }
    let mut reached = from(&views, roots, |object, global| defined(plan.slot_of(object as u32, global)?));
    for (object, view) in views.iter().enumerate() {
        let own = object + 1 == views.len();
        let is_frames = |block: &BlockRec| Class::from_number(block.class) == Some(Class::EhFrame);
        for block in view.blocks.iter().filter(|block| own || is_frames(block)) {
            let (first, sections) = view.sections_of(block);
            reached[object][first..first + sections.len()].fill(true);
        }
    }
    Some(reached)
}

fn is_of_frames(class: Option<Class>) -> bool {
    matches!(class, Some(Class::EhFrame | Class::ExceptTable))
}
