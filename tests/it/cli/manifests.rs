//! Manifests with something wrong in them: every problem is named with its place, and nothing of the file is stored.

use testbed::manifest;
use testbed::{Cluster, ClusterSpec};

use super::assert_refused;

const GOOD: &str = "apiVersion: weft.dev/v1alpha1
kind: Service
metadata: {name: good, namespace: shop}
spec: {protocol: http}
";

/// What stands after a good document, and words that the error must hold.
const WRONG: [(&str, &[&str]); 12] = [
    ("kind: [", &["stdin:"]),
    ("{]", &["stdin:"]),
    (
        "apiVersion: weft.dev/v1alpha1\nkind: Service\nmetadata: {name: a, namespace: shop}\nspec: {protocol: http, colour: red}\n",
        &["stdin:", "colour"],
    ),
    (
        "apiVersion: weft.dev/v1alpha1\nkind: Service\nmetadata: {name: a, namespace: shop, colour: red}\nspec: {protocol: http}\n",
        &["colour"],
    ),
    (
        "apiVersion: weft.dev/v1alpha1\nkind: Service\nmetadata: {name: Not_A_Label, namespace: shop}\nspec: {protocol: http}\n",
        &["Not_A_Label"],
    ),
    (
        "apiVersion: weft.dev/v1alpha1\nkind: Service\nmetadata: {name: a, namespace: shop}\nspec: {protocol: smtp}\n",
        &["smtp"],
    ),
    (
        "apiVersion: weft.dev/v9\nkind: Service\nmetadata: {name: a}\nspec: {}\n",
        &["stdin:6:13", "apiVersion"],
    ),
    (
        "apiVersion: weft.dev/v1alpha1\nkind: Servise\nmetadata: {name: a}\nspec: {}\n",
        &["Servise"],
    ),
    (
        "apiVersion: weft.dev/v1alpha1\nkind: Service\nspec: {protocol: http}\n",
        &["metadata"],
    ),
    (
        "apiVersion: weft.dev/v1alpha1\nkind: FailoverPolicy\nmetadata: {name: a, namespace: shop}\nspec:\n  targetRefs: [{group: \"\", kind: Service, name: good}]\n  places: [{cluster: local}]\n  spill: {max: 140%}\n",
        &["stdin:12:", "spec.spill.max"],
    ),
    (
        "apiVersion: weft.dev/v1alpha1\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: shop}\nspec:\n  targetRefs: [{group: \"\", kind: Service, name: good}]\n  action: Perhaps\n  rules: []\n",
        &["stdin:11:11", "spec.action"],
    ),
    (
        "apiVersion: weft.dev/v1alpha1\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: shop}\nspec:\n  targetRefs: [{group: \"\", kind: Service, name: good}]\n  action: Allow\n  rules:\n  - from: [{spiffe: \"spiffe://East.Example/x/../y\"}]\n",
        &["spiffe"],
    ),
];

#[test]
fn wrong_manifests_are_refused_whole_with_the_place_of_each_problem() {
    let west = Cluster::start(&ClusterSpec::named("west").nodes(0));
    for (wrong, words) in WRONG {
        let text = format!("{GOOD}---\n{wrong}");
        let output = west.weft_with_input(&["apply", "-f", "-"], &text);
        assert_refused(&output, 1, words);
        assert_eq!(stored(&west), "", "something of this was stored: {text}");
    }
}

#[test]
fn all_problems_of_a_manifest_are_named_together() {
    let west = Cluster::start(&ClusterSpec::named("west").nodes(0));
    let text = "apiVersion: weft.dev/v1alpha1\nkind: Service\nmetadata: {name: UPPER, namespace: shop}\nspec: {protocol: smtp, colour: red}\n";
    let said = assert_refused(
        &west.weft_with_input(&["apply", "-f", "-"], text),
        1,
        &["UPPER", "smtp", "colour"],
    );
    assert!(
        said.contains("stdin:3:") && said.contains("stdin:4:"),
        "line and column are missing: {said}"
    );
}

#[test]
fn what_does_not_exist_is_said_to_be_missing() {
    let west = Cluster::start(&ClusterSpec::named("west").nodes(0));
    for typed in [
        &["get", "service", "nosuch", "-n", "shop"][..],
        &["delete", "service", "nosuch", "-n", "shop"],
        &["peer", "remove", "nosuch"],
    ] {
        let output = west.weft(typed);
        assert_refused(&output, 1, &["nosuch"]);
    }
    assert_eq!(stored(&west), "");
}

#[test]
fn dry_run_changes_nothing() {
    let west = Cluster::start(&ClusterSpec::named("west").nodes(0));
    let output = west.weft_with_input(&["apply", "-f", "-", "--dry-run"], GOOD);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(stored(&west), "");
    west.apply(GOOD);
    assert!(stored(&west).contains("good"));
    let exported = west.weft(&[
        "service",
        "export",
        "shop/good",
        "--to",
        "east",
        "--dry-run",
    ]);
    assert!(
        exported.status.success(),
        "{}",
        String::from_utf8_lossy(&exported.stderr)
    );
    assert_eq!(
        west.weft_ok(&["get", "serviceexport", "-n", "shop", "-o", "name"]),
        ""
    );
    west.weft_ok(&["delete", "service", "good", "-n", "shop", "--dry-run"]);
    assert!(stored(&west).contains("good"));
}

#[test]
fn applying_twice_changes_nothing_the_second_time() {
    let west = Cluster::start(&ClusterSpec::named("west").nodes(0));
    let first = west.apply(GOOD);
    assert!(first.contains("created"), "{first}");
    let second = west.apply(GOOD);
    assert!(second.contains("unchanged"), "{second}");
    let third = west.apply(&manifest::service("shop", "good", "http2"));
    assert!(third.contains("configured"), "{third}");
}

fn stored(cluster: &Cluster) -> String {
    cluster.weft_ok(&["get", "service", "-n", "shop", "-o", "name"])
}
