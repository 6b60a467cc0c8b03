//! An explanation as text: a line for each fact, what belongs together below each other.

use super::Explanation;
use super::definition::Binding;
use super::page::Page;
use super::source::Source;
use crate::out::{dim, strong};
use crate::print_line;

/// Width of the labels.
const LABEL: usize = 13;

fn fact(label: &str, text: &str) {
    print_line!("  {}{text}", dim(&format!("{label:<LABEL$}")));
}

/// One more line of the fact above.
fn more(text: &str) {
    print_line!("  {:LABEL$}{text}", "");
}

pub fn print(explanation: &Explanation, limit: usize) {
    headline(explanation);
    if let Some(newest) = explanation.newest {
        fact("generation", &format!("{}; the newest is {newest}", explanation.generation));
    }
    if let Some(place) = &explanation.place {
        let size = place.section_size.map_or(String::new(), |size| format!(", of {size} bytes"));
        fact("object", &format!("{}{size}", place.text));
    }
    if let Some(source) = &explanation.source {
        print_source(source);
    }
    if let Some(binding) = &explanation.binding {
        print_binding(binding, explanation.is_lost, limit);
    }
    if explanation.is_entry {
        fact("entry", "the program begins here");
    }
    if let Some(group) = &explanation.group {
        let count = group.discarded.len();
        let text = if count == 0 {
            "; no other object has it".to_owned()
        } else {
            format!("; discarded in {count} others:")
        };
        fact("COMDAT", &format!("{}, kept from {}{text}", group.signature, group.kept_from));
        list(group.discarded.iter().cloned(), count, limit);
    }
    if let Some(object) = &explanation.object {
        fact("loaded", &object.loaded.text);
        fact("read", &object.read);
    }
    if let Some(page) = &explanation.page {
        print_page(page);
    }
    if let Some(listed) = &explanation.relocations {
        fact("refers to", &count(listed.count, "place"));
        let lines = listed.shown.iter().map(|relocation| {
            let address = relocation.target_address.map_or("-".to_owned(), |address| format!("{address:#x}"));
            format!(
                "+{:<#7x} {:<24} {}  {address}  {}",
                relocation.offset,
                relocation.kind,
                strong(&relocation.target),
                dim(&relocation.resolved)
            )
        });
        list(lines, listed.count, limit);
    }
    if let Some(listed) = &explanation.references {
        fact("referred to", &format!("from {}", count(listed.count, "place")));
        let lines = listed.shown.iter().map(|reference| {
            let function = match &reference.function {
                Some(function) => strong(function),
                None => reference.section.clone(),
            };
            let address = reference.address.map_or("-".to_owned(), |address| format!("{address:#x}"));
            let kind = reference.kind.unwrap_or("directly, without a relocation");
            format!("{address}  {}({function})  {}", reference.object, dim(kind))
        });
        list(lines, listed.count, limit);
    }
    if let Some(listed) = &explanation.sections {
        fact("sections", &listed.count.to_string());
        let lines = listed.shown.iter().map(|section| match (&section.address, &section.discarded_for) {
            (Some(address), _) => format!("{address:#x}  {}  {} bytes", strong(&section.name), section.size),
            (None, Some(object)) => {
                format!("discarded  {}: its COMDAT group is kept from {object}", strong(&section.name))
            }
            (None, None) => format!("not in the program  {}", strong(&section.name)),
        });
        list(lines, listed.count, limit);
    }
}

