//! Random programs, edited in random ways, again and again. After each edit unfold relinks with one index through the
//! whole sequence; GNU ld, and unfold with an empty index, link from nothing. All programs must do the same,
//! under either pager; what the relink made must have, addresses aside, the symbols and the contents of what was made from
//! nothing; and a link that must fail fails with the same words. Every fourth program is profiled and placed by that first.
//!
//! ```text
//! cargo test --release -p unfold-tests --test edits                                   # a few dozen sequences
//! UNFOLD_EDITS=1-1000 cargo test --release -p unfold-tests --test edits -- --nocapture   # many, and a table
//! UNFOLD_EDITS=17 cargo test ...           # one sequence again
//! UNFOLD_EDITS=17 UNFOLD_EDITS_SKIP=1,2,5 cargo test ...   # without these steps
//! ```
//!
//! `UNFOLD_EDITS_KEEP=1` keeps what passed, too. `UNFOLD_EDITS_JOBS` says how many sequences run at a time (default: one for each CPU). A sequence is a function
//! of its number. One that fails is made shorter, by leaving out steps before the one that failed; what it built
//! stays in `target/tmp/unfold-tests/edits/<number>/`, with a list of its commands in `log`.

#[path = "edits/change.rs"]
mod change;
#[path = "edits/compare.rs"]
mod compare;
#[path = "edits/make.rs"]
mod make;
#[path = "edits/program.rs"]
mod program;
#[path = "edits/workshop.rs"]
mod workshop;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use change::{KINDS, Outside};
use compare::Image;
use make::Maker;
use program::Program;
use unfold_tests::random::Random;
use unfold_tests::run::{Outcome, kernel_allows_userfaultfd};
use unfold_tests::status::{Reindexed, Status};
use unfold_tests::tools::{gnu_linker, tested_linker, unfold_command};
use workshop::Workshop;

/// Sequences of an ordinary run of the tests.
const FEW: u64 = 30;

/// How a kind of edit was relinked, and how often: incrementally, or in full and why.
type Table = BTreeMap<&'static str, BTreeMap<String, usize>>;

/// What went wrong in a sequence.
#[derive(Debug)]
struct Failure {
    step: usize,
    /// What was compared.
    sort: &'static str,
    text: String,
}

#[test]
fn sequences_of_edits() {
    let chosen = env::var("UNFOLD_EDITS").unwrap_or_default();
    let number = |text: &str| text.trim().parse::<u64>().expect("UNFOLD_EDITS is a number, or FIRST-LAST");
    let (first, last) = match chosen.split_once('-') {
        Some((first, last)) => (number(first), number(last)),
        None if chosen.is_empty() => (1, FEW),
        None => (number(&chosen), number(&chosen)),
    };
    let skip: BTreeSet<usize> = env::var("UNFOLD_EDITS_SKIP")
        .map(|steps| steps.split(',').filter_map(|step| step.trim().parse().ok()).collect())
        .unwrap_or_default();
    let cpus = thread::available_parallelism().map_or(2, usize::from);
    let jobs = env::var("UNFOLD_EDITS_JOBS").ok().and_then(|jobs| jobs.parse().ok()).unwrap_or(cpus);

    let next = AtomicU64::new(first);
    let (table, failed, done) = (Mutex::new(Table::new()), Mutex::new(vec![]), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > last {
                        break;
                    }
                    let mut own = Table::new();
                    if let Err(failure) = sequence(seed, &skip, &mut own) {
                        let report = shorten(seed, &skip, failure);
                        println!("{report}\n");
                        failed.lock().unwrap().push(seed);
                    }
                    let mut table = table.lock().unwrap();
                    for (kind, rows) in own {
                        for (how, count) in rows {
                            *table.entry(kind).or_default().entry(how).or_default() += count;
                        }
                    }
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if done.is_multiple_of(50) {
                        println!("{done} sequences done, up to about {seed}");
                    }
                }
            });
        }
    });
    if last - first >= 100 || env::var_os("UNFOLD_EDITS_TABLE").is_some() {
        print_table(&table.lock().unwrap());
    }
    let failed = failed.lock().unwrap();
    println!("{} sequences, {} failed: {failed:?}", last + 1 - first, failed.len());
    assert!(
        failed.is_empty(),
        "to repeat one: UNFOLD_EDITS={} cargo test --release -p unfold-tests --test edits",
        failed[0]
    );
}

