//! A profile as text, as wide as the terminal.

use super::By;
use super::group::{Group, groups, short, thread_name};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Row, Table};
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
    let total = groups.iter().map(|group| group.cost_us).sum();
    let mut table = table(is_aside);
    let shape = Shape {
        is_wide: table.width().is_none_or(|width| width >= WIDE),
        has_background: profile.background.brought > 0,
        has_threads: profile.background.brought > 0 || profile.threads.len() > 1,
        total,
    };
    for (number, group) in groups.iter().enumerate().take(shown) {
        let columns = columns(profile, by, number, group, &shape);
        if number == 0 {
            table.set_header(columns.iter().map(|column| column.title));
        }
        let numbers: Vec<usize> = (0..columns.len()).filter(|number| columns[*number].is_number).collect();
        let mut row = Row::from(columns.into_iter().map(|column| column.text));
        row.max_height(1);
        table.add_row(row);
        if number == 0 {
            align(&mut table, &numbers);
        }
    }
    writeln!(text, "\n{}", trimmed(&table)).ok();
    if shown < groups.len() {
        writeln!(text, "and {} more (--top 0 shows all)", groups.len() - shown).ok();
    }
    text
}

/// A terminal of this width has room for functions and their objects.
const WIDE: u16 = 100;

/// Which columns there are, and what all touches cost.
struct Shape {
    is_wide: bool,
    has_background: bool,
    has_threads: bool,
    total: f64,
}

/// A column, and what a line has in it.
struct Column {
    title: &'static str,
    is_number: bool,
    text: String,
}

fn columns(profile: &Profile, by: By, number: usize, group: &Group, shape: &Shape) -> Vec<Column> {
    let key = &group.key;
    let column = |is_number, title, text: String| Column { title, is_number, text };
    let mut columns = Vec::new();
    match by {
        By::Time => {
            let touch = &profile.touches[number];
            columns.push(column(true, "at ms", ms(touch.time_us)));
            columns.push(column(true, "us", us(touch.cost_us)));
            let note = match (touch.background, touch.needed) {
                (false, _) => "",
                (true, Some(false)) => "in vain",
                (true, _) => "ahead",
            };
            if shape.has_background {
                columns.push(column(false, "", note.to_owned()));
            }
        }
        _ => {
            let share = group.cost_us * 100.0 / shape.total.max(f64::MIN_POSITIVE);
            columns.push(column(true, "touches", group.touches.to_string()));
            columns.push(column(true, "us", us(group.cost_us)));
            columns.push(column(true, "%", format!("{share:.1}")));
            if shape.has_background {
                columns.push(column(true, "ahead", group.background.to_string()));
            }
            columns.push(column(true, "first ms", ms(group.first_us)));
        }
    }
    if by == By::Thread || by == By::Time && shape.has_threads {
        columns.push(column(false, "thread", thread_name(profile, key.thread)));
    }
    if matches!(by, By::Function | By::Time) {
        let name = if key.function.is_empty() { &key.section } else { &key.function };
        columns.push(column(false, "function", named(name).to_owned()));
    }
    if by == By::Section {
        columns.push(column(false, "section", named(&key.section).to_owned()));
    }
    if by == By::Object || by != By::Thread && shape.is_wide {
        columns.push(column(false, "object", named(short(&key.object)).to_owned()));
    }
    columns
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
