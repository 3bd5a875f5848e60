//! Compares what the load saw with what the applications recorded: no answered request unrecorded, none recorded that
//! was refused or never made, none recorded twice unless it was made again by the mesh.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use super::{
    load::{Outcome, Streams, Tally},
    trouble::DemoError,
};

/// The record files, as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Audit {
    read: BTreeMap<String, u64>,
    /// Step → number → the instances (`CLUSTER-INSTANCE`) that recorded the call.
    calls: BTreeMap<usize, BTreeMap<u64, Vec<String>>>,
    /// Stream → messages recorded.
    streams: BTreeMap<String, Vec<u64>>,
}

/// What a comparison found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Findings {
    /// Calls in the applications' records.
    pub(super) recorded: u64,
    /// Calls recorded more than once: an attempt broke after the application had it, and another was made.
    pub(super) repeated: u64,
    /// What can't be.
    pub(super) contradictions: Vec<String>,
}

impl Audit {
    /// Reads what the applications recorded since the last time.
    pub(super) fn read(&mut self, folder: &Path) -> Result<(), DemoError> {
        let refused = |error| DemoError::io(folder.display(), error);
        for entry in std::fs::read_dir(folder).map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let instance = entry.file_name().to_string_lossy().into_owned();
            let from = self.read.get(&instance).copied().unwrap_or_default();
            let text = tail(&entry.path(), from).map_err(refused)?;
            // A line under way is left for the next time.
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            for id in text[..whole].lines() {
                self.file(&instance, id);
            }
            self.read.insert(instance, from + whole as u64);
        }
        Ok(())
    }

    /// `STEP-NUMBER`, and for messages of streams `…/MESSAGE`; long streams have a name without a dash.
    fn file(&mut self, instance: &str, id: &str) {
        let (name, message) = match id.split_once('/') {
            Some((name, message)) => (name, message.parse().ok()),
            None => (id, None),
        };
        let call = name
            .split_once('-')
            .and_then(|(step, number)| Some((step.parse().ok()?, number.parse().ok()?)));
        match (call, message) {
            // A short stream is one call, whatever its messages.
            (Some((step, number)), None | Some(0)) => {
                self.calls
                    .entry(step)
                    .or_default()
                    .entry(number)
                    .or_default()
                    .push(instance.to_owned());
            }
            (None, Some(message)) => self
                .streams
                .entry(name.to_owned())
                .or_default()
                .push(message),
            _ => {}
        }
    }

    /// Compares the calls of one step, all of which have ended.
    pub(super) fn compare(&mut self, tally: &Tally) -> Findings {
        let mut records = self.calls.remove(&tally.step).unwrap_or_default();
        let mut found = Findings::default();
        tally.each(|call, flow| {
            let by = records.remove(&call.number).unwrap_or_default();
            found.recorded += u64::from(!by.is_empty());
            found.repeated += u64::from(by.len() > 1);
            let id = format!("{}-{} {flow}", tally.step, call.number);
            match &call.outcome {
                Outcome::Served { cluster, instance }
                    if !by.contains(&format!("{cluster}-{instance}")) =>
                {
                    found.contradictions.push(format!(
                        "{id}: answered by {cluster}-{instance}, recorded by {by:?}"
                    ));
                }
                Outcome::Refused(_)
                    if !by.is_empty() && flow.expect == super::load::Expect::Refused =>
                {
                    found
                        .contradictions
                        .push(format!("{id}: refused, yet recorded by {by:?}"));
                }
                Outcome::Served { .. } | Outcome::Refused(_) | Outcome::Failed(_) => {}
            }
        });
        found.contradictions.extend(
            records
                .keys()
                .map(|number| format!("{}-{number}: recorded, never made", tally.step)),
        );
        found
    }

    /// Compares the messages of long streams: each that came back is recorded once, and in order.
    pub(super) fn compare_streams(&self, streams: &Streams, answered: &[u64]) -> Vec<String> {
        let mut contradictions = Vec::new();
        for (stream, &answered) in answered.iter().enumerate() {
            let name = format!("{}{stream}", streams.name());
            let recorded = self
                .streams
                .get(&name)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let in_order = recorded
                .iter()
                .zip(0..)
                .all(|(&message, due)| message == due);
            if !in_order || (recorded.len() as u64) < answered {
                let count = recorded.len();
                contradictions.push(format!("stream {name}: {answered} messages came back, {count} recorded, in order: {in_order}"));
            }
        }
        contradictions
    }
}

fn tail(path: &Path, from: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
