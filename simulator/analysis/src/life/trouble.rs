//! What stood in a bundle's way at some validators, although it is not what decides its fate: a few
//! words for the first line.
//!
//! Knows what [`super::judge`] finds of each validator, and adds what is over by now.

use engine::VirtualTime;
use protocol::observe::Letter;

use super::{
    codes::Fate,
    facts::{Sent, Told},
    judge::{Judge, Standing, at},
};

impl Judge<'_> {
    /// Such as `at v1 M-03, the confirmation was lost in a partition at 1.1 s`; what lasts comes before
    /// what is over, and the first validator speaks for all. `None` if nothing is there beside
    /// `decided`, which the first line says anyway.
    pub(super) fn trouble(
        &self,
        sent: &Sent,
        standings: &[Standing],
        decided: Fate,
    ) -> Option<String> {
        let lasting: Vec<_> = standings
            .iter()
            .filter_map(|one| Some((one.validator, one.fate?, one.detail.clone())))
            .collect();
        let over = || {
            let rest = standings.iter().filter(|one| one.fate.is_none());
            let past = rest.filter_map(|one| {
                let (fate, detail) = self.over(sent, one.validator)?;
                Some((one.validator, fate, detail))
            });
            past.collect::<Vec<_>>()
        };
        let found = if lasting.is_empty() { over() } else { lasting };
        let (_, fate, detail) = found.first()?.clone();
        if fate == decided {
            return None;
        }
        let same = found.iter().filter(|(_, other, _)| *other == fate);
        let validators = &self.facts.directory.validators;
        let names: Vec<_> = same
            .map(|(validator, ..)| validators[super::at(*validator)].as_str())
            .collect();
        Some(format!(
            "at {} {}, {detail}",
            names.join(", "),
            fate.code().name
        ))
    }

    /// The first thing that went wrong at a validator and was made good.
    fn over(&self, sent: &Sent, validator: u32) -> Option<(Fate, String)> {
        let height = sent.bundle.height.0;
        let told = self.pair.told.get(&validator)?;
        let since = told.iter().filter(|(when, _)| *when >= sent.time);
        let mut wrong = since.filter_map(|(when, told)| self.wrong(height, *when, told));
        wrong.next()
    }

    fn wrong(&self, height: u64, when: VirtualTime, told: &Told) -> Option<(Fate, String)> {
        match told {
            Told::Lost(Letter::Confirmation, newest, loss) if *newest >= height => {
                let way = self.way(*loss);
                let detail = format!("the confirmation was lost {way} at {}", at(when));
                Some((Fate::LostConfirmation, detail))
            }
            Told::Lost(Letter::Update, newest, loss) if *newest >= height => {
                let detail = format!("the update was lost {} at {}", self.way(*loss), at(when));
                Some((Fate::LostOnTheWay, detail))
            }
            Told::Refused(_) => {
                let (fate, detail) = self.refused(&[(when, told.clone())])?;
                Some((fate?, detail))
            }
            Told::Dropped => {
                let detail = format!("dropped at {}: the queue was full", at(when));
                Some((Fate::QueueFull, detail))
            }
            Told::Retried(_)
            | Told::Abandoned
            | Told::Lost(..)
            | Told::Duplicate
            | Told::Confirmed(_)
            | Told::Restored(_) => None,
        }
    }
}
