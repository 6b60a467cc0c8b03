//! The files of a program: compiles what changed, and links all in every way that is compared.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use unfold_tests::build::linker_flags;
use unfold_tests::directives::Compiler;
use unfold_tests::run::{Outcome, describe, program, run, run_tool};
use unfold_tests::tools::{Linker, scratch_root};

use crate::program::*;

pub struct Workshop {
    pub dir: PathBuf,
    cache: PathBuf,
    /// What each object was compiled from: the name of its copy in the cache.
    pub objects: BTreeMap<String, String>,
    archives: HashMap<String, (Vec<String>, Vec<String>)>,
    library: Option<String>,
    /// Commands, so that a failure can be repeated.
    pub log: String,
    /// The next link is to give everything another place.
    place_anew: bool,
}

impl Workshop {
    /// Compiled objects of an earlier run of the same sequence serve again.
    pub fn new(name: &str) -> Workshop {
        let cache = scratch_root().join(format!("edits/cache/{name}"));
        let dir = scratch_root().join(format!("edits/{name}"));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("the target directory is writable");
        fs::create_dir_all(&cache).expect("the target directory is writable");
        Workshop {
            dir,
            cache,
            objects: BTreeMap::new(),
            archives: HashMap::new(),
            library: None,
            log: String::new(),
            place_anew: false,
        }
    }

    pub fn remove(self) {
        let _ = fs::remove_dir_all(&self.dir);
        let _ = fs::remove_dir_all(&self.cache);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn note(&mut self, line: impl AsRef<str>) {
        self.log.push_str(line.as_ref());
        self.log.push('\n');
    }

    /// Makes the objects, archives and libraries what the program says. Returns the names of the objects whose
    /// contents changed.
    pub fn update(
        &mut self,
        program: &Program,
        in_place: bool,
        ar: &str,
    ) -> Result<BTreeSet<String>, String> {
        let mut wanted: Vec<(String, String, Vec<&str>, String)> = vec![];
        for unit in program.units.values() {
            let suffix = if unit.cpp { "cpp" } else { "c" };
            wanted.push((unit.object(), suffix.into(), program.flags(unit), program.source(unit)));
        }
        let pie = if program.position_independent { "-fPIE" } else { "-fno-pie" };
        let main_flags = vec!["-w", "-pipe", pie, "-O1"];
        wanted.push(("main.o".into(), "c".into(), main_flags.clone(), program.main_source()));
        wanted.push(("pages.o".into(), "c".into(), main_flags, PAGES.into()));
        if let Some(source) = program.library_source() {
            wanted.push(("library.pic.o".into(), "c".into(), vec!["-w", "-pipe", "-fPIC", "-O1"], source));
        }

        let mut missing: BTreeMap<(String, Vec<&str>), Vec<String>> = BTreeMap::new();
        let mut keys = vec![];
        for (name, suffix, flags, source) in &wanted {
            let mut hasher = DefaultHasher::new();
            (suffix, flags, source).hash(&mut hasher);
            let key = format!("{:016x}", hasher.finish());
            if !self.cache.join(format!("{key}.o")).exists() {
                let file = format!("{key}.{suffix}");
                fs::write(self.cache.join(&file), source).map_err(|error| error.to_string())?;
                let files = missing.entry((suffix.clone(), flags.clone())).or_default();
                if !files.contains(&file) {
                    files.push(file);
                }
            }
            keys.push((name.clone(), key));
        }
        for ((suffix, flags), files) in missing {
            let compiler = if suffix == "cpp" { "g++" } else { "gcc" };
            run_tool(Command::new(compiler).current_dir(&self.cache).args(flags).arg("-c").args(files))?;
        }

        let mut changed = BTreeSet::new();
        for (name, key) in keys {
            if self.objects.get(&name) == Some(&key) {
                continue;
            }
            let (from, to) = (self.cache.join(format!("{key}.o")), self.dir.join(&name));
            self.put(&from, &to, in_place)?;
            self.note(format!("    {name} is {}", from.display()));
            changed.insert(name.clone());
            self.objects.insert(name, key);
        }
        // Objects that are not part of the program any more are deleted.
        let names: BTreeSet<&String> = wanted.iter().map(|(name, ..)| name).collect();
        for name in self.objects.keys().filter(|name| !names.contains(name)) {
            fs::remove_file(self.dir.join(name)).map_err(|error| format!("{name}: {error}"))?;
        }
        self.objects.retain(|name, _| names.contains(name));
        for archive in &program.archives {
            let members: Vec<String> = archive.members.iter().map(|id| program.units[id].object()).collect();
            let keys = members.iter().map(|member| self.objects[member].clone()).collect();
            let whole = (members, keys);
            if self.archives.get(&archive.name) != Some(&whole) {
                self.make_archive(program, archive, ar)?;
                self.archives.insert(archive.name.clone(), whole);
            }
        }
        if program.library.is_some() && self.library.as_ref() != self.objects.get("library.pic.o") {
            self.make_library()?;
        }
        Ok(changed)
    }

    /// Objects are replaced by a new file, or written over.
    fn put(&self, from: &Path, to: &Path, in_place: bool) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", to.display());
        let bytes = fs::read(from).map_err(failed)?;
        if in_place {
            return fs::write(to, bytes).map_err(failed);
        }
        let new = to.with_extension("new");
        fs::write(&new, bytes).map_err(failed)?;
        fs::rename(&new, to).map_err(failed)
    }

