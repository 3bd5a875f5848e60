//! What all verbs that change something share: `--dry-run`, `--wait`, and saying what became of it.

use std::time::Duration;

use protocol::wire::v1::{Applied, ApplyReply, ApplyRequest, ChangeReply, DeleteRequest};
use serde_json::{Value, json};

use super::Global;
use crate::api::{Api, refused};
use crate::failure::Failure;
use crate::output::{self, Answer, Format};
use crate::settings::{defaults, duration};

/// The flags of every verb that changes something.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct ChangeFlags {
    /// Print the plan and the resource that would be written; change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Wait until every node in touch has acknowledged it [default without a value: 30s].
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, value_parser = duration::parse)]
    pub(crate) wait: Option<Option<Duration>>,
}

impl ChangeFlags {
    /// How long to wait for the nodes, if at all.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.wait.map(|value| value.unwrap_or(defaults::WAIT))
    }
}

/// What a verb has done so far: all of it is one answer.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    items: Vec<Value>,
    names: Vec<String>,
    text: String,
    version: u64,
}

impl Batch {
    /// Stores a manifest, or only checks it.
    pub(crate) async fn put(
        &mut self,
        api: &mut Api,
        manifest: &str,
        file: &str,
        flags: ChangeFlags,
        global: &Global,
    ) -> Result<(), Failure> {
        let reply = store(api, manifest, file, flags.dry_run, global).await?;
        for warning in &reply.warnings {
            output::note(&format!("warning: {warning}"));
        }
        self.stored(&reply, flags.dry_run);
        if flags.dry_run {
            self.text.push_str(manifest);
        }
        Ok(())
    }

    /// Deletes one resource.
    pub(crate) async fn delete(
        &mut self,
        api: &mut Api,
        what: DeleteRequest,
        flags: ChangeFlags,
    ) -> Result<(), Failure> {
        let name = full_name(&what.namespace, &what.name);
        let kind = what.kind.clone();
        let request = DeleteRequest {
            dry_run: flags.dry_run,
            ..what
        };
        let reply = api
            .client
            .delete(request)
            .await
            .map_err(|status| refused(&format!("{kind} {name} was not deleted"), &status))?;
        self.changed(&kind, &name, &reply.into_inner(), flags.dry_run);
        Ok(())
    }

    /// Notes what became of one thing.
    pub(crate) fn changed(&mut self, kind: &str, name: &str, reply: &ChangeReply, dry_run: bool) {
        let (namespace, own) = name.split_once('/').unwrap_or(("", name));
        let applied = Applied {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: own.to_owned(),
            outcome: reply.outcome.clone(),
        };
        self.add(&applied, reply.version, dry_run, "");
    }

    /// Says what became of it all, and waits for the hosts if asked to.
    pub(crate) async fn finish(
        self,
        api: &mut Api,
        flags: ChangeFlags,
        format: Format,
    ) -> Result<(), Failure> {
        let version = self.version;
        self.answer().print(format)?;
        let Some(within) = flags.wait().filter(|_| !flags.dry_run) else {
            return Ok(());
        };
        let reply = api.acknowledged(version, within).await?;
        output::note(&format!(
            "acknowledged by {} of {} hosts (version {version})",
            reply.acknowledged, reply.nodes
        ));
        Ok(())
    }

    fn stored(&mut self, reply: &ApplyReply, dry_run: bool) {
        let comment = if dry_run { "# " } else { "" };
        for applied in &reply.applied {
            self.add(applied, reply.version, dry_run, comment);
        }
    }

    fn add(&mut self, applied: &Applied, version: u64, dry_run: bool, comment: &str) {
        self.items.push(item(applied, version, dry_run));
        self.names.push(format!(
            "{}/{}",
            applied.kind.to_ascii_lowercase(),
            full_name(&applied.namespace, &applied.name)
        ));
        self.text.push_str(comment);
        self.text.push_str(&line(applied, dry_run));
        self.version = self.version.max(version);
    }

