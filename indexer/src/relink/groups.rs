//! Which COMDAT groups of changed objects are kept: of those with one signature, the first of the program.

use super::editor::Editor;
use super::object::Attempt;
use anyhow::{Context, Result};
use rayon::prelude::*;
use shared::record::{ObjectView, Placement};
use std::collections::{BTreeMap, HashMap, HashSet};

/// An object that has another record, or whose groups are others' now.
pub struct Change {
    /// Its number in the plan.
    pub number: u32,
    /// For the reasons of full links.
    pub name: String,
    pub old: ObjectView<'static>,
    pub new: ObjectView<'static>,
    /// The new record, if it is another one.
    pub record: Option<&'static [u8]>,
    /// Of the groups of either, which are part of the program.
    pub was_kept: Vec<bool>,
    pub kept: Vec<bool>,
    pub placements: Vec<Placement>,
}

impl Change {
    pub fn new(editor: &Editor, number: u32, name: String, record: &'static [u8]) -> Result<Self> {
        let old = editor.old_object(number).context("a record of the index is gone")?;
        let new = ObjectView::new(record).context("a new record contradicts itself")?;
        Ok(Self {
            number,
            name,
            old,
            new,
            record: Some(record),
            was_kept: was_kept(editor, number, &old)?,
            kept: Vec::new(),
            placements: Vec::new(),
        })
    }
}

/// Which of an object's groups are part of the program.
fn was_kept(editor: &Editor, number: u32, record: &ObjectView<'_>) -> Result<Vec<bool>> {
    let view = editor.view()?;
    let mut kept = vec![true; record.groups.len()];
    for (index, section) in (0u32..).zip(record.sections).filter(|(_, section)| section.group != 0) {
        let placement = view.placement(number, index).context("the plan has no such section")?;
        if let Some(kept) = kept.get_mut(section.group as usize - 1) {
            *kept = placement.is_live();
        }
    }
    Ok(kept)
}

/// Decides which groups of the changed objects are kept. Objects that thereby get or lose a group become changes too.
pub fn keep(editor: &Editor, changes: &mut Vec<Change>, order: &[u32]) -> Attempt {
    let hashes = |view: &ObjectView<'_>| view.groups.iter().map(|group| group.hash).collect::<HashSet<u64>>();
    // Only of groups that have sections it is known whether they were kept.
    let shown = |view: &ObjectView<'_>| {
        let groups = view.sections.iter().filter(|section| section.group != 0);
        groups
            .filter_map(|section| Some(view.groups.get(section.group as usize - 1)?.hash))
            .collect::<HashSet<u64>>()
    };
    let mut unsure: HashSet<u64> = HashSet::new();
    for change in changes.iter() {
        unsure.extend(hashes(&change.old).symmetric_difference(&hashes(&change.new)));
        unsure.extend(shown(&change.old).symmetric_difference(&shown(&change.new)));
    }
    let changed: HashSet<u32> = changes.iter().map(|change| change.number).collect();
    let place = |number: u32| order.get(number as usize).copied().unwrap_or(u32::MAX);
    let mut owners: HashMap<u64, u32> = HashMap::new();
    let mut others: BTreeMap<u32, HashSet<u64>> = BTreeMap::new();
    if !unsure.is_empty() {
        let count = editor.view()?.objects.len() as u32 - 1;
        let having = |number: u32| {
            let Some(record) = editor.old_object(number).filter(|_| !changed.contains(&number)) else {
                return Vec::new();
            };
            let groups = record.groups.iter().filter(|group| unsure.contains(&group.hash));
            groups.map(|group| (number, group.hash)).collect::<Vec<_>>()
        };
        let elsewhere: Vec<(u32, u64)> = (0..count).into_par_iter().flat_map_iter(having).collect();
        let here = changes
            .iter()
            .flat_map(|change| change.new.groups.iter().map(|group| (change.number, group.hash)));
        for (number, hash) in elsewhere.iter().copied().chain(here).filter(|(_, hash)| unsure.contains(hash))
        {
            let owner = owners.entry(hash).or_insert(number);
            if place(number) < place(*owner) {
                *owner = number;
            }
        }
        for (number, hash) in elsewhere {
            others.entry(number).or_default().insert(hash);
        }
    }
    for change in changes.iter_mut() {
        let before: HashMap<u64, bool> =
            change.old.groups.iter().map(|group| group.hash).zip(change.was_kept.iter().copied()).collect();
        let number = change.number;
        let kept = |hash: u64| match owners.get(&hash) {
            Some(owner) => *owner == number,
            None => before.get(&hash).copied().unwrap_or(true),
        };
        change.kept = change.new.groups.iter().map(|group| kept(group.hash)).collect();
    }
    for (number, _) in others {
        let record = editor.old_object(number).context("a record of the index is gone")?;
        let was_kept = was_kept(editor, number, &record)?;
        let now = |(group, was): (&shared::record::GroupRec, &bool)| {
            owners.get(&group.hash).map_or(*was, |owner| *owner == number)
        };
        let sections = shown(&record);
        let kept: Vec<bool> = record.groups.iter().zip(&was_kept).map(now).collect();
        let differs = record.groups.iter().zip(was_kept.iter().zip(&kept));
        if differs.into_iter().any(|(group, (was, is))| was != is && sections.contains(&group.hash)) {
            let name = "an object with parts of the same groups".to_owned();
            let placements = Vec::new();
            changes.push(Change {
                number,
                name,
                old: record,
                new: record,
                record: None,
                was_kept,
                kept,
                placements,
            });
        }
    }
    Ok(Ok(()))
}
