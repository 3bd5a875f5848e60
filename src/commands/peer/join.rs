//! `weft peer join`: accepts an invitation, after showing whose it is.

use std::process::ExitCode;

use protocol::invitation::Invitation;
use protocol::wire::v1::{JoinPeerReply, JoinPeerRequest};
use serde_json::json;

use crate::api::{Api, refused};
use crate::commands::Global;
use crate::commands::change::ChangeFlags;
use crate::failure::Failure;
use crate::output::{self, Answer, age};
use crate::prompt;
use crate::settings::secret_file;

/// Accept an invitation: asks for it, shows whose it is, asks whether to go on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft peer join                              asks for the invitation, then for a yes
  weft peer join -f invitation --yes          for scripts
  weft peer join - --yes < invitation")]
pub(crate) struct JoinArgs {
    /// File with the invitation, or - for stdin.
    #[arg(short, long = "filename", value_name = "FILE")]
    filename: Option<String>,
    /// Don't ask; the invitation came from whom it should.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    flags: ChangeFlags,
    /// `-` reads it from stdin; an invitation itself is refused here.
    #[arg(value_name = "-", hide = true)]
    typed: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(args: JoinArgs, global: &Global) -> Result<ExitCode, Failure> {
    let invitation = read(&args)?;
    let mut api = global.api().await?;
    let shown = join(&mut api, &invitation, true).await?;
    output::note(&introduction(&shown));
    if args.flags.dry_run {
        answer(&shown, true).print(global.output)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes && !prompt::confirm(&format!("Federate with {}?", shown.cluster))? {
        return Err(Failure::new("not joined")
            .because("no yes was given; the invitation stays good")
            .hint("weft peer join --yes"));
    }
    let joined = join(&mut api, &invitation, false).await?;
    if let Some(within) = args.flags.wait() {
        api.acknowledged(joined.version, within).await?;
    }
    answer(&joined, false).print(global.output)?;
    Ok(ExitCode::SUCCESS)
}

fn read(args: &JoinArgs) -> Result<String, Failure> {
    let text = match (&args.filename, args.typed.as_deref()) {
        (_, Some(typed)) if typed != "-" => return Err(refuse_argument(typed)),
        (Some(file), None) if secret_file::is_secret(file) => return Err(refuse_argument(file)),
        (Some(file), None) => prompt::secret_from(file, "invitation", MAKE)?,
        (Some(_), Some(_)) => {
            return Err(Failure::usage(
                "give the invitation once: by -f FILE or by -",
            ));
        }
        (None, Some(_)) => prompt::secret_from("-", "invitation", MAKE)?,
        (None, None) => {
            prompt::ask_for("invitation", "Paste the invitation (weft-invitation-v1.…):")?
        }
    };
    let invitation = Invitation::parse(&text).map_err(|error| {
        Failure::new("that is no invitation")
            .because(error)
            .hint(MAKE)
    })?;
    if invitation.expired(age::now_unix()) {
        let ago = age::since(invitation.expires_at, age::now_unix());
        return Err(Failure::new(format!(
            "the invitation of {} has expired",
            invitation.cluster
        ))
        .because(format!("it was good until {ago}"))
        .hint(MAKE));
    }
    Ok(text)
}

const MAKE: &str = "weft peer invite NAME   (on the other cluster, NAME being this one)";

fn refuse_argument(typed: &str) -> Failure {
    if !secret_file::is_secret(typed) {
        return Failure::usage("peer join takes no argument")
            .hint("weft peer join -f FILE")
            .hint("weft peer join   (asks for it)");
    }
    Failure::usage("an invitation doesn't belong in an argument")
        .because("every user of this machine can read it in the process list; have a new one made, as this one may be known")
        .hint("weft peer join   (asks for it)")
        .hint("weft peer join -f FILE   (or - for stdin)")
}

async fn join(api: &mut Api, invitation: &str, dry_run: bool) -> Result<JoinPeerReply, Failure> {
    let request = JoinPeerRequest {
        invitation: invitation.to_owned(),
        dry_run,
    };
    api.client
        .join_peer(request)
        .await
        .map(tonic::Response::into_inner)
        .map_err(|status| refused("not joined", &status))
}

fn introduction(reply: &JoinPeerReply) -> String {
    format!(
        "cluster       {}\ntrust domain  {}\nroot digest   {}\nphrase        {}   (compare it with what the inviter saw)\ngateways      {}",
        reply.cluster,
        reply.trust_domain,
        reply.root_digest,
        reply.phrase,
        reply.gateways.join(", "),
    )
}

fn answer(reply: &JoinPeerReply, dry_run: bool) -> Answer {
    let would = if dry_run { "would be " } else { "" };
    Answer {
        kind: "PeerList",
        items: vec![json!({
            "cluster": reply.cluster, "trustDomain": reply.trust_domain, "rootDigest": reply.root_digest, "phrase": reply.phrase,
            "gateways": reply.gateways, "version": reply.version, "dryRun": dry_run,
        })],
        names: vec![format!("peer/{}", reply.cluster)],
        table: format!("Peer {} {would}joined", reply.cluster),
        wide: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(filename: Option<&str>, typed: Option<&str>) -> JoinArgs {
        let flags = ChangeFlags {
            dry_run: false,
            wait: None,
        };
        JoinArgs {
            filename: filename.map(str::to_owned),
            yes: true,
            flags,
            typed: typed.map(str::to_owned),
        }
    }

    #[test]
    fn an_invitation_as_an_argument_is_refused_with_the_way_to_do_it() {
        let refused = read(&args(None, Some("weft-invitation-v1.abc")))
            .expect_err("it is in the process list");
        insta::assert_snapshot!(refused.render(false), @r"
        an invitation doesn't belong in an argument: every user of this machine can read it in the process list; have a new one made, as this one may be known
        Try: weft peer join   (asks for it)
        Try: weft peer join -f FILE   (or - for stdin)
        ");
        assert!(read(&args(Some("weft-invitation-v1.abc"), None)).is_err());
    }

    #[test]
    fn a_broken_invitation_is_refused_before_anybody_is_asked() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "weft-invitation-v1.AAAA\n").expect("it is written");
        let refused = read(&args(file.path().to_str(), None))
            .expect_err("its checksum is wrong")
            .render(false);
        assert!(refused.starts_with("that is no invitation: "), "{refused}");
        assert!(refused.ends_with(MAKE), "{refused}");
    }

    #[test]
    fn the_introduction_shows_what_is_to_be_compared() {
        let reply = JoinPeerReply {
            cluster: "east".into(),
            trust_domain: "east.example".into(),
            root_digest: "ab12".into(),
            phrase: "one two three four".into(),
            gateways: vec!["gw.east.example:4433".into()],
            version: 4,
        };
        insta::assert_snapshot!(introduction(&reply), @r"
        cluster       east
        trust domain  east.example
        root digest   ab12
        phrase        one two three four   (compare it with what the inviter saw)
        gateways      gw.east.example:4433
        ");
    }
}
