//! `weft token create`: prints a single-use join token on stdout.

use std::process::ExitCode;
use std::time::Duration;

use protocol::name::Label;
use protocol::wire::v1::CreateTokenRequest;
use serde_json::json;

use crate::api::refused;
use crate::commands::Global;
use crate::failure::Failure;
use crate::output::{self, Answer, Format, age};
use crate::settings::duration;

/// Make a single-use token with which one host joins this cluster
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft token create > token                then, on the host: weft node --join token
  weft token create --name n1              for n1 alone, also when a node n1 joined before and lost its disk
  weft token create --role gateway --expires 5m | ssh gw weft gateway --join -")]
pub(crate) struct CreateArgs {
    /// What the host will be.
    #[arg(long, value_enum, default_value_t)]
    role: Role,
    /// The only host that may use it; needed for one that takes the place of a host of that name [default: any new name].
    #[arg(long, value_name = "NAME")]
    name: Option<Label>,
    /// How long it is good.
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration::parse)]
    expires: Duration,
    /// Say what would be made; make nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Role {
    #[default]
    Node,
    Gateway,
}

impl Role {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Gateway => "gateway",
        }
    }
}

/// Runs the command.
pub(crate) async fn run(args: CreateArgs, global: &Global) -> Result<ExitCode, Failure> {
    let role = args.role.as_str();
    if args.dry_run {
        let context = global.context()?;
        output::print(&format!(
            "would make a token for one {role} of {}, good for {}\n",
            context.name,
            age::short(args.expires)
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut api = global.api().await?;
    let request = CreateTokenRequest {
        role: role.to_owned(),
        expires_seconds: args.expires.as_secs().max(1),
        name: args.name.map_or_else(String::new, |name| name.to_string()),
    };
    let reply = api
        .client
        .create_token(request)
        .await
        .map_err(|status| refused("no token was made", &status))?
        .into_inner();
    Answer {
        kind: "TokenList",
        items: vec![json!({"role": role, "token": reply.token, "expiresAt": reply.expires_at})],
        names: vec![reply.token.clone()],
        table: reply.token,
        wide: None,
    }
    .print(global.output)?;
    if matches!(global.output, Format::Table | Format::Wide) {
        output::note(&format!(
            "good once, for {}: weft {role} --join FILE",
            age::short(args.expires)
        ));
    }
    Ok(ExitCode::SUCCESS)
}