/// `2 places`.
fn count(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn list(lines: impl Iterator<Item = String>, count: usize, limit: usize) {
    lines.take(limit).for_each(|line| more(&line));
    if count > limit {
        more(&format!("and {} more (--limit)", count - limit));
    }
}

fn headline(explanation: &Explanation) {
    let address = explanation.address.map_or(String::new(), |address| format!("{address:#x}"));
    let Some(symbol) = &explanation.symbol else {
        let what = match (&explanation.place, explanation.address) {
            (Some(place), None) => place.text.clone(),
            (Some(_), Some(_)) => "no symbol".to_owned(),
            (None, _) => "nothing of any object".to_owned(),
        };
        print_line!("{} {}", strong(&address), what);
        return;
    };
    let offset = if symbol.offset == 0 { String::new() } else { format!("+{:#x}", symbol.offset) };
    let name = strong(&format!("{}{offset}", symbol.readable));
    let mut words = vec![symbol.kind.to_owned(), symbol.binding.to_owned()];
    if symbol.visibility != "default" {
        words.push(symbol.visibility.to_owned());
    }
    if symbol.size != 0 {
        words.push(count(symbol.size as usize, "byte"));
    }
    if !address.is_empty() {
        words.push(address);
    }
    print_line!("{name}  {}", words.join(", "));
    if symbol.name != symbol.readable {
        fact("mangled", &symbol.name);
    }
}

fn print_source(source: &Source) {
    let line = |file: &Option<String>, line: Option<u32>| match (file, line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.clone(),
        _ => "?".to_owned(),
    };
    let Some((innermost, outer)) = source.frames.split_first().filter(|(_, outer)| !outer.is_empty()) else {
        fact("source", &source.unknown.clone().unwrap_or_else(|| line(&source.file, source.line)));
        return;
    };
    let function = |name: &Option<String>| name.clone().unwrap_or_else(|| "?".to_owned());
    fact("source", &format!("{}  {}", line(&innermost.file, innermost.line), function(&innermost.function)));
    for frame in outer {
        more(&format!(
            "{}  {}",
            line(&frame.file, frame.line),
            dim(&format!("inlined into {}", function(&frame.function)))
        ));
    }
}

fn print_binding(binding: &Binding, lost: bool, limit: usize) {
    fact("defined", &binding.why);
    if lost {
        more("this is not the definition that was taken");
    }
    let several = binding.candidates.len() > 1;
    let lines = binding.candidates.iter().filter(|_| several).map(|candidate| {
        let state = match () {
            () if candidate.taken => ", taken",
            () if candidate.discarded => ", discarded with its COMDAT group",
            () => "",
        };
        format!("{}: {}, {} bytes{state}", candidate.object, candidate.kind, candidate.size)
    });
    list(lines, if several { binding.candidates.len() } else { 0 }, limit);
    if !binding.not_loaded.is_empty() {
        fact("not loaded", "archive members that define it too; it was defined when they were looked at");
        list(binding.not_loaded.iter().cloned(), binding.not_loaded.len(), limit);
    }
    if !binding.other_libraries.is_empty() {
        let lines = binding.other_libraries.iter().cloned();
        fact("libraries", "that define it too");
        list(lines, binding.other_libraries.len(), limit);
    }
    if let Some(version) = &binding.version {
        fact("version", version);
    }
    let mut words = Vec::new();
    words.extend(binding.exported.then(|| "exported".to_owned()));
    words.extend(binding.imported.then(|| "imported".to_owned()));
    words.extend(binding.interposable.then(|| "others may define it before".to_owned()));
    words.extend(binding.got.map(|entry| format!("GOT entry {entry:#x}")));
    words.extend(binding.plt.map(|entry| format!("PLT entry {entry:#x}")));
    words.extend(binding.copy.map(|copy| format!("copied to {copy:#x}")));
    if !words.is_empty() {
        fact("dynamic", &words.join(", "));
    }
}

fn print_page(page: &Page) {
    let chunk = page.chunk.map_or(String::new(), |chunk| format!(", chunk {chunk}"));
    let since = page.since.map_or(String::new(), |since| format!(", as it is since generation {since}"));
    fact("page", &format!("{:#x}, {}{chunk}{since}: {}", page.start, page.kind, page.made));
    if let Some(again) = &page.again {
        more(again);
    }
    if let Some(touch) = &page.first_touch {
        let who = match touch.background {
            true => "in the background".to_owned(),
            false => format!("by thread {}", touch.thread),
        };
        fact(
            "first touch",
            &format!("{} us after the start, {who} ({}, process {})", touch.us, touch.run, touch.pid),
        );
    }
    if let Some(why) = &page.untouched {
        fact("first touch", &format!("none: {why}"));
    }
}
