//! A rerun says of each step and instance that was carried over that it was.

use crate::execution::draft::{At, Draft, Draw};
use crate::execution::parts::Values;
use crate::execution::standing::Standing;
use crate::id::ExecutionId;
use crate::record::What;

impl Draft<'_> {
    /// Says of each step that has its status from the beginning how it came to it.
    pub(in crate::execution) fn tell_settled(&mut self) -> Draw<()> {
        for step in 0..self.plan.main_steps {
            if !self.standing(step).ended() {
                continue;
            }
            if self.standing(step) == Standing::LeftOut {
                self.close(step, Standing::LeftOut);
                continue;
            }
            if let Some(count) = self.foreach(step)?.map(|expansion| expansion.count) {
                let place = self.place(At::step(step));
                self.record(What::Expanded { place, instances: count });
            }
            let carried = self.step(step)?.carried.clone();
            self.carried_record(At::step(step), self.standing(step), carried)?;
        }
        Ok(())
    }

    fn carried_record(&mut self, at: At, standing: Standing, carried: Option<ExecutionId>) -> Draw<()> {
        let place = self.place(at);
        let attempts = self.instance(at)?.attempt;
        self.record(What::StepFinished {
            place,
            status: standing.status(),
            skipped: standing.skipped(),
            attempts,
            result: None,
            error: None,
            assertions: Vec::new(),
            duration_ms: 0,
            carried,
        });
        Ok(())
    }

    /// Carries an instance over, if it had passed and would send the same again.
    pub(in crate::execution) fn carry_instance(&mut self, at: At) -> Draw<bool> {
        if at.instance.is_none() || self.head.rerun_of.is_none() {
            return Ok(false);
        }
        let place = self.place(at).to_string();
        let Some(offer) = self.start()?.carried_instances.get(&place).cloned() else { return Ok(false) };
        self.instance_mut(at)?.rendered_at = Some(offer.rendered_at);
        let same = self.rendered(at)?.is_ok_and(|rendered| rendered.hash == offer.with_hash);
        if !same {
            self.instance_mut(at)?.rendered_at = None;
            return Ok(false);
        }
        self.take_over(at, offer.values, offer.with_hash)?;
        Ok(true)
    }

    fn take_over(&mut self, at: At, values: Values, with_hash: String) -> Draw<()> {
        let bytes = serde_json::to_vec(&values).map_or(usize::MAX, |text| text.len());
        self.put_values(at, values, bytes)?;
        let now = self.now;
        let state = self.instance_mut(at)?;
        state.with_hash = Some(with_hash);
        state.ended = Some(Standing::Passed);
        state.ended_at = Some(now);
        let of = self.head.rerun_of.clone();
        self.carried_record(at, Standing::Passed, of)?;
        self.instance_ended(at, Standing::Passed)
    }
}