    fn answer(self) -> Answer {
        Answer {
            kind: "ChangeList",
            items: self.items,
            names: self.names,
            table: self.text,
            wide: None,
        }
    }
}

/// Stores a manifest (or only checks it), says what became of each resource, waits if asked to.
pub(crate) async fn put(
    api: &mut Api,
    manifest: &str,
    file: &str,
    flags: ChangeFlags,
    global: &Global,
) -> Result<(), Failure> {
    let mut batch = Batch::default();
    batch.put(api, manifest, file, flags, global).await?;
    batch.finish(api, flags, global.output).await
}

/// Stores a manifest without a word.
pub(crate) async fn store(
    api: &mut Api,
    manifest: &str,
    file: &str,
    dry_run: bool,
    global: &Global,
) -> Result<ApplyReply, Failure> {
    let request = ApplyRequest {
        manifest: manifest.to_owned(),
        file: file.to_owned(),
        default_namespace: global.namespace().to_string(),
        dry_run,
    };
    api.client
        .apply(request)
        .await
        .map(tonic::Response::into_inner)
        .map_err(|status| refused(&format!("{file} was not applied"), &status))
}

fn item(applied: &Applied, version: u64, dry_run: bool) -> Value {
    json!({
        "kind": applied.kind, "namespace": applied.namespace, "name": applied.name,
        "outcome": applied.outcome, "version": version, "dryRun": dry_run,
    })
}

fn line(applied: &Applied, dry_run: bool) -> String {
    let would = if dry_run { "would be " } else { "" };
    format!(
        "{} {} {would}{}\n",
        applied.kind,
        full_name(&applied.namespace, &applied.name),
        applied.outcome
    )
}

/// `namespace/name`, or the name alone where there is no namespace.
pub(crate) fn full_name(namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply() -> ApplyReply {
        let applied = |kind: &str, name: &str, outcome: &str| Applied {
            kind: kind.into(),
            namespace: "shop".into(),
            name: name.into(),
            outcome: outcome.into(),
        };
        ApplyReply {
            applied: vec![
                applied("Service", "cart", "created"),
                applied("FailoverPolicy", "cart", "unchanged"),
            ],
            version: 12,
            warnings: Vec::new(),
        }
    }

    fn batch(dry_run: bool) -> Batch {
        let mut batch = Batch::default();
        batch.stored(&reply(), dry_run);
        batch
    }

    #[test]
    fn outcomes_are_a_line_each() {
        insta::assert_snapshot!(batch(false).answer().render(Format::Table), @r"
        Service shop/cart created
        FailoverPolicy shop/cart unchanged
        ");
        insta::assert_snapshot!(batch(false).answer().render(Format::Name), @r"
        service/shop/cart
        failoverpolicy/shop/cart
        ");
    }

    #[test]
    fn a_plan_can_be_piped_into_apply() {
        insta::assert_snapshot!(batch(true).answer().render(Format::Table), @r"
        # Service shop/cart would be created
        # FailoverPolicy shop/cart would be unchanged
        ");
    }

    #[test]
    fn all_that_a_verb_did_is_one_document() {
        let mut batch = Batch::default();
        for (kind, name, version) in [("AuthorizationPolicy", "shop/a", 9), ("Peer", "east", 8)] {
            batch.changed(
                kind,
                name,
                &ChangeReply {
                    version,
                    outcome: "removed".into(),
                    acknowledged: 0,
                    nodes: 3,
                },
                false,
            );
        }
        assert_eq!(batch.version, 9);
        insta::assert_snapshot!(batch.answer().render(Format::Json), @r#"
        {
          "apiVersion": "weft.dev/v1alpha1",
          "items": [
            {
              "dryRun": false,
              "kind": "AuthorizationPolicy",
              "name": "a",
              "namespace": "shop",
              "outcome": "removed",
              "version": 9
            },
            {
              "dryRun": false,
              "kind": "Peer",
              "name": "east",
              "namespace": "",
              "outcome": "removed",
              "version": 8
            }
          ],
          "kind": "ChangeList"
        }
        "#);
    }
}
