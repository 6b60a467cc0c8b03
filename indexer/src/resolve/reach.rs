//! Finds code that takes its distance to a number which it cannot reach: rendering it would fail, when the program
//! runs. In a position-independent program GNU ld has the number move with the program.

use super::{Definition, Resolution, SymbolId};
use crate::HandOn;
use crate::args::Request;
use crate::layout::Layout;
use crate::message::{Messages, overflow};
use anyhow::Result;
use shared::ImageAddr;
use shared::edit::Kind;
use shared::plan::Slot;
use shared::record::{Edit, GlobalRec, SymRef, uses};

pub fn check(
    request: &Request,
    resolution: &Resolution<'_>,
    layout: &Layout,
    slots: &[Slot],
    messages: &Messages<'_>,
) -> Result<()> {
    let is_number = |id: SymbolId| match resolution.symbols[resolution.aliased(id).0 as usize].definition {
        Definition::Value(_) => true,
        Definition::Object { object, global } => {
            resolution.global(object, global).section == GlobalRec::ABSOLUTE
        }
        _ => false,
    };
    let distance = |value: u64, from: ImageAddr| value.wrapping_sub(from.0) as i64;
    let is_near = |value: u64, from: ImageAddr| i32::try_from(distance(value, from)).is_ok();
    for (id, symbol) in resolution.symbols.iter().enumerate() {
        let value = slots[id].value;
        if symbol.uses & (uses::PC_RELATIVE | uses::CALL) == 0
            || is_near(value, layout.base) && is_near(value, layout.limit)
            || !is_number(id as SymbolId)
        {
            continue;
        }
        for (object, view) in resolution.objects.iter().enumerate() {
            let sections = view.sections.iter().enumerate();
            for (index, section) in sections.filter(|(index, _)| resolution.is_live(object, *index as u32)) {
                let refers = |edit: &&Edit| {
                    let near = matches!(Kind::from_number(edit.kind_number()), Some(Kind::Pc32 | Kind::Call));
                    let symref = view.symrefs.get(edit.symbol() as usize);
                    near && symref.is_some_and(|symref| {
                        symref.section == SymRef::GLOBAL
                            && resolution.symbol_of(object, symref.global as usize) == id as SymbolId
                    })
                };
                let Some(edit) = view.edits_of(section).iter().find(refers) else { continue };
                let place = messages.place(resolution, object, index, edit.offset.into());
                let target = format!("symbol `{}'", messages.name(symbol.name));
                if request.pie || request.shared {
                    return Err(HandOn(format!("{place} takes its distance to the number {target}")).into());
                }
                let from = layout.placement(object, index as u32).addr() + u64::from(edit.offset);
                let value = distance(value, from).wrapping_add(edit.addend);
                return Err(overflow(&place, Kind::Pc32, &target, value, 32));
            }
        }
    }
    Ok(())
}
