//! What is believed, and what is refused.

use super::*;

fn dir() -> std::path::PathBuf {
    std::path::PathBuf::from("/nowhere")
}

#[test]
fn flags_win_over_the_file_and_the_file_over_the_default() {
    let flags = host::Raw {
        name: Some("typed".into()),
        ..host::Raw::default()
    };
    let file = host::Raw {
        name: Some("filed".into()),
        locality: Some("aws/eu/a".into()),
        ..host::Raw::default()
    };
    let merged = over(&flags, &file).expect("both are of one kind");
    let settings = host::check(host::Kind::Node, &merged, Some(dir())).expect("all of it is right");
    assert_eq!(settings.name.as_str(), "typed");
    assert_eq!(
        settings
            .locality
            .map(|locality| locality.to_string())
            .as_deref(),
        Some("aws/eu/a")
    );
    assert_eq!(settings.listen, listen::all(defaults::NODE_PORT));
}

#[test]
fn lists_of_the_file_stand_where_no_flag_gives_one() {
    let file = controller::Raw {
        gateways: vec!["gw.west.example:4433".into()],
        ..controller::Raw::default()
    };
    let merged = over(&controller::Raw::default(), &file).expect("both are of one kind");
    assert_eq!(merged.gateways, file.gateways);
}

#[test]
fn a_file_with_an_unknown_name_is_refused() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), r#"{"nmae": "n1"}"#).expect("it is written");
    let refused = read_file::<host::Raw>(file.path())
        .expect_err("nmae is no setting")
        .render(false);
    assert!(refused.contains("unknown field `nmae`"), "{refused}");
}

#[test]
fn all_problems_are_shown_at_once() {
    let raw = up::Raw {
        cluster: Some("West!".into()),
        advertise: Some("gw.west.example".into()),
        locality: Some("a/b/c/d".into()),
        node_listen: Some("localhost".into()),
        svid_lifetime: Some("1y".into()),
        ..up::Raw::default()
    };
    let refused = up::check(&raw, dir()).expect_err("nothing of it is right");
    insta::assert_snapshot!(refused.render(false), @r#"
    weft up can't start with these settings
      --cluster: "West!" is not a cluster name: only a-z, 0-9 and - are allowed
      --trust-domain: is needed
      --advertise: "gw.west.example" is not a host and port: it is written host:port
      --locality: "a/b/c/d" is not a locality: it is written cloud/region/zone
      --node-listen: "localhost" is not an address to listen on (write 0.0.0.0:4433, [::]:4433 or a port alone)
      --svid-lifetime: "1y" is not a duration (write 500ms, 30s, 15m, 1h or 7d)
    Try: weft up --help
    "#);
}

#[test]
fn svids_that_live_too_long_or_too_short_are_refused() {
    for (lifetime, good) in [
        ("10s", true),
        ("24h", true),
        ("9s", false),
        ("25h", false),
        ("2d", false),
    ] {
        let raw = controller::Raw {
            cluster: Some("west".into()),
            trust_domain: Some("west.example".into()),
            svid_lifetime: Some(lifetime.into()),
            ..controller::Raw::default()
        };
        assert_eq!(
            controller::check(&raw, Some(dir())).is_ok(),
            good,
            "{lifetime}"
        );
    }
}

#[test]
fn every_part_of_up_gets_a_port_that_can_be_told() {
    let raw = up::Raw {
        cluster: Some("west".into()),
        trust_domain: Some("west.example".into()),
        gateway_listen: Some("127.0.0.1:0".into()),
        ..up::Raw::default()
    };
    let settings = up::check(&raw, dir()).expect("all of it is right");
    assert_ne!(settings.gateway_listen.port(), 0);
    assert_eq!(
        settings.advertise.to_string(),
        format!("127.0.0.1:{}", settings.gateway_listen.port())
    );
    assert_eq!(
        settings.inside(settings.node_listen).to_string(),
        "127.0.0.1:4434"
    );
}

#[test]
fn a_token_typed_as_an_argument_is_refused() {
    let refused =
        secret_file::join_token("weft-token-v1.abcdef").expect_err("it is in the process list");
    insta::assert_snapshot!(refused.render(false), @r"
    a join token doesn't belong in an argument: every user of this machine can read it in the process list; use another one
    Try: weft token create > token; weft node --join token
    Try: weft node --join -   (reads it from stdin)
    ");
}

#[test]
fn missing_empty_and_wrong_token_files_say_so() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let missing = dir.path().join("token").display().to_string();
    assert!(
        secret_file::join_token(&missing)
            .expect_err("it is missing")
            .render(false)
            .contains("No such file")
    );
    let wrong = dir.path().join("wrong");
    std::fs::write(&wrong, "weft-token-v1.AAAA").expect("it is written");
    let wrong = wrong.display().to_string();
    assert!(
        secret_file::join_token(&wrong)
            .expect_err("it is wrong")
            .render(false)
            .contains("holds no join token")
    );
}