/// Leaves out the steps that a failure does not need, and says how it comes about.
fn shorten(seed: u64, skip: &BTreeSet<usize>, mut failure: Failure) -> String {
    let mut skip = skip.clone();
    if !env::var("UNFOLD_EDITS_WHOLE").is_ok_and(|value| value == "1") {
        for step in (1..failure.step).rev() {
            let mut fewer = skip.clone();
            if fewer.insert(step)
                && let Err(other) = sequence(seed, &fewer, &mut Table::new())
                && (other.sort, other.step) == (failure.sort, failure.step)
            {
                (skip, failure) = (fewer, other);
            }
        }
        // What is left behind belongs to the shortest sequence.
        if let Err(last) = sequence(seed, &skip, &mut Table::new()) {
            failure = last;
        }
    }
    let skipped: Vec<String> = skip.iter().map(usize::to_string).collect();
    let variable =
        if skipped.is_empty() { String::new() } else { format!(" UNFOLD_EDITS_SKIP={}", skipped.join(",")) };
    format!(
        "FAILED: UNFOLD_EDITS={seed}{variable}\nstep {}, {}: {}",
        failure.step, failure.sort, failure.text
    )
}

/// Makes, edits and links one program. The numbers of a step do not depend on other steps, so steps can be left out.
fn sequence(seed: u64, skip: &BTreeSet<usize>, table: &mut Table) -> Result<(), Failure> {
    let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9));
    let mut program = Maker { random: &mut random }.program();
    program.is_wide = seed.is_multiple_of(3);
    let steps = 6 + random.below(10);
    let mut run = Sequence {
        workshop: Workshop::new(&seed.to_string()),
        pagers: if kernel_allows_userfaultfd() { &["signal", "uffd"] } else { &["signal"] },
        second: false,
        linked: false,
        unread: BTreeSet::new(),
    };
    let mut history = vec![program.clone()];
    let mut good = program.clone();
    let result = (|| {
        run.step(0, &program, &BTreeSet::new(), &mut Random::new(seed), &mut None)?;
        if run.linked && seed % 4 == 1 {
            let placed = run.workshop.place_anew(tested_linker(), &program, "app");
            let fail = |text| Failure { step: 0, sort: "placing anew", text };
            if !placed.map_err(fail)?.succeeded() {
                return Err(fail("the link failed".into()));
            }
        }
        for step in 1..=steps {
            let mut random = Random::new(seed << 20 | step as u64);
            // A program that does not link is repaired by the next step.
            if run.linked {
                good = program.clone()
            } else {
                program = good.clone()
            }
            history.push(program.clone());
            if skip.contains(&step) {
                continue;
            }
            let count = if random.below(10) < 7 { 1 } else { 2 + random.below(3) };
            let (mut kinds, mut outside) = (vec![], vec![]);
            for _ in 0..100 {
                if kinds.len() == count {
                    break;
                }
                let kind = some_kind(&mut random);
                let mut edited = program.clone();
                if let Some(more) = (Maker { random: &mut random }).edit(&mut edited, kind, step) {
                    program = edited;
                    kinds.push(kind);
                    outside.extend(more);
                }
            }
            for outside in &outside {
                if let Outside::Revert(step) = outside {
                    program = history[*step].clone();
                    program.duplicate = None;
                }
            }
            run.workshop.note(format!("step {step}: {}", kinds.join("; ")));
            let outside: BTreeSet<String> =
                outside.iter().map(|outside| run.outside(*outside, &program, step)).collect();
            let mut how = None;
            let result = run.step(step, &program, &outside, &mut random, &mut how);
            run.workshop.note(format!("    {}", how.as_deref().unwrap_or("no link")));
            if let (Some(how), [kind]) = (how, kinds.as_slice()) {
                *table.entry(kind).or_default().entry(how).or_default() += 1;
            }
            result.map_err(|failure| Failure {
                text: format!("{}\n{}", kinds.join("; "), failure.text),
                ..failure
            })?;
        }
        Ok(())
    })();
    match result {
        Ok(()) if env::var_os("UNFOLD_EDITS_KEEP").is_none() => run.workshop.remove(),
        _ => {
            let log = run.workshop.log.clone();
            fs::write(run.workshop.path("log"), log).expect("the target directory is writable");
            for unit in program.units.values() {
                let name = format!("source-{}.{}", unit.id, if unit.cpp { "cpp" } else { "c" });
                fs::write(run.workshop.path(&name), program.source(unit))
                    .expect("the target directory is writable");
            }
        }
    }
    result
}

