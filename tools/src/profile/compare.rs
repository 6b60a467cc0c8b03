//! Two runs side by side, matched by names: addresses may be others.

use super::By;
use super::group::{Group, Key, groups, rounded, short};
use super::table::{align, ms, table, trimmed, us};
use comfy_table::{Cell, Row};
use indexer::profile::Profile;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write;

/// The same thing in both runs.
struct Pair {
    key: Key,
    before: Option<Group>,
    after: Option<Group>,
}

impl Pair {
    fn cost(group: &Option<Group>) -> f64 {
        group.as_ref().map_or(0.0, |group| group.cost_us)
    }

    fn difference(&self) -> f64 {
        Self::cost(&self.after) - Self::cost(&self.before)
    }
}

/// Touches are no pairs, and threads have other numbers in each run.
fn by_name(by: By) -> By {
    if matches!(by, By::Time | By::Thread) { By::Function } else { by }
}

/// What is in either run: what is only in one first, then what differs most in cost.
fn pairs(before: &Profile, after: &Profile, by: By) -> Vec<Pair> {
    // Paths are others where another build is compared.
    let name = |group: &Group| Key { object: short(&group.key.object).to_owned(), ..group.key.clone() };
    let mut numbers = HashMap::new();
    let mut pairs: Vec<Pair> = Vec::new();
    for group in groups(after, by) {
        numbers.entry(name(&group)).or_insert(pairs.len());
        pairs.push(Pair { key: name(&group), before: None, after: Some(group) });
    }
    for group in groups(before, by) {
        match numbers.get(&name(&group)).filter(|number| pairs[**number].before.is_none()) {
            Some(number) => pairs[*number].before = Some(group),
            None => pairs.push(Pair { key: name(&group), before: Some(group), after: None }),
        }
    }
    let rank = |pair: &Pair| (pair.before.is_some() && pair.after.is_some(), -pair.difference().abs());
    pairs.sort_by(|a, b| rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal));
    pairs
}

fn totals(profile: &Profile) -> (usize, f64, f64) {
    let touched = || profile.touches.iter().filter(|touch| !touch.background);
    let cost = touched().map(|touch| touch.cost_us).sum();
    (touched().count(), cost, touched().map(|touch| touch.time_us + touch.cost_us).fold(0.0, f64::max))
}

pub fn json(before: &Profile, after: &Profile, by: By) -> Value {
    let by = by_name(by);
    let total = |profile: &Profile| {
        let (touches, cost, last) = totals(profile);
        json!({
            "app": profile.app, "generation": profile.generation, "command": profile.command, "unit": profile.unit,
            "touches": touches, "cost_us": rounded(cost), "last_us": rounded(last),
        })
    };
    let text = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
    let rows = pairs(before, after, by);
    let rows = rows.iter().map(|pair| {
        json!({
            "object": text(&pair.key.object),
            "section": text(&pair.key.section),
            "function": text(&pair.key.function),
            "symbol": text(&pair.key.symbol),
            "before": pair.before.as_ref().map(Group::json),
            "after": pair.after.as_ref().map(Group::json),
        })
    });
    json!({
        "format": "unfold-profile-diff-1",
        "by": by.name(),
        "before": total(before),
        "after": total(after),
        "rows": rows.collect::<Vec<_>>(),
    })
}

pub fn report(before: &Profile, after: &Profile, by: By, top: usize, is_aside: bool) -> String {
    let by = by_name(by);
    let mut text = String::new();
    for (what, profile) in [("before", before), ("after", after)] {
        let (touches, cost, last) = totals(profile);
        let command = profile.command.as_ref().map_or(profile.app.clone(), |words| words.join(" "));
        writeln!(
            text,
            "{what}: {command}, generation {}: {touches} first touches, {} ms in the loader, the last {} ms after the start",
            profile.generation,
            ms(cost),
            ms(last)
        )
        .ok();
    }
    if before.unit != after.unit {
        writeln!(text, "one of them is precise, with touches of pages, the other one has touches of chunks")
            .ok();
    }
    let pairs = pairs(before, after, by);
    let only = |is_it: fn(&Pair) -> bool| pairs.iter().filter(|pair| is_it(pair)).count();
    writeln!(
        text,
        "{}s: {} only before, {} only after, {} in both",
        by.name(),
        only(|pair| pair.after.is_none()),
        only(|pair| pair.before.is_none()),
        only(|pair| pair.before.is_some() && pair.after.is_some())
    )
    .ok();
    let shown = if top == 0 { pairs.len() } else { top.min(pairs.len()) };
    if shown == 0 {
        return text;
    }
    let mut table = table(is_aside);
    let mut titles = vec!["touches", "->", "us", "->", "+/-", by.name()];
    if by != By::Object {
        titles.push("object");
    }
    table.set_header(titles);
    for pair in pairs.iter().take(shown) {
        let touches =
            |group: &Option<Group>| group.as_ref().map_or(String::new(), |group| group.touches.to_string());
        let cost = |group: &Option<Group>| group.as_ref().map_or(String::new(), |group| us(group.cost_us));
        let name = match by {
            By::Function if !pair.key.function.is_empty() => &pair.key.function,
            By::Object => &pair.key.object,
            _ => &pair.key.section,
        };
        let mut cells = vec![
            Cell::new(touches(&pair.before)),
            Cell::new(touches(&pair.after)),
            Cell::new(cost(&pair.before)),
            Cell::new(cost(&pair.after)),
            Cell::new(format!("{:+.1}", pair.difference())),
            Cell::new(name),
        ];
        if by != By::Object {
            cells.push(Cell::new(&pair.key.object));
        }
        let mut row = Row::from(cells);
        row.max_height(1);
        table.add_row(row);
    }
    align(&mut table, &[0, 1, 2, 3, 4]);
    writeln!(text, "\n{}", trimmed(&table)).ok();
    if shown < pairs.len() {
        writeln!(text, "and {} more (--top 0 shows all)", pairs.len() - shown).ok();
    }
    text
}