    pub fn make_archives(&mut self, program: &Program, ar: &str) -> Result<(), String> {
        program.archives.iter().try_for_each(|archive| self.make_archive(program, archive, ar))
    }

    fn make_archive(&mut self, program: &Program, archive: &Archive, ar: &str) -> Result<(), String> {
        let _ = fs::remove_file(self.dir.join(&archive.name));
        let thin = if archive.thin { "T" } else { "" };
        let mut command = Command::new("ar");
        command.current_dir(&self.dir).arg(format!("rcs{ar}{thin}")).arg(&archive.name);
        command.args(archive.members.iter().map(|id| program.units[id].object()));
        self.note(format!("    {}", describe(&command)));
        run_tool(&mut command).map(drop)
    }

    pub fn make_library(&mut self) -> Result<(), String> {
        let mut command = Command::new("gcc");
        command.current_dir(&self.dir).args([
            "-shared",
            "library.pic.o",
            "-o",
            "libown.so",
            "-Wl,-soname,libown.so",
        ]);
        self.note(format!("    {}", describe(&command)));
        run_tool(&mut command)?;
        self.library = self.objects.get("library.pic.o").cloned();
        Ok(())
    }

    pub fn touch(&mut self, program: &Program, step: usize) -> Result<(), String> {
        for (number, unit) in program.units.values().enumerate().filter(|(number, _)| number % 2 == step % 2)
        {
            let path = self.dir.join(unit.object());
            let file = fs::OpenOptions::new().append(true).open(&path).map_err(|error| error.to_string())?;
            let when = SystemTime::now() + Duration::from_secs((step * 100 + number) as u64);
            file.set_modified(when).map_err(|error| error.to_string())?;
            self.note(format!("    touch {}", path.display()));
        }
        Ok(())
    }

    /// The words that follow the linker's flags.
    fn words(&self, program: &Program, output: &str) -> Vec<String> {
        let mut words: Vec<String> = vec![
            match program.mode {
                Mode::Pie => "-pie",
                Mode::NoPie => "-no-pie",
                Mode::Static => "-static",
                Mode::StaticPie => "-static-pie",
            }
            .into(),
        ];
        // glibc's own start does not bear this.
        let bad = |option: &&String| program.mode == Mode::StaticPie && *option == "-Wl,--export-dynamic";
        words.extend(program.options.iter().filter(|option| !bad(option)).cloned());
        words.extend(["main.o".into(), "pages.o".into()]);
        let grouped = program.archives.len() > 1;
        let mut archives = false;
        for input in &program.order {
            match input {
                Input::Unit(id) => words.push(program.units[id].object()),
                Input::Archive(number) => {
                    let archive = &program.archives[*number];
                    // One group, which the first of them opens; the others follow it.
                    if grouped && archives {
                        continue;
                    }
                    archives = true;
                    if !grouped {
                        words.extend(whole(archive));
                        continue;
                    }
                    words.push("-Wl,--start-group".into());
                    words.extend(program.archives.iter().flat_map(whole));
                    words.push("-Wl,--end-group".into());
                }
                Input::Library => {
                    words.push("libown.so".into());
                    words.push(format!("-Wl,-rpath,{}", self.dir.display()));
                }
            }
        }
        words.extend(["-o".into(), output.into()]);
        words
    }

