//! The command line as a whole.

use clap::CommandFactory as _;

use super::*;

fn each(command: &clap::Command, path: &str, visit: &mut dyn FnMut(&str, &clap::Command)) {
    for sub in command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
    {
        let path = format!("{path} {}", sub.get_name());
        visit(&path, sub);
        each(sub, &path, visit);
    }
}

#[test]
fn the_tree_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_help_has_examples_and_a_sentence() {
    each(&Cli::command(), "weft", &mut |path, command| {
        let examples = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(
            examples.starts_with("Examples:\n"),
            "{path} has no Examples"
        );
        assert!(
            command.get_about().is_some(),
            "{path} says nothing about itself"
        );
    });
}

#[test]
fn every_example_of_ours_parses() {
    each(&Cli::command(), "weft", &mut |path, command| {
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        for line in help
            .lines()
            .filter_map(|line| line.trim().strip_prefix("weft "))
        {
            let typed = line
                .split("  ")
                .next()
                .unwrap_or_default()
                .split(['|', '>', '<'])
                .next()
                .unwrap_or_default();
            let words = typed.split_whitespace().map(|word| word.trim_matches('\''));
            if let Err(error) = Cli::try_parse_from(std::iter::once("weft").chain(words)) {
                panic!("{path}: {line}\n{error}");
            }
        }
    });
}

#[test]
fn the_six_commands_of_the_manual_parse() {
    for line in [
        "weft up --cluster west --trust-domain west.example --advertise gw.west.example:4433",
        "weft peer invite west --expires 15m",
        "weft peer join",
        "weft service export shop/payments --to east --allow shop/cart",
        "weft failover set shop/payments --prefer local --then peer:west --spill-max 40% --failback 10,50,100/30s",
        "weft run --service shop/cart --port 8080 -- ./cart",
    ] {
        if let Err(error) = Cli::try_parse_from(line.split_whitespace()) {
            panic!("{line}\n{error}");
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_as_usage() {
    for line in [
        "weft",
        "weft nothing",
        "weft peer invite West",
        "weft peer invite west --expires soon",
        "weft service export shop/payments",
        "weft service export shop/payments --to East",
        "weft service export shop/payments --to east --allow cart",
        "weft failover set shop/payments",
        "weft failover set shop/payments --prefer moon",
        "weft failover set shop/payments --prefer local --spill-max 140%",
        "weft failover set shop/payments --prefer local --failback 50,10/30s",
        "weft apply",
        "weft status -o xml",
        "weft run --service shop/cart --port 0 -- ./cart",
        "weft run --service shop/cart --port 8080",
        "weft delete service",
        "weft token create --role king",
        "weft apply -f x --wait=soon",
    ] {
        let refused = Cli::try_parse_from(line.split_whitespace()).expect_err(line);
        assert_eq!(refused.exit_code(), 2, "{line}");
    }
}

#[test]
fn a_service_without_a_namespace_is_in_that_of_n() {
    let parsed = Cli::try_parse_from(["weft", "status", "-n", "shop"]).expect("it parses");
    assert_eq!(
        parsed
            .global
            .service("cart")
            .map(|name| name.to_string())
            .ok()
            .as_deref(),
        Some("shop/cart")
    );
    assert_eq!(
        parsed
            .global
            .service("a/b")
            .map(|name| name.to_string())
            .ok()
            .as_deref(),
        Some("a/b")
    );
    assert!(parsed.global.service("a/b/c").is_err());
}
