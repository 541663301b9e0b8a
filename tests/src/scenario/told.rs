//! Effects and records as lines.

use assay_engine::execution::{Effect, Ignored, Token};
use assay_engine::job::{Captured, Fence, JobPhase};
use assay_engine::record::What;
use jiff::Timestamp;

pub(super) fn fence(fence: &Fence) -> String {
    let phase = match fence.phase {
        JobPhase::Run => "",
        JobPhase::Prepare => " prepare",
        JobPhase::Undo => " undo",
    };
    let turn = if fence.turn == 0 { String::new() } else { format!(".{}", fence.turn) };
    format!("{}#{}{turn}{phase}", fence.place(), fence.attempt)
}

pub(super) fn effect(effect: &Effect, now: Timestamp) -> String {
    match effect {
        Effect::Dispatch { job } => {
            let mut line = format!("dispatch {}", fence(&job.fence));
            if !job.with.as_object().is_none_or(serde_json::Map::is_empty) {
                line.push_str(&format!(" with {}", job.with));
            }
            for late in &job.late {
                line.push_str(&format!(" late {}={}", late.at, late.template));
            }
            if let Some(from) = job.window_from {
                line.push_str(&format!(" window {}s ago", now.duration_since(from).as_secs()));
            }
            if let Some(prepared) = &job.prepared {
                line.push_str(&format!(" prepared {prepared}"));
            }
            if let Some(checkpoint) = &job.checkpoint {
                line.push_str(&format!(" checkpoint {checkpoint}"));
            }
            line
        }
        Effect::ArmTimer { token, at } => {
            let after = at.duration_since(now).unsigned_abs();
            format!("timer {} in {}", self::token(token), assay_engine::duration::text(after))
        }
        Effect::StartChild { child } => {
            let inputs: Vec<String> = child
                .inputs
                .iter()
                .map(|(name, value)| match value {
                    Captured::Clear(value) => format!("{name}={value}"),
                    Captured::Sealed(_) => format!("{name}=sealed"),
                    Captured::Deferred(deferred) => format!("{name}=late {:?}", deferred.late),
                })
                .collect();
            let again = if child.rerun_of.is_some() { " going on" } else { "" };
            format!(
                "start child {} {} width {} {}{again}",
                fence(&child.fence),
                child.main,
                child.width,
                inputs.join(" ")
            )
        }
        Effect::Stop { fence: one } => format!("stop {}", fence(one)),
        Effect::StopChild { forced, .. } => if *forced { "stop child forced" } else { "stop child" }.to_owned(),
        Effect::Proceed { job } => format!("proceed {}", fence(&job.fence)),
        Effect::Finish { status } => format!("finish {}", status.word()),
    }
}

fn token(token: &Token) -> String {
    match token {
        Token::Queue => "queue".into(),
        Token::Execution => "execution".into(),
        Token::StopGrace => "stopGrace".into(),
        Token::Finally => "finally".into(),
        Token::Keep => "keep".into(),
        Token::Step { fence: one } => fence(one),
    }
}

pub(super) fn ignored(why: Ignored) -> String {
    match why {
        Ignored::Stale => "ignored: stale".into(),
        Ignored::Duplicate => "ignored: duplicate".into(),
    }
}

/// The line of a record, unless an effect says the same.
pub(super) fn record(what: &What) -> Option<String> {
    Some(match what {
        What::Queued { .. } | What::Dispatched { .. } | What::Started { .. } => return None,
        What::PhaseEntered { phase, .. } => format!("phase {}", format!("{phase:?}").to_lowercase()),
        What::Released { by, rerun } => {
            let rerun = if rerun.is_some() { ", `finally` is left to a rerun" } else { "" };
            format!("released by {by}{rerun}")
        }
        What::StopRequested { by, forced } => {
            format!("stop requested by {by}{}", if *forced { ", forced" } else { "" })
        }
        What::Finished { status, worst, cleanup, reason, .. } => {
            let worst = worst.map(|one| format!(", worst {}", one.word())).unwrap_or_default();
            let cleanup = cleanup.map(|one| format!(", clean-up {}", one.word())).unwrap_or_default();
            let reason = reason.as_ref().map(|one| format!(": {one}")).unwrap_or_default();
            format!("verdict {}{worst}{cleanup}{reason}", status.word())
        }
        What::Expanded { place, instances } => format!("{place} has {instances} instances"),
        What::StepStarted { place, phase, .. } => match phase {
            JobPhase::Run => format!("{place} started"),
            other => format!("{place} started {}", format!("{other:?}").to_lowercase()),
        },
        What::Prepared { place, undo } => format!("{place} prepared{}", if *undo { ", to be undone" } else { "" }),
        What::Continued { place, turn, .. } => format!("{place} goes on with turn {turn}"),
        What::AttemptEnded { place, attempt, result, .. } => {
            format!("{place}#{attempt} {}, tried again", format!("{:?}", result.outcome).to_lowercase())
        }
        What::StepFinished { place, status, skipped, error, result, carried, .. } => {
            let reason = match skipped {
                Some(skipped) => format!(" ({})", format!("{skipped:?}").to_lowercase()),
                None => String::new(),
            };
            let error = error.as_ref().or_else(|| result.as_ref().and_then(|result| result.error.as_ref()));
            let error = error.map(|error| format!(": {}", error.message)).unwrap_or_default();
            let carried = if carried.is_some() { " (carried over)" } else { "" };
            format!("{place} {}{reason}{carried}{error}", status.word())
        }
        What::Undone { place, ok, .. } => format!("{place} {}", if *ok { "undone" } else { "not undone" }),
        What::SignalReceived { name, .. } => format!("signal {name}"),
        What::Warned { step, message } => {
            format!("warning{}: {message}", step.as_ref().map(|step| format!(" {step}")).unwrap_or_default())
        }
    })
}