    /// Links, and says how that ended.
    pub fn link(&mut self, linker: &Linker, program: &Program, output: &str) -> Result<Outcome, String> {
        let path = self.dir.join(output);
        fs::create_dir_all(path.parent().expect("there is a folder")).map_err(|error| error.to_string())?;
        let compiler = if program.has_cpp() { Compiler::Gxx } else { Compiler::Gcc };
        let mut command = Command::new(compiler.command());
        command.current_dir(&self.dir).env("LC_ALL", "C");
        command.args(linker_flags(compiler, linker)).args(self.words(program, output));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("UNFOLD_") {
                command.env_remove(name);
            }
        }
        if self.place_anew {
            command.env("UNFOLD_PLACE", "anew");
        }
        self.note(format!("    {}", describe(&command)));
        run(&mut command, b"")
    }

    /// Profiles a run of the program, and links it once more, with what the run touched together.
    pub fn place_anew(&mut self, linker: &Linker, linked: &Program, output: &str) -> Result<Outcome, String> {
        run(program(self.dir.join(output)).current_dir(&self.dir).env("UNFOLD_PROFILE", "on"), b"")?;
        self.place_anew = true;
        let outcome = self.link(linker, linked, output);
        self.place_anew = false;
        outcome
    }

    pub fn run(&self, output: &str, args: &[&str], pager: &str) -> Result<Outcome, String> {
        let mut command = program(self.dir.join(output));
        command.current_dir(&self.dir).args(args);
        if !pager.is_empty() {
            command.env("UNFOLD_PAGER", pager);
        }
        run(&mut command, b"")
    }

    pub fn bake(&self, unfold: &Path, output: &str, baked: &str) -> Result<Vec<u8>, String> {
        run_tool(program(unfold).current_dir(&self.dir).args(["bake", output, "-o", baked]))?;
        fs::read(self.dir.join(baked)).map_err(|error| format!("{baked}: {error}"))
    }
}

fn whole(archive: &Archive) -> Vec<String> {
    match archive.whole {
        true => vec!["-Wl,--whole-archive".into(), archive.name.clone(), "-Wl,--no-whole-archive".into()],
        false => vec![archive.name.clone()],
    }
}

/// Prints a hash of each page of the program's code and read-only data. The first two pages hold headers, which
/// differ by design between what is loaded lazily and what is baked.
const PAGES: &str = r#"
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <sys/auxv.h>
int image_pages(void) {
    const ElfW(Phdr) *headers = (const void *)getauxval(AT_PHDR);
    unsigned long count = getauxval(AT_PHNUM), bias = 0, lowest = -1ul;
    for (unsigned long i = 0; i < count; i++)
        if (headers[i].p_type == PT_PHDR)
            bias = (unsigned long)headers - headers[i].p_vaddr;
    for (unsigned long i = 0; i < count; i++)
        if (headers[i].p_type == PT_LOAD && headers[i].p_vaddr < lowest)
            lowest = headers[i].p_vaddr;
    lowest = (lowest + bias) & -4096ul;
    for (unsigned long i = 0; i < count; i++) {
        if (headers[i].p_type != PT_LOAD || !(headers[i].p_flags & PF_R) || headers[i].p_flags & PF_W)
            continue;
        unsigned long at = headers[i].p_vaddr + bias, end = at + headers[i].p_memsz;
        while (at < end) {
            unsigned long stop = (at & -4096ul) + 4096, hash = 0xcbf29ce484222325;
            if (stop > end)
                stop = end;
            if (at >= lowest + 8192) {
                for (const unsigned char *p = (void *)at; p < (unsigned char *)stop; p++)
                    hash = (hash ^ *p) * 0x100000001b3;
                printf("%lx %016lx\n", at - bias, hash);
            }
            at = stop;
        }
    }
    return 0;
}
"#;
