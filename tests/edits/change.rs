//! Edits programs.

use std::collections::BTreeSet;

use crate::make::Maker;
use crate::program::*;

/// What is done to the files beyond what the program says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Objects get a new time and keep what they contain.
    Touch,
    /// Archives are made again from the same members.
    Archive {
        deterministic: bool,
    },
    RemoveOutput,
    /// The program is linked under a second name too, from here on.
    SecondOutput,
    /// The program of some steps ago.
    Revert(usize),
    /// The library is linked again, and exports what it did.
    Library,
}

/// Every kind of edit, how often it is tried, and whether a relink is expected to be incremental.
pub const KINDS: &[(&str, usize)] = &[
    ("body: same size", 6),
    ("body: a little larger", 6),
    ("body: much larger", 3),
    ("body: smaller", 4),
    ("data: other value", 3),
    ("data: larger", 3),
    ("data: smaller", 2),
    ("data: other alignment", 2),
    ("data: other storage", 3),
    ("text changed", 3),
    ("function added", 4),
    ("static function added", 3),
    ("variable added", 3),
    ("table added", 2),
    ("item removed, with its references", 3),
    ("item renamed", 2),
    ("item moved to another object", 4),
    ("call added: own function", 3),
    ("call added: libc, already bound", 3),
    ("call added: libc, new", 2),
    ("reference added: data", 3),
    ("weak reference added", 2),
    ("reference dropped", 4),
    ("table grown", 2),
    ("linkage changed", 4),
    ("indirect function", 1),
    ("constructor added", 2),
    ("constructor removed", 2),
    ("constructor: other priority", 1),
    ("alias added", 1),
    ("common in one more object", 2),
    ("weak definition in one more object", 2),
    ("object renamed", 1),
    ("inline: use added", 3),
    ("inline: body changed", 2),
    ("inline: added", 1),
    ("header touched", 2),
    ("main changed", 2),
    ("object added", 2),
    ("object dropped", 2),
    ("order changed", 2),
    ("object known to main or not", 2),
    ("archive: member added", 2),
    ("archive: member removed", 2),
    ("archive: object moved in or out", 2),
    ("archive: whole or not", 1),
    ("archive: made again, ar D", 1),
    ("archive: made again, ar U", 1),
    ("library: body changed", 2),
    ("library: export added", 2),
    ("library: export removed", 2),
    ("library: data resized", 2),
    ("library: calls the program", 2),
    ("library: made again", 1),
    ("call added: library function", 3),
    ("reference added: library data", 2),
    ("option changed", 4),
    ("mode changed", 1),
    ("compiler flags changed", 2),
    ("one object's flags changed", 2),
    ("object touched", 2),
    ("output removed", 1),
    ("second output", 1),
    ("reverted", 3),
    ("nothing", 1),
    ("fails: undefined symbol", 2),
    ("fails: duplicate symbol", 1),
];