fn some_kind(random: &mut Random) -> &'static str {
    let total: usize = KINDS.iter().map(|(_, weight)| weight).sum();
    let mut at = random.below(total);
    for (kind, weight) in KINDS {
        match at.checked_sub(*weight) {
            Some(rest) => at = rest,
            None => return kind,
        }
    }
    unreachable!("the number is below the sum of the weights")
}

struct Sequence {
    workshop: Workshop,
    pagers: &'static [&'static str],
    second: bool,
    /// Whether the last link succeeded.
    linked: bool,
    /// Objects that changed and were not read since: members that nobody needed.
    unread: BTreeSet<String>,
}

impl Sequence {
    /// Notes what has to be done to files once they are up to date.
    fn outside(&mut self, outside: Outside, _program: &Program, _step: usize) -> String {
        match outside {
            Outside::Touch => "touch".into(),
            Outside::Archive { deterministic: true } => "ar D".into(),
            Outside::Archive { deterministic: false } => "ar U".into(),
            Outside::RemoveOutput => "remove".into(),
            Outside::SecondOutput => {
                self.second = true;
                "second".into()
            }
            Outside::Revert(_) => "revert".into(),
            Outside::Library => "library".into(),
        }
    }

    fn step(
        &mut self,
        step: usize,
        program: &Program,
        outside: &BTreeSet<String>,
        random: &mut Random,
        how: &mut Option<String>,
    ) -> Result<(), Failure> {
        let fail = |sort: &'static str| move |text: String| Failure { step, sort, text };
        let in_place = random.below(2) == 0;
        let ar = if random.below(2) == 0 { "D" } else { "U" };
        let changed = self.workshop.update(program, in_place, ar).map_err(fail("compiling"))?;
        let mut made = || -> Result<(), String> {
            if outside.contains("touch") {
                self.workshop.touch(program, step)?;
            }
            for (word, ar) in [("ar D", "D"), ("ar U", "U")] {
                if outside.contains(word) {
                    self.workshop.make_archives(program, ar)?;
                }
            }
            if outside.contains("library") {
                self.workshop.make_library()?;
            }
            if outside.contains("remove") {
                let _ = fs::remove_file(self.workshop.path("app"));
            }
            Ok(())
        };
        made().map_err(fail("preparing"))?;

        let gnu = self.workshop.link(gnu_linker(), program, "gnu/app").map_err(fail("link"))?;
        let app = self.workshop.link(tested_linker(), program, "app").map_err(fail("link"))?;
        self.linked = app.succeeded();
        if gnu.succeeded() != app.succeeded() {
            return Err(fail("link")(format!("GNU ld: {gnu:?}\nunfold: {app:?}")));
        }
        let closely =
            !app.succeeded() || random.below(3) == 0 || env::var_os("UNFOLD_EDITS_CLOSELY").is_some();
        let unfold = unfold_command();
        if closely && unfold.is_some() {
            let _ = fs::remove_dir_all(self.workshop.path("fresh"));
            let fresh = self.workshop.link(tested_linker(), program, "fresh/app").map_err(fail("link"))?;
            let text = |outcome: &Outcome| outcome.stderr_text().replace("fresh/app", "app");
            if (fresh.ending, text(&fresh)) != (app.ending, text(&app)) {
                return Err(fail("messages")(format!("relinked: {app:?}\nfrom nothing: {fresh:?}")));
            }
        }
        if !app.succeeded() {
            if self.workshop.path("app").exists() {
                return Err(fail("link")("it failed and left its output".into()));
            }
            return Ok(());
        }
        let status = unfold.map(|unfold| Status::of(unfold, &self.workshop.path("app")));
        if let Some(status) = &status {
            *how = Some(match &status.why_full {
                None => "incremental".to_owned(),
                Some(why) => general(why),
            });
        }

        let expected = self.workshop.run("gnu/app", &[], "").map_err(fail("twin"))?;
        if !expected.stdout_text().contains("all ") {
            return Err(fail("twin")(format!("the twin of GNU ld does not work: {expected:?}")));
        }
        let same = |name: &str, found: Outcome, expected: &Outcome| match found.difference_from(expected) {
            None => Ok(()),
            Some(difference) => {
                let how = status.as_ref().map(|status| (status.incremental, status.why_full.clone()));
                Err(fail("behaviour")(format!("{name} (incremental: {how:?}): {difference}")))
            }
        };
        for pager in self.pagers {
            let found = self.workshop.run("app", &[], pager).map_err(fail("behaviour"))?;
            same(&format!("under {pager}"), found, &expected)?;
        }
        if self.second {
            let second = self.workshop.link(tested_linker(), program, "app2").map_err(fail("link"))?;
            if !second.succeeded() {
                return Err(fail("link")(format!("the second output: {second:?}")));
            }
            let found = self.workshop.run("app2", &[], "").map_err(fail("behaviour"))?;
            same("the second output", found, &expected)?;
        }
        self.unread.extend(changed.iter().cloned());
        if let Some(status) = status.as_ref().filter(|status| status.incremental) {
            check_reread(status, &self.unread).map_err(fail("what is read again"))?;
        }
        for entry in status.iter().flat_map(|status| &status.reindexed) {
            self.unread.remove(&name_of(entry));
        }
        let Some(unfold) = unfold.filter(|_| closely) else { return Ok(()) };

        let baked = self.workshop.bake(unfold, "app", "baked").map_err(fail("bake"))?;
        let from_nothing = self.workshop.bake(unfold, "fresh/app", "fresh/baked").map_err(fail("bake"))?;
        let found = self.workshop.run("baked", &[], "").map_err(fail("bake"))?;
        same("baked", found, &expected)?;
        let found = self.workshop.run("fresh/app", &[], "").map_err(fail("behaviour"))?;
        same("from nothing", found, &expected)?;
        let (found, wanted) = (Image::parse(&baked), Image::parse(&from_nothing));
        let (found, wanted) = (found.map_err(fail("bake"))?, wanted.map_err(fail("bake"))?);
        let pages = self.workshop.run("baked", &["pages"], "").map_err(fail("pages"))?;
        for pager in self.pagers {
            let lazy = self.workshop.run("app", &["pages"], pager).map_err(fail("pages"))?;
            if found.comparable(&lazy.stdout_text()) != found.comparable(&pages.stdout_text()) {
                let difference = lazy.difference_from(&pages).unwrap_or_default();
                return Err(fail("pages")(format!("under {pager}, and baked: {difference}")));
            }
        }
        // The fresh program has fewer objects if members are no longer needed that the relink kept.
        let objects = Status::of(unfold, &self.workshop.path("fresh/app")).objects;
        if status.as_ref().is_some_and(|status| status.objects == objects)
            && found.build_id() != wanted.build_id()
        {
            return Err(fail("build ID")("that of the relink is not that of a link from nothing".into()));
        }
        let more = status.as_ref().is_some_and(|status| status.incremental);
        compare::symbols(&found, &wanted, more).map_err(fail("symbols"))?;
        let mut compared = 0;
        for name in self.workshop.objects.keys().filter(|name| !name.contains(".pic.")) {
            let object =
                fs::read(self.workshop.path(name)).map_err(|error| fail("contents")(error.to_string()))?;
            compared += compare::contents(&found, &wanted, &object)
                .map_err(|text| fail("contents")(format!("{name}: {text}")))?;
        }
        match compared {
            0 => Err(fail("contents")("nothing could be compared".into())),
            _ => Ok(()),
        }
    }
}

