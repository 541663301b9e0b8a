//! The state x event table: which row an event meets.

use std::collections::BTreeMap;

use assay_engine::execution::{BLOCK, Event, Head, Part, PartId, Token};
use assay_engine::plan::Plan;

/// The row of the state x event table that an event meets.
pub(super) fn row(head: &Head, parts: &BTreeMap<PartId, Part>, plan: &Plan, event: &Event) -> String {
    let fence = match event {
        Event::TimerFired { token: Token::Step { fence } } => Some(fence),
        other => other.fence(),
    };
    let status = head.status.word();
    let phase = format!("{:?}", head.phase).to_lowercase();
    let Some(fence) = fence else { return format!("{status}/{phase}") };
    let active = plan.step_index(&fence.step).and_then(|step| {
        let state = match fence.instance {
            None => match parts.get(&PartId::Step(step as u32))? {
                Part::Step(state) => &state.alone,
                _ => return None,
            },
            Some(index) => match parts.get(&PartId::Block(step as u32, index / BLOCK))? {
                Part::Block(block) => block.get((index % BLOCK) as usize)?,
                _ => return None,
            },
        };
        let active = state.active.as_ref()?;
        let same = state.attempt == fence.attempt && active.turn == fence.turn && active.phase == fence.phase;
        let stopping = if active.stopping { "+stopping" } else { "" };
        Some(if same { format!("{:?}{stopping}", active.state) } else { "another attempt".to_owned() })
    });
    format!("{phase}/{}", active.unwrap_or_else(|| "nothing under way".to_owned()))
}
