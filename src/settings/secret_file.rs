//! Tokens and invitations come from a file or from stdin, never from the command line itself (P-18).

use protocol::invitation::JoinToken;

use crate::failure::Failure;
use crate::output::age;
use crate::prompt;

/// What each of our secrets begins with.
const PREFIXES: [&str; 2] = ["weft-token-", "weft-invitation-"];

/// Whether somebody typed the secret itself where its file's name belongs.
pub(crate) fn is_secret(text: &str) -> bool {
    PREFIXES
        .iter()
        .any(|prefix| text.trim_start().starts_with(prefix))
}

/// Reads the join token that `--join` names.
pub(crate) fn join_token(source: &str) -> Result<JoinToken, Failure> {
    let make = "weft token create > token   (on the cluster; single use)";
    if is_secret(source) {
        return Err(Failure::usage("a join token doesn't belong in an argument")
            .because("every user of this machine can read it in the process list; use another one")
            .hint("weft token create > token; weft node --join token")
            .hint("weft node --join -   (reads it from stdin)"));
    }
    let text = prompt::secret_from(source, "join token", make)?;
    let token = JoinToken::parse(&text).map_err(|error| {
        Failure::new(format!("{source} holds no join token"))
            .because(error)
            .hint(make)
    })?;
    if token.expired(age::now_unix()) {
        return Err(
            Failure::new(format!("the join token in {source} has expired"))
                .because(format!(
                    "it was good until {}",
                    age::since(token.expires_at, age::now_unix())
                ))
                .hint(make),
        );
    }
    Ok(token)
}

/// Why a host didn't get in, and the way to.
pub(crate) fn not_joined(part: &str, error: &dyn std::error::Error) -> Failure {
    Failure::new(format!("the {part} can't start"))
        .caused_by(error)
        .hint(format!("weft token create --role {part} > token   (on the cluster; if it has not joined yet: a token is good once)"))
}