impl Maker<'_> {
    /// Edits the program. What has to be done to the files beyond that is returned; `None` if there was nothing to
    /// edit in this way.
    pub fn edit(&mut self, program: &mut Program, kind: &str, step: usize) -> Option<Vec<Outside>> {
        let before = format!("{program:?}");
        let outside = self.try_edit(program, kind, step)?;
        repair(program);
        (!outside.is_empty() || kind == "nothing" || before != format!("{program:?}")).then_some(outside)
    }

    fn try_edit(&mut self, program: &mut Program, kind: &str, step: usize) -> Option<Vec<Outside>> {
        match kind {
            "body: same size" | "body: a little larger" | "body: much larger" | "body: smaller" => {
                let (_, id) = self.some_function(program)?;
                let (new, more) = (self.value(), self.pick(&[300, 5000, 70000]).unwrap());
                let Item { what: What::Function { value, statements, skip, .. }, .. } =
                    program.item_mut(id)?
                else {
                    return None;
                };
                match kind {
                    "body: same size" => *value = new,
                    "body: a little larger" => *statements += 1,
                    "body: much larger" => *skip += more,
                    _ if *skip > 0 => *skip = 0,
                    _ => *statements = statements.saturating_sub(2),
                }
            }
            "data: other value"
            | "data: larger"
            | "data: smaller"
            | "data: other alignment"
            | "data: other storage" => {
                let (_, id) = self.some_item(program, |_, item| matches!(item.what, What::Data { .. }))?;
                let (new, larger, other) = (
                    self.value(),
                    self.pick(&[1, 2, 40, 3000]).unwrap(),
                    self.pick(&[4, 8, 32, 256]).unwrap(),
                );
                let other_storage = self.storage(1);
                let Item { what: What::Data { storage, len, value, align }, linkage, .. } =
                    program.item_mut(id)?
                else {
                    return None;
                };
                match kind {
                    "data: other value" => *value = new,
                    "data: larger" if *len < 100_000 => *len += larger,
                    "data: smaller" => *len = (*len / 3).max(1),
                    "data: other alignment" => *align = other,
                    "data: other storage" if *len <= 1000 => {
                        *storage = other_storage;
                        if *storage == Storage::Common {
                            *linkage = Linkage::Global;
                        }
                    }
                    _ => return None,
                }
            }
            "text changed" => {
                let (_, id) = self.some_item(program, |_, item| matches!(item.what, What::Text(_)))?;
                let length = self.random.below(40);
                let new = format!("{:x}{}", self.random.number(), "y".repeat(length));
                program.item_mut(id)?.what = What::Text(new);
            }
            "function added" | "static function added" => {
                let units = self.units(program);
                let unit = self.pick(&units)?;
                let linkage = match kind {
                    "function added" => {
                        self.pick(&[Linkage::Global, Linkage::Global, Linkage::Weak, Linkage::Hidden])?
                    }
                    _ => Linkage::Static,
                };
                self.function(program, unit, linkage);
            }
            "variable added" => {
                let units = self.units(program);
                let unit = self.pick(&units)?;
                self.data(program, unit);
            }
            "table added" => {
                let units = self.units(program);
                let unit = self.pick(&units)?;
                self.table(program, unit);
            }
            "item removed, with its references" | "fails: undefined symbol" => {
                let (unit, id) = self.some_item(program, |_, item| {
                    !matches!(item.what, What::Constructor { .. })
                        && (kind != "fails: undefined symbol" || item.is_shared())
                })?;
                program.units.get_mut(&unit)?.items.retain(|item| item.id != id);
                if kind == "item removed, with its references" {
                    forget(program, |reference| reference == Ref::Item(id));
                } else if !is_referred(program, id) {
                    return None;
                }
            }
            "item renamed" => {
                let (_, id) = self.some_item(program, |_, item| {
                    matches!(item.what, What::Function { .. } | What::Data { .. } | What::Text(_))
                })?;
                program.item_mut(id)?.name += 1;
            }
            "item moved to another object" => {
                let (unit, id) = self.some_item(program, |_, item| item.linkage != Linkage::Static)?;
                let cpp = program.units[&unit].cpp;
                let others: Vec<Id> = program
                    .units
                    .values()
                    .filter(|other| other.id != unit && other.cpp == cpp)
                    .map(|other| other.id)
                    .collect();
                let other = self.pick(&others)?;
                let items = &mut program.units.get_mut(&unit)?.items;
                let item = items.remove(items.iter().position(|item| item.id == id)?);
                if matches!(item.what, What::Alias(_) | What::Tentative { .. } | What::Fallback { .. }) {
                    return None;
                }
                program.units.get_mut(&other)?.items.push(item);
            }
            "call added: own function" | "reference added: data" | "weak reference added" => {
                let (unit, function) = self.some_function(program)?;
                let cpp = program.units[&unit].cpp;
                let wanted = |id: &Id| match &program.find(*id).unwrap().1.what {
                    What::Function { throws, .. } => {
                        kind != "reference added: data" && (cpp && kind != "weak reference added" || !throws)
                    }
                    What::Data { .. } | What::Text(_) => kind == "reference added: data",
                    _ => false,
                };
                let targets: Vec<Id> = self.reachable(program, unit).into_iter().filter(wanted).collect();
                let target = self.pick(&targets)?;
                let target = if kind == "weak reference added" {
                    let absent = program.next.saturating_sub(self.random.below(20) as u32);
                    let exists = program.find(absent).is_some();
                    Ref::Maybe(if exists || self.chance(60) { target } else { absent })
                } else {
                    Ref::Item(target)
                };
                self.refer(program, function, target);
            }
            "call added: libc, already bound" | "call added: libc, new" => {
                let (_, function) = self.some_function(program)?;
                let mut bound = BTreeSet::new();
                each_ref(program, |reference| {
                    if let Ref::Libc(row) = reference {
                        bound.insert(*row);
                    }
                });
                let is_new = kind == "call added: libc, new";
                let rows: Vec<usize> = (0..LIBC.len()).filter(|row| bound.contains(row) != is_new).collect();
                let row = self.pick(&rows)?;
                self.refer(program, function, Ref::Libc(row));
            }
            "call added: library function" | "reference added: library data" => {
                let (_, function) = self.some_function(program)?;
                let library = program.library.as_ref()?;
                let target = if kind == "call added: library function" {
                    let all: Vec<Id> = library.functions.keys().copied().collect();
                    Ref::LibraryFunction(self.pick(&all)?)
                } else {
                    let all: Vec<Id> = library.data.keys().copied().collect();
                    Ref::LibraryData(self.pick(&all)?)
                };
                self.refer(program, function, target);
            }
            "reference dropped" => {
                let (_, function) = self.some_item(
                    program,
                    |_, item| matches!(&item.what, What::Function { refs, .. } if !refs.is_empty()),
                )?;
                let Item { what: What::Function { refs, .. }, .. } = program.item_mut(function)? else {
                    return None;
                };
                let at = self.random.below(refs.len());
                refs.remove(at);
            }
            "table grown" => {
                let (unit, id) =
                    self.some_item(program, |_, item| matches!(item.what, What::Table { .. }))?;
                self.grow_table(program, unit, id).then_some(())?;
            }
            "linkage changed" => {
                let (_, id) = self.some_item(program, |_, item| {
                    matches!(&item.what, What::Function { .. } | What::Text(_))
                        || matches!(&item.what, What::Data { storage, .. } if *storage != Storage::Common)
                })?;
                let linkage = self.linkage();
                program.item_mut(id)?.linkage = linkage;
            }
            "indirect function" => {
                let (_, id) = self.some_item(program, |unit, item| {
                    !unit.cpp && matches!(&item.what, What::Function { throws: false, .. })
                })?;
                if let What::Function { indirect, .. } = &mut program.item_mut(id)?.what {
                    *indirect = !*indirect;
                }
            }
            "constructor added" => {
                let units = self.units(program);
                let unit = self.pick(&units)?;
                self.constructor(program, unit);
            }
            "constructor removed" | "constructor: other priority" => {
                let (unit, id) =
                    self.some_item(program, |_, item| matches!(item.what, What::Constructor { .. }))?;
                if kind == "constructor removed" {
                    program.units.get_mut(&unit)?.items.retain(|item| item.id != id);
                } else if let What::Constructor { priority, .. } = &mut program.item_mut(id)?.what {
                    *priority = Some(200 + self.random.below(300) as u32);
                }
            }
            "alias added" => {
                let (unit, id) = self.some_item(program, |_, item| {
                    matches!(&item.what, What::Function { throws: false, indirect: false, .. })
                })?;
                let linkage = self.pick(&[Linkage::Global, Linkage::Weak, Linkage::Static])?;
                let alias = self.fresh(program);
                let items = &mut program.units.get_mut(&unit)?.items;
                items.push(Item { id: alias, name: 0, linkage, what: What::Alias(id) });
            }
            "common in one more object" => {
                let (unit, of) = self.some_item(program, |_, item| {
                    matches!(&item.what, What::Data { storage: Storage::Common, .. })
                })?;
                let others = program.units.values().filter(|other| !other.cpp && other.id != unit);
                let others: Vec<Id> = others.map(|other| other.id).collect();
                let other = self.pick(&others)?;
                let len = self.pick(&[1, 4, 50, 5000])?;
                self.add(program, other, Linkage::Global, What::Tentative { of, len });
            }
            "weak definition in one more object" => {
                let (unit, of) = self.some_item(program, |_, item| {
                    matches!(&item.what, What::Function { throws: false, indirect: false, .. })
                })?;
                let others: Vec<Id> =
                    self.units(program).into_iter().filter(|other| *other != unit).collect();
                let other = self.pick(&others)?;
                let value = self.value();
                self.add(program, other, Linkage::Weak, What::Fallback { of, value });
            }
            "object renamed" => {
                let units = self.units(program);
                program.units.get_mut(&self.pick(&units)?)?.name += 1;
            }
            "inline: use added" => {
                let (_, function) = self.some_item(program, |unit, item| {
                    unit.cpp && matches!(item.what, What::Function { .. })
                })?;
                let inline = self.pick(&program.inlines.clone())?;
                self.refer(program, function, Ref::Inline(inline.id));
            }
            "inline: body changed" => {
                if program.inlines.is_empty() {
                    return None;
                }
                let at = self.random.below(program.inlines.len());
                program.inlines[at].value = self.value() & 0xffff;
                program.inlines[at].statements = self.random.below(6);
            }
            "inline: added" => {
                program.has_cpp().then_some(())?;
                self.inline(program);
            }
            "header touched" => program.header_value += 1,
            "main changed" => program.main_value += 1 + self.random.below(9) as u32,
            "object added" => {
                let cpp = program.has_cpp();
                self.unit(program, cpp)?;
            }
            "object dropped" => {
                let units = self.units(program);
                (units.len() > 2).then_some(())?;
                let unit = self.pick(&units)?;
                for item in program.units.remove(&unit)?.items {
                    forget(program, |reference| reference == Ref::Item(item.id));
                }
            }
            "order changed" => {
                let objects: Vec<usize> = (0..program.order.len())
                    .filter(|at| matches!(program.order[*at], Input::Unit(_)))
                    .collect();
                let (first, second) = (self.pick(&objects)?, self.pick(&objects)?);
                program.order.swap(first, second);
            }
            "object known to main or not" => {
                let units = self.units(program);
                let unit = program.units.get_mut(&self.pick(&units)?)?;
                unit.called = !unit.called;
            }
            "archive: member added" => {
                let archive = self.pick(&(0..program.archives.len()).collect::<Vec<_>>())?;
                let cpp = program.has_cpp();
                let unit = self.unit(program, cpp)?;
                program.order.retain(|input| *input != Input::Unit(unit));
                program.archives.iter_mut().for_each(|other| other.members.retain(|member| *member != unit));
                program.archives[archive].members.push(unit);
                let new = program.units.get_mut(&unit)?;
                (new.called, new.ordered) = (self.chance(50), false);
            }
            "archive: member removed" => {
                let members: Vec<Id> =
                    program.archives.iter().flat_map(|archive| archive.members.clone()).collect();
                let unit = self.pick(&members)?;
                for item in program.units.remove(&unit)?.items {
                    forget(program, |reference| reference == Ref::Item(item.id));
                }
            }
            "archive: object moved in or out" => {
                let archive = self.pick(&(0..program.archives.len()).collect::<Vec<_>>())?;
                let units = self.units(program);
                let unit = self.pick(&units)?;
                if program.archive_of(unit).is_some() {
                    program
                        .archives
                        .iter_mut()
                        .for_each(|archive| archive.members.retain(|member| *member != unit));
                    program.order.insert(0, Input::Unit(unit));
                } else {
                    (!program.units[&unit].ordered).then_some(())?;
                    program.order.retain(|input| *input != Input::Unit(unit));
                    program.archives[archive].members.push(unit);
                }
            }
            "archive: whole or not" => {
                let archive = self.pick(&(0..program.archives.len()).collect::<Vec<_>>())?;
                program.archives[archive].whole = !program.archives[archive].whole;
            }
            "archive: made again, ar D" | "archive: made again, ar U" => {
                let made = program.archives.iter().any(|archive| !archive.members.is_empty());
                made.then_some(())?;
                return Some(vec![Outside::Archive { deterministic: kind == "archive: made again, ar D" }]);
            }
            "library: body changed" => {
                let library = program.library.as_mut()?;
                let all: Vec<Id> = library.functions.keys().copied().collect();
                *library.functions.get_mut(&self.pick(&all)?)? += 1;
            }
            "library: export added" => {
                program.library.as_ref()?;
                self.export(program);
            }
            "library: export removed" => {
                let library = program.library.as_mut()?;
                let all: Vec<Id> = library.functions.keys().chain(library.data.keys()).copied().collect();
                let id = self.pick(&all)?;
                library.functions.remove(&id);
                library.data.remove(&id);
                forget(
                    program,
                    |reference| matches!(reference, Ref::LibraryFunction(at) | Ref::LibraryData(at) if at == id),
                );
            }
            "library: data resized" => {
                let library = program.library.as_mut()?;
                let all: Vec<Id> = library.data.keys().copied().collect();
                let id = self.pick(&all)?;
                library.data.insert(id, 2 + self.random.below(300));
            }
            "library: calls the program" => {
                let (_, id) = self.some_item(program, |_, item| {
                    item.name == 0 && matches!(item.what, What::Function { throws: false, .. })
                })?;
                let library = program.library.as_mut()?;
                if !library.calls.remove(&id) {
                    library.calls.insert(id);
                }
            }
            "library: made again" => {
                program.library.as_ref()?;
                return Some(vec![Outside::Library]);
            }
            "option changed" => self.option(program),
            "mode changed" => {
                let modes: &[Mode] = match program.position_independent {
                    true => &[Mode::Pie, Mode::NoPie, Mode::Static, Mode::StaticPie],
                    false => &[Mode::NoPie, Mode::Static],
                };
                program.mode = self.pick(modes)?;
            }
            "compiler flags changed" => {
                for unit in program.units.values_mut() {
                    unit.optimised = !unit.optimised;
                }
            }
            "one object's flags changed" => {
                let units = self.units(program);
                let which = self.random.below(3);
                let unit = program.units.get_mut(&self.pick(&units)?)?;
                match which {
                    0 => unit.optimised = !unit.optimised,
                    1 => unit.sections = !unit.sections,
                    _ => unit.debug = !unit.debug,
                }
            }
            "object touched" => return Some(vec![Outside::Touch]),
            "output removed" => return Some(vec![Outside::RemoveOutput]),
            "second output" => return Some(vec![Outside::SecondOutput]),
            "reverted" => {
                (step > 1).then_some(())?;
                return Some(vec![Outside::Revert(self.random.below(step))]);
            }
            "nothing" => {}
            "fails: duplicate symbol" => {
                let (unit, item) = self.some_item(program, |_, item| {
                    item.linkage == Linkage::Global && matches!(item.what, What::Function { .. })
                })?;
                let others: Vec<Id> =
                    self.units(program).into_iter().filter(|other| *other != unit).collect();
                program.duplicate = Some((item, self.pick(&others)?));
            }
            other => panic!("no such edit: {other}"),
        }
        Some(vec![])
    }
}

