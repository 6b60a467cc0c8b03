//! A profile as text, as wide as the terminal.

use super::By;
use super::group::{Group, groups, short, thread_name};
use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Row, Table};
use indexer::profile::Profile;
use std::fmt::Write;
use terminal_size::{Width, terminal_size, terminal_size_of};

/// The head of the report, and a line for each of the `top` groups.
pub fn report(profile: &Profile, by: By, top: usize, is_aside: bool) -> String {
    let mut text = head(profile);
    if profile.touches.is_empty() {
        return text;
    }
    let groups = groups(profile, by);
    let shown = if top == 0 { groups.len() } else { top.min(groups.len()) };
    let total: f64 = groups.iter().map(|group| group.cost_us).sum();
    let mut table = table(is_aside);
    table.set_header(header(by));
    for (number, group) in groups.iter().enumerate().take(shown) {
        table.add_row(row(profile, by, number, group, total));
    }
    align(&mut table, if by == By::Time { &[0, 1, 2] } else { &[0, 1, 2, 3, 4] });
    writeln!(text, "\n{}", trimmed(&table)).ok();
    if shown < groups.len() {
        writeln!(text, "and {} more (--top 0 shows all)", groups.len() - shown).ok();
    }
    text
}

/// An empty table of the terminal's width.
pub fn table(is_aside: bool) -> Table {
    const USUAL: u16 = 120;
    let width = if is_aside { terminal_size_of(std::io::stderr()) } else { terminal_size() };
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width.map_or(USUAL, |(Width(width), _)| width.max(40)));
    table
}

/// Right-aligns these columns.
pub fn align(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Without blanks at the ends of lines.
pub fn trimmed(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

fn header(by: By) -> Row {
    let words: &[&str] = match by {
        By::Time => &["at ms", "us", "", "thread", "function", "section", "object"],
        By::Object => &["touches", "us", "%", "ahead", "first ms", "object"],
        By::Section => &["touches", "us", "%", "ahead", "first ms", "section", "object"],
        By::Function => &["touches", "us", "%", "ahead", "first ms", "function", "object"],
        By::Thread => &["touches", "us", "%", "ahead", "first ms", "thread"],
    };
    Row::from(words.to_vec())
}

fn row(profile: &Profile, by: By, number: usize, group: &Group, total: f64) -> Row {
    let key = &group.key;
    let object = || Cell::new(named(short(&key.object)));
    let mut cells = match by {
        By::Time => {
            let touch = &profile.touches[number];
            let note = match (touch.background, touch.needed) {
                (false, _) => "",
                (true, Some(false)) => "in vain",
                (true, _) => "ahead",
            };
            vec![Cell::new(ms(touch.time_us)), Cell::new(us(touch.cost_us)), Cell::new(note)]
        }
        _ => {
            let ahead = if group.background == 0 { String::new() } else { group.background.to_string() };
            let share = group.cost_us * 100.0 / total.max(f64::MIN_POSITIVE);
            vec![
                Cell::new(group.touches),
                Cell::new(us(group.cost_us)),
                Cell::new(format!("{share:.1}")),
                Cell::new(ahead),
                Cell::new(ms(group.first_us)),
            ]
        }
    };
    let thread = || Cell::new(thread_name(profile, key.thread));
    match by {
        By::Time => cells.extend([thread(), Cell::new(&key.function), Cell::new(&key.section), object()]),
        By::Object => cells.push(object()),
        By::Section => cells.extend([Cell::new(named(&key.section)), object()]),
        By::Function => {
            let name = if key.function.is_empty() { &key.section } else { &key.function };
            cells.extend([Cell::new(named(name)), object()]);
        }
        By::Thread => cells.push(thread()),
    }
    let mut row = Row::from(cells);
    row.max_height(1);
    row
}

fn named(name: &str) -> &str {
    if name.is_empty() { "(between sections)" } else { name }
}

pub fn ms(us: f64) -> String {
    format!("{:.2}", us / 1000.0)
}

pub fn us(us: f64) -> String {
    format!("{us:.1}")
}

/// What the run was, and what all touches cost together.
pub fn head(profile: &Profile) -> String {
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{line}").unwrap_or_default();
    let command = profile.command.as_ref().map_or(profile.app.clone(), |words| words.join(" "));
    let ending = profile.ending.as_ref().map_or(String::new(), |ending| format!(", ended with {ending}"));
    line(format!(
        "{command}: generation {}, process {}, pager {}{ending}",
        profile.generation, profile.pid, profile.pager
    ));
    let touched = || profile.touches.iter().filter(|touch| !touch.background);
    if touched().next().is_none() {
        line(why_nothing(profile));
    } else {
        let cost: f64 = touched().map(|touch| touch.cost_us).sum();
        let last = touched().map(|touch| touch.time_us + touch.cost_us).fold(0.0, f64::max);
        let unit = if profile.unit == shared::PAGE { "page" } else { "chunk of 16 pages" };
        let threads = profile.threads.len();
        line(format!(
            "{} first touches, each of a {unit}, by {threads} thread{}: {} ms in the loader, the last {} ms after the start",
            touched().count(),
            if threads == 1 { "" } else { "s" },
            ms(cost),
            ms(last)
        ));
    }
    line(format!(
        "pages: {} relocated, {} of them in the background; {} mapped that were kept; handed over after {} ms",
        profile.pages_rendered,
        profile.pages_prefetched,
        profile.pages_from_kept,
        ms(profile.handover_us)
    ));
    let background = &profile.background;
    if background.brought > 0 {
        let judged = match (background.needed, background.in_vain) {
            (Some(needed), Some(in_vain)) => {
                format!("{needed} of them needed by the last precise run, {in_vain} in vain")
            }
            _ => "what of it was needed, only a precise run tells: unfold profile APP -- ARGS".to_owned(),
        };
        line(format!(
            "ahead of any touch: {} chunks in {} ms; {judged}",
            background.brought,
            ms(background.cost_us)
        ));
    }
    if profile.lost > 0 {
        line(format!("the log had no room for {} more", profile.lost));
    }
    text
}

/// Why a run has touched nothing.
fn why_nothing(profile: &Profile) -> String {
    let again = format!("unfold profile {} -- ARGS runs it page by page", profile.app);
    match &profile.eager {
        Some(why) => format!("no first touches: {why}"),
        None if profile.pager == "none" => {
            format!(
                "no first touches: everything was kept from before ({} pages); {again}",
                profile.pages_from_kept
            )
        }
        None if profile.command.is_some() => "no first touches".to_owned(),
        None => format!("no first touches: all that it needed was kept, or brought in ahead; {again}"),
    }
}