/// The file name of an object that was read.
fn name_of(entry: &Reindexed) -> String {
    let path = entry.member.as_ref().unwrap_or(&entry.path);
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// A relink reads what changed and archive members that were not needed before, and nothing else.
fn check_reread(status: &Status, changed: &BTreeSet<String>) -> Result<(), String> {
    for entry in &status.reindexed {
        let name = name_of(entry);
        if !changed.contains(&name) && entry.reason != "new" {
            return Err(format!("{name} was read again, and only {changed:?} changed"));
        }
    }
    Ok(())
}

/// A reason without the names in it.
fn general(why: &str) -> String {
    let words = why.split_whitespace().map(|word| {
        let plain = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        let is_name = word.contains('/')
            || word.contains(".o")
            || word.contains(".a")
            || plain.chars().any(|letter| letter.is_ascii_digit());
        if is_name { "*" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn print_table(table: &Table) {
    println!("| edit | links | incremental | full, and why |\n|---|---|---|---|");
    for (kind, _) in KINDS {
        let Some(rows) = table.get(kind) else { continue };
        let total: usize = rows.values().sum();
        let incremental = rows.get("incremental").copied().unwrap_or(0);
        let mut full: Vec<(&String, &usize)> = rows.iter().filter(|(how, _)| *how != "incremental").collect();
        full.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let full: Vec<String> = full.iter().map(|(why, count)| format!("{count} {why}")).collect();
        println!("| {kind} | {total} | {incremental} | {} |", full.join("; "));
    }
}