/// Calls this for each reference.
fn each_ref(program: &Program, mut with: impl FnMut(&Ref)) {
    for item in program.units.values().flat_map(|unit| &unit.items) {
        match &item.what {
            What::Function { refs, .. } => refs.iter().for_each(&mut with),
            What::Table { functions, data, .. } => functions.iter().chain(data).for_each(&mut with),
            _ => {}
        }
    }
}

fn is_referred(program: &Program, id: Id) -> bool {
    let mut found = false;
    each_ref(program, |reference| found |= *reference == Ref::Item(id));
    found
}

/// Takes references away.
fn forget(program: &mut Program, which: impl Fn(Ref) -> bool) {
    for item in program.units.values_mut().flat_map(|unit| &mut unit.items) {
        match &mut item.what {
            What::Function { refs, .. } => refs.retain(|reference| !which(*reference)),
            What::Table { functions, data, .. } => {
                functions.retain(|reference| !which(*reference));
                data.retain(|reference| !which(*reference));
            }
            _ => {}
        }
    }
}

/// Takes away what the sources cannot say: references to what is static elsewhere, or in a table to what is
/// thread-local.
fn repair(program: &mut Program) {
    let units: BTreeSet<Id> = program.units.keys().copied().collect();
    for archive in &mut program.archives {
        archive.members.retain(|member| units.contains(member));
    }
    program.order.retain(|input| !matches!(input, Input::Unit(unit) if !units.contains(unit)));
    if matches!(program.mode, Mode::Static | Mode::StaticPie) {
        program.library = None;
        program.order.retain(|input| *input != Input::Library);
    }
    let has_library = program.library.is_some();
    let before = program.clone();
    for unit in program.units.values_mut() {
        let cpp = unit.cpp;
        let places: Vec<Id> = unit.items.iter().map(|item| item.id).collect();
        let place = |id: Id| places.iter().position(|place| *place == id);
        let owner = unit.id;
        let can = |reference: &Ref, from: Option<Id>| match *reference {
            Ref::Item(id) | Ref::Maybe(id) => match before.find(id) {
                Some((unit, item)) => {
                    let throws = matches!(&item.what, What::Function { throws: true, .. });
                    let is_weak = matches!(reference, Ref::Maybe(_));
                    let in_table = from.is_some();
                    let thread = matches!(
                        &item.what,
                        What::Data { storage: Storage::Thread | Storage::ThreadZero, .. }
                    );
                    let is_data = !matches!(&item.what, What::Function { .. });
                    // Data of the unit itself is defined before it is used.
                    let late =
                        is_data && unit.id == owner && from.is_some_and(|from| place(id) > place(from));
                    (unit.id == owner || item.is_shared())
                        && !(throws && (!cpp || in_table || is_weak))
                        && !(in_table && thread)
                        && !(in_table && is_data && cpp)
                        && !late
                }
                None => true,
            },
            Ref::LibraryFunction(_) | Ref::LibraryData(_) => has_library,
            Ref::Inline(_) => cpp,
            Ref::Libc(_) => true,
        };
        for item in &mut unit.items {
            let id = item.id;
            match &mut item.what {
                What::Function { refs, .. } => refs.retain(|reference| can(reference, None)),
                What::Table { functions, data, .. } => {
                    functions.retain(|reference| can(reference, Some(id)));
                    data.retain(|reference| can(reference, Some(id)));
                }
                _ => {}
            }
        }
        let functions: Vec<Id> = unit
            .items
            .iter()
            .filter(|item| matches!(&item.what, What::Function { indirect: false, throws: false, .. }))
            .map(|item| item.id)
            .collect();
        unit.items.retain(|item| !matches!(&item.what, What::Alias(target) if !functions.contains(target)));
        let mut seen = BTreeSet::new();
        unit.items.retain(|item| match &item.what {
            What::Tentative { of, .. } => {
                let is_common = |what: &What| matches!(what, What::Data { storage: Storage::Common, .. });
                let elsewhere = before
                    .find(*of)
                    .is_some_and(|(unit, item)| unit.id != owner && !unit.cpp && is_common(&item.what));
                elsewhere && seen.insert(*of)
            }
            What::Fallback { of, .. } => {
                let is_plain =
                    |what: &What| matches!(what, What::Function { throws: false, indirect: false, .. });
                let elsewhere =
                    before.find(*of).is_none_or(|(unit, item)| unit.id != owner && is_plain(&item.what));
                elsewhere && seen.insert(*of)
            }
            _ => true,
        });
        // Functions come behind all data of their unit, so that they can name it.
        unit.items.sort_by_key(|item| matches!(item.what, What::Function { .. } | What::Alias(_)));
        let aliases: Vec<Item> =
            unit.items.iter().filter(|item| matches!(item.what, What::Alias(_))).cloned().collect();
        unit.items.retain(|item| !matches!(item.what, What::Alias(_)));
        unit.items.extend(aliases);
    }
    if let Some(library) = &mut program.library {
        library.calls.retain(|id| match before.find(*id) {
            Some((_, item)) => matches!(&item.what, What::Function { throws: false, indirect: false, .. }),
            None => true,
        });
    }
}
