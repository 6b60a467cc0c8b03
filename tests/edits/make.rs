//! Makes programs.

use std::collections::BTreeSet;

use unfold_tests::random::Random;

use crate::program::*;

const OPTIONS: &[&str] = &[
    "-Wl,-O1",
    "-Wl,--gc-sections",
    "-Wl,-z,now",
    "-Wl,--build-id",
    "-Wl,-e,other_start",
    "-Wl,--export-dynamic",
    "-Wl,--as-needed",
    "-Wl,-z,norelro",
    "-Wl,--hash-style=gnu",
    "-Wl,-Bsymbolic",
    "-Wl,--no-undefined",
    "-Wl,--sort-common",
    "-Wl,--sort-section=name",
    "-Wl,--no-demangle",
    "-Wl,-u,f5",
    "-Wl,--defsym=absent=main",
    "-Wl,--eh-frame-hdr",
    "-Wl,-z,pack-relative-relocs",
];

pub struct Maker<'a> {
    pub random: &'a mut Random,
}

impl Maker<'_> {
    pub fn chance(&mut self, percent: usize) -> bool {
        self.random.below(100) < percent
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { Some(from[self.random.below(from.len())].clone()) }
    }

    pub fn value(&mut self) -> u32 {
        // The top bits keep the size of instructions the same.
        0x4000_0000 | (self.random.number() as u32 & 0x3fff_ffff)
    }

    pub fn program(&mut self) -> Program {
        let style =
            self.pick(&[Style::Named, Style::Named, Style::Weak, Style::Constructors, Style::Section]);
        let mode = self.pick(&[
            Mode::Pie,
            Mode::Pie,
            Mode::Pie,
            Mode::NoPie,
            Mode::NoPie,
            Mode::Static,
            Mode::StaticPie,
        ]);
        let (style, mode) = (style.unwrap(), mode.unwrap());
        let dynamic = matches!(mode, Mode::Pie | Mode::NoPie);
        let mut program = Program {
            style,
            mode,
            position_independent: mode != Mode::NoPie && mode != Mode::Static || self.chance(40),
            units: Default::default(),
            archives: vec![],
            order: vec![],
            library: (dynamic && self.chance(45)).then(Library::default),
            header_value: 1,
            inlines: vec![],
            options: BTreeSet::new(),
            duplicate: None,
            main_value: 1,
            next: 100,
            is_wide: false,
        };
        let cpp = self.chance(40);
        if cpp {
            for _ in 0..1 + self.random.below(3) {
                self.inline(&mut program);
            }
        }
        if program.library.is_some() {
            for _ in 0..2 + self.random.below(3) {
                self.export(&mut program);
            }
        }
        let sizes = [4, 5, 6, 8, 10, 12, 16, 24, 59];
        let count = self.pick(&sizes).unwrap();
        for _ in 0..self.random.below(3) {
            let name = format!("lib{}.a", program.archives.len());
            let thin = self.chance(20);
            program.order.push(Input::Archive(program.archives.len()));
            program.archives.push(Archive { name, members: vec![], whole: self.chance(15), thin });
        }
        for _ in 0..count {
            self.unit(&mut program, cpp);
        }
        if program.library.is_some() {
            program.order.push(Input::Library);
        }
        for _ in 0..2 * count {
            let kinds = [
                "call added: own function",
                "reference added: data",
                "call added: libc, new",
                "weak reference added",
                "table grown",
                "inline: use added",
                "call added: library function",
                "reference added: library data",
            ];
            let kind = self.pick(&kinds).unwrap();
            self.edit(&mut program, kind, 0);
        }
        for _ in 0..self.random.below(3) {
            self.option(&mut program);
        }
        program
    }

    pub fn unit(&mut self, program: &mut Program, cpp: bool) -> Option<Id> {
        let id = (1..=99).find(|id| !program.units.contains_key(id))?;
        let unit = Unit {
            id,
            name: 0,
            cpp: cpp && self.chance(50),
            optimised: self.chance(60),
            sections: self.chance(40),
            debug: self.chance(10),
            header: self.chance(40),
            called: self.chance(80),
            ordered: true,
            value: self.value(),
            items: vec![],
        };
        program.units.insert(id, unit);
        let archive = if program.archives.is_empty() || self.chance(60) {
            None
        } else {
            Some(self.random.below(program.archives.len()))
        };
        match archive {
            Some(archive) => {
                program.archives[archive].members.push(id);
                program.units.get_mut(&id)?.ordered = false;
            }
            None => {
                // Before all archives and libraries.
                let objects = program.order.iter().filter(|input| matches!(input, Input::Unit(_))).count();
                program.order.insert(objects, Input::Unit(id));
            }
        }
        for _ in 0..1 + self.random.below(6) {
            self.item(program, id);
        }
        Some(id)
    }

    pub fn fresh(&mut self, program: &mut Program) -> Id {
        program.next += 1;
        program.next
    }

    pub fn linkage(&mut self) -> Linkage {
        let all = [
            Linkage::Global,
            Linkage::Global,
            Linkage::Global,
            Linkage::Static,
            Linkage::Weak,
            Linkage::Hidden,
        ];
        self.pick(&all).unwrap()
    }

    pub fn add(&mut self, program: &mut Program, unit: Id, linkage: Linkage, what: What) -> Id {
        let id = self.fresh(program);
        let items = &mut program.units.get_mut(&unit).unwrap().items;
        let at = self.random.below(items.len() + 1);
        // An alias needs what it is an alias of.
        items.insert(at, Item { id, name: 0, linkage, what });
        id
    }

    pub fn function(&mut self, program: &mut Program, unit: Id, linkage: Linkage) -> Id {
        let throws = program.units[&unit].cpp && self.chance(25);
        let what = What::Function {
            value: self.value(),
            statements: self.random.below(6),
            skip: if self.chance(8) { self.random.below(20000) } else { 0 },
            refs: vec![],
            throws,
            indirect: !throws && self.chance(3),
        };
        self.add(program, unit, linkage, what)
    }

    pub fn data(&mut self, program: &mut Program, unit: Id) -> Id {
        let len = self.pick(&[1, 1, 2, 3, 10, 100, 1000, 30000]).unwrap();
        let align = self.pick(&[4, 4, 4, 8, 16, 32, 64, 4096]).unwrap();
        let linkage = self.linkage();
        let storage = self.storage(len);
        let linkage = if storage == Storage::Common { Linkage::Global } else { linkage };
        let value = self.value();
        self.add(program, unit, linkage, What::Data { storage, len, value, align })
    }

    pub fn storage(&mut self, len: usize) -> Storage {
        let mut all = vec![
            Storage::Data,
            Storage::Data,
            Storage::Constant,
            Storage::Zero,
            Storage::Zero,
            Storage::Common,
        ];
        if len <= 1000 {
            all.extend([Storage::Thread, Storage::ThreadZero]);
        }
        self.pick(&all).unwrap()
    }

    pub fn item(&mut self, program: &mut Program, unit: Id) {
        let linkage = self.linkage();
        match self.random.below(20) {
            0..=8 => drop(self.function(program, unit, linkage)),
            9..=13 => drop(self.data(program, unit)),
            14..=15 => self.table(program, unit),
            16..=17 => {
                let text = What::Text(format!("text {:x}", self.random.number()));
                self.add(program, unit, linkage, text);
            }
            18 => self.constructor(program, unit),
            _ => {
                if program.units[&unit].cpp {
                    let value = self.value();
                    self.add(program, unit, Linkage::Static, What::Object { value });
                }
            }
        }
    }

    pub fn table(&mut self, program: &mut Program, unit: Id) {
        let constant = self.chance(50);
        let what = What::Table { functions: vec![], data: vec![], constant };
        let id = self.add(program, unit, Linkage::Static, what);
        for _ in 0..self.random.below(4) {
            self.grow_table(program, unit, id);
        }
    }

    /// Gives a table one more address. It says whether there was one to give.
    pub fn grow_table(&mut self, program: &mut Program, unit: Id, id: Id) -> bool {
        let cpp = program.units[&unit].cpp;
        let from: Vec<(bool, Ref)> = self
            .reachable(program, unit)
            .into_iter()
            .filter_map(|target| {
                let (_, item) = program.find(target)?;
                match &item.what {
                    What::Function { throws: false, .. } => Some((true, Ref::Item(target))),
                    What::Data { storage, .. }
                        if !matches!(storage, Storage::Thread | Storage::ThreadZero) && !cpp =>
                    {
                        Some((false, Ref::Item(target)))
                    }
                    _ => None,
                }
            })
            .chain(program.library.iter().flat_map(|library| {
                let functions = library.functions.keys().map(|id| (true, Ref::LibraryFunction(*id)));
                functions.chain(library.data.keys().map(|id| (false, Ref::LibraryData(*id))))
            }))
            .chain([(true, Ref::Libc(1))])
            .collect();
        let Some((is_function, target)) = self.pick(&from) else { return false };
        // A static variable further down cannot be named yet.
        let items = &program.units[&unit].items;
        let place = |id: Id| items.iter().position(|item| item.id == id);
        if let (Ref::Item(target), false) = (target, is_function)
            && place(target).is_some_and(|target| target > place(id).unwrap_or(0))
        {
            return false;
        }
        if let Some(Item { what: What::Table { functions, data, .. }, .. }) = program.item_mut(id) {
            if is_function { functions.push(target) } else { data.push(target) }
        }
        true
    }

    pub fn constructor(&mut self, program: &mut Program, unit: Id) {
        let priority = if self.chance(30) { Some(200 + self.random.below(300) as u32) } else { None };
        let what = What::Constructor { priority, destructor: self.chance(30) };
        self.add(program, unit, Linkage::Static, what);
    }

    pub fn inline(&mut self, program: &mut Program) {
        let kinds = [InlineKind::Function, InlineKind::Template, InlineKind::Counter, InlineKind::Class];
        let kind = self.pick(&kinds).unwrap();
        let id = self.fresh(program);
        let statements = self.random.below(5);
        let value = self.value() & 0xffff;
        program.inlines.push(Inline { id, value, kind, statements });
    }

    pub fn export(&mut self, program: &mut Program) {
        let id = self.fresh(program);
        let data = self.chance(40);
        let len = 2 + self.random.below(20);
        let Some(library) = &mut program.library else { return };
        if data {
            library.data.insert(id, len);
        } else {
            library.functions.insert(id, len as u32);
        }
    }

    pub fn option(&mut self, program: &mut Program) {
        let option = self.pick(OPTIONS).unwrap().to_owned();
        if !program.options.remove(&option) {
            program.options.insert(option);
        }
    }

    /// Items that a unit can refer to.
    pub fn reachable(&self, program: &Program, from: Id) -> Vec<Id> {
        let units = program.units.values();
        units
            .flat_map(|unit| {
                unit.items.iter().filter(move |item| {
                    let nameable =
                        matches!(item.what, What::Function { .. } | What::Data { .. } | What::Text(_));
                    if unit.id == from { nameable } else { item.is_shared() }
                })
            })
            .map(|item| item.id)
            .collect()
    }

    pub fn units(&self, program: &Program) -> Vec<Id> {
        program.units.keys().copied().collect()
    }

    /// All items of one sort, with their units.
    pub fn items(&self, program: &Program, sort: impl Fn(&Unit, &Item) -> bool) -> Vec<(Id, Id)> {
        let units = program.units.values();
        units
            .flat_map(|unit| unit.items.iter().map(move |item| (unit, item)))
            .filter(|(unit, item)| sort(unit, item))
            .map(|(unit, item)| (unit.id, item.id))
            .collect()
    }

    pub fn some_item(&mut self, program: &Program, sort: impl Fn(&Unit, &Item) -> bool) -> Option<(Id, Id)> {
        let items = self.items(program, sort);
        self.pick(&items)
    }

    pub fn some_function(&mut self, program: &Program) -> Option<(Id, Id)> {
        self.some_item(program, |_, item| matches!(item.what, What::Function { .. }))
    }

    pub fn refer(&mut self, program: &mut Program, function: Id, target: Ref) {
        if let Some(Item { what: What::Function { refs, .. }, .. }) = program.item_mut(function)
            && refs.len() < 5
            && !refs.contains(&target)
        {
            refs.push(target);
        }
    }
}
