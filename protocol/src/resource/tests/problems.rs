//! Every problem is told, with its place and what to do.

use super::*;

fn problems(text: &str) -> Vec<String> {
    let problems = parse_as_shop(text).expect_err("there are problems");
    problems.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn assert_problems(text: &str, expected: &[&str]) {
    assert_eq!(problems(text.trim_start()), expected);
}

#[test]
fn all_problems_of_a_policy_are_told_at_once() {
    let text = "
apiVersion: weft.dev/v1alpha1
kind: FailoverPolicy
metadata: {name: Payments, namspace: shop}
spec:
  places:
  - {cluster: west}
  - {peeer: west}
  - {zone: same, region: same}
  - {weighted: []}
  leave: {healthyBelow: 50, errorRateAbove: 20%}
  spill: {max: 140%}
  failback: {hold: 30, steps: [50%, 10%], every: 1d}
  failback2: {}
";
    assert_problems(
        text,
        &[
            r#"shop.yaml:3:18: metadata.name: "Payments" is not a name: only a-z, 0-9 and - are allowed"#,
            r#"shop.yaml:3:28: metadata.namspace: unknown field; did you mean "namespace"?"#,
            "shop.yaml:5:3: spec.targetRefs: it is missing",
            "shop.yaml:6:15: spec.places[0].cluster: there is no such place; write local; another cluster is {peer: NAME}",
            "shop.yaml:7:5: spec.places[1]: exactly one of zone, region, cluster, peer, cloud is expected",
            r#"shop.yaml:7:6: spec.places[1].peeer: unknown field; did you mean "peer"?"#,
            "shop.yaml:8:5: spec.places[2]: exactly one of zone, region, cluster, peer, cloud is expected",
            "shop.yaml:9:16: spec.places[3].weighted: at least one is expected",
            "shop.yaml:10:25: spec.leave.healthyBelow: a share needs its sign; write 50%",
            "shop.yaml:10:29: spec.leave.errorRateAbove: unknown field; there are healthyBelow, consecutiveErrors",
            "shop.yaml:11:16: spec.spill.max: a share is written 0% to 100%, in whole percent",
            "shop.yaml:12:20: spec.failback.hold: a text is expected; put it in quotes",
            "shop.yaml:12:31: spec.failback.steps: the steps don't rise to 100%; write them like [10%, 50%, 100%]",
            "shop.yaml:12:50: spec.failback.every: a duration is written as a whole number and ms, s, m or h, such as 500ms or 30s",
            r#"shop.yaml:13:3: spec.failback2: unknown field; did you mean "failback"?"#,
        ],
    );
}

#[test]
fn all_problems_of_a_workload_are_told_at_once() {
    let text = "
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: {name: cart}
spec:
  serves: [{service: cart, port: 0}, {service: a/b, port: 70000}, 7]
  health: {httpPath: healthz, every: 0s, healthyAfter: 0}
  listeners: [{port: 1, host: example}]
  proxyPort: many
";
    assert_problems(
        text,
        &[
            "shop.yaml:5:3: spec.node: it is missing",
            "shop.yaml:5:34: spec.serves[0].port: a number from 1 to 65535 is expected",
            r#"shop.yaml:5:48: spec.serves[1].service: "a/b" is not a name: only a-z, 0-9 and - are allowed"#,
            "shop.yaml:5:59: spec.serves[1].port: a number from 1 to 65535 is expected",
            "shop.yaml:5:67: spec.serves[2]: a map is expected, not a number",
            "shop.yaml:6:22: spec.health.httpPath: a path is expected, such as /healthz",
            "shop.yaml:6:38: spec.health.every: a duration from 1ms to 24h is expected",
            "shop.yaml:6:56: spec.health.healthyAfter: a number from 1 to 1000000 is expected",
            r#"shop.yaml:7:31: spec.listeners[0].host: "example" is not a host of the mesh: write name.namespace, name.namespace.svc.PEER.clusterset.local or name.namespace.svc.clusterset.local"#,
            "shop.yaml:8:14: spec.proxyPort: a whole number is expected, not a text",
        ],
    );
}

#[test]
fn ports_and_services_are_used_once() {
    let text = "
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: {name: cart}
spec: {node: n1, serves: [{service: a, port: 80}, {service: a, port: 81}], listeners: [{port: 80, host: a.b}], proxyPort: 80}
";
    assert_problems(
        text,
        &[
            "shop.yaml:4:7: spec: two listeners have port 80",
            "shop.yaml:4:7: spec: port 80 is both a listener's and the app's",
            "shop.yaml:4:7: spec: the service shop/a is served twice",
        ],
    );
}

#[test]
fn all_problems_of_an_authorization_policy_are_told_at_once() {
    let text = "
apiVersion: weft.dev/v1alpha1
kind: AuthorizationPolicy
metadata: {name: cart}
spec:
  targetRefs: [{group: apps, kind: Service, name: a}, {name: a}]
  action: allow
  rules:
  - from: [{spiffe: spiffe://east.example}, {peer: west, spiffe: 'spiffe://a/b'}, {}]
    to: [{methods: [get], paths: ['*', /a//b]}, {}]
  - from: []
";
    assert_problems(
        text,
        &[
            "shop.yaml:5:15: spec.targetRefs: the service \"a\" is there twice",
            r#"shop.yaml:5:24: spec.targetRefs[0].group: policies are for services only; write """#,
            "shop.yaml:6:11: spec.action: it is neither Allow nor Deny",
            "shop.yaml:8:21: spec.rules[0].from[0].spiffe: it has no path",
            "shop.yaml:8:45: spec.rules[0].from[1]: spiffe stands alone",
            "shop.yaml:8:83: spec.rules[0].from[2]: it names nobody: spiffe, peer, namespace or serviceAccount is expected",
            "shop.yaml:9:21: spec.rules[0].to[0].methods[0]: the case of a method matters; write GET",
            r#"shop.yaml:9:35: spec.rules[0].to[0].paths[0]: "*" is not a path: it begins with /"#,
            r#"shop.yaml:9:40: spec.rules[0].to[0].paths[1]: "/a//b" is not a path: it has no //, \, segment . or .., %2f, %5c, %00 or other escape that nothing needs: requests with such a path are never served"#,
            "shop.yaml:9:49: spec.rules[0].to[1]: it names nothing: methods or paths are expected",
            "shop.yaml:10:11: spec.rules[1].from: at least one is expected",
        ],
    );
}

#[test]
fn the_envelope_is_checked_too() {
    assert_problems(
        "kind: Service\n",
        &[
            "shop.yaml:1:1: apiVersion: it is missing",
            "shop.yaml:1:1: metadata: it is missing",
        ],
    );
    assert_problems(
        "{apiVersion: v1, kind: Service, metadata: {name: a}}",
        &["shop.yaml:1:14: apiVersion: Service has another apiVersion; write weft.dev/v1alpha1"],
    );
    assert_problems(
        "{apiVersion: v1, kind: Servce, metadata: {name: a}}",
        &[r#"shop.yaml:1:24: kind: unknown kind "Servce"; did you mean "Service"?"#],
    );
    assert_problems("[]", &["shop.yaml:1:1: a map is expected, not a list"]);
    assert_problems("text", &["shop.yaml:1:1: a map is expected, not a text"]);
    assert_problems(
        "{apiVersion: weft.dev/v1alpha1, kind: Service, metadata: {name: a, annotations: {x: 5}}, status: {}, kind: Service}",
        &[
            r#"shop.yaml:1:85: metadata.annotations["x"]: a text is expected; put it in quotes"#,
            "shop.yaml:1:90: status: unknown field; there are apiVersion, kind, metadata, spec",
            "shop.yaml:1:102: kind: this field is there twice",
        ],
    );
}

#[test]
fn a_service_export_says_where_its_peers_go() {
    assert_problems(
        "{apiVersion: multicluster.x-k8s.io/v1alpha1, kind: ServiceExport, metadata: {name: a, annotations: {weft.dev/to: 'East,b'}}, spec: {to: b}}",
        &[
            r#"shop.yaml:1:114: metadata.annotations["weft.dev/to"]: "East" is not a cluster name: only a-z, 0-9 and - are allowed"#,
            "shop.yaml:1:132: spec: a ServiceExport has none; name the peers in the annotation weft.dev/to",
        ],
    );
}

#[test]
fn a_resource_is_in_a_manifest_once() {
    let service = "{apiVersion: weft.dev/v1alpha1, kind: Service, metadata: {name: a}}";
    assert_problems(
        &format!("{service}\n---\n{service}\n"),
        &["shop.yaml:3:1: Service shop/a is there twice"],
    );
}

#[test]
fn what_isnt_yaml_is_told_beside_the_problems_before_it() {
    let found = problems("kind: Pod\n---\na: [1\nb: 2\n");
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(
        found
            .last()
            .unwrap()
            .starts_with("shop.yaml:4:2: illegal placement of ':'"),
        "{found:?}"
    );
}

#[test]
fn aliases_dont_multiply_into_gigabytes() {
    let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
    for (name, before) in [
        ("b", "a"),
        ("c", "b"),
        ("d", "c"),
        ("e", "d"),
        ("f", "e"),
        ("g", "f"),
        ("h", "g"),
    ] {
        let aliases = vec![format!("*{before}"); 10].join(",");
        bomb.push_str(&format!("{name}: &{name} [{aliases}]\n"));
    }
    assert_eq!(problems(&bomb).len(), 1);
    let deep = "[".repeat(100_000);
    assert_eq!(problems(&deep).len(), 1);
}

#[test]
fn a_manifest_has_a_largest_size_and_problems_a_largest_number() {
    let found = problems(&" ".repeat(CONFIG_BYTES + 1));
    assert_eq!(
        found,
        ["shop.yaml: the manifest has more than 1048576 bytes; split it"]
    );
    let many: String = (0..300).map(|i| format!("unknown{i}: 1\n")).collect();
    let problems = parse_as_shop(&many).unwrap_err();
    assert_eq!((problems.iter().count(), problems.count()), (100, 303));
    assert!(problems.to_string().ends_with("\nand 203 more"));
}

#[test]
fn what_others_wrote_doesnt_steer_the_terminal() {
    for text in [
        "\"\\e[31m\": 1",
        "{apiVersion: \"\\e\", kind: \"\\e[0m\", metadata: {name: \"\\e]\"}}",
    ] {
        let problems = parse_as_shop(text).unwrap_err().to_string();
        assert!(!problems.contains('\u{1b}'), "{problems:?}");
    }
}

#[test]
fn a_protocol_that_is_said_twice_is_said_alike() {
    let service = |spec: &str| {
        format!(
            "apiVersion: weft.dev/v1alpha1\nkind: Service\nmetadata: {{name: a}}\nspec: {{{spec}}}\n"
        )
    };
    for (spec, expected) in [
        (
            "protocol: http, appProtocol: tcp",
            "shop.yaml:4:37: spec.appProtocol: it says tcp, but protocol says http",
        ),
        (
            "appProtocol: kubernetes.io/h2c, portName: http-web",
            "shop.yaml:4:50: spec.portName: it says http, but appProtocol says http2",
        ),
        (
            "protocol: auto, portName: udp-dns",
            "shop.yaml:4:34: spec.portName: it says udp, but protocol says auto",
        ),
        (
            "appProtocol: https",
            "shop.yaml:4:21: spec.appProtocol: the mesh encrypts, so the application speaks without TLS; write http; an application with TLS of its own is tcp",
        ),
        (
            "portName: https-web",
            "shop.yaml:4:18: spec.portName: the mesh encrypts, so the application speaks without TLS; write http; an application with TLS of its own is tcp",
        ),
        (
            "appProtocol: postgres0",
            "shop.yaml:4:21: spec.appProtocol: it is not a protocol that is known here; did you mean \"postgres\"?",
        ),
        (
            "protocol: smtp",
            "shop.yaml:4:18: spec.protocol: \"smtp\" is not one of http, http2, grpc, tcp, udp, auto",
        ),
        (
            "portName: Http",
            "shop.yaml:4:18: spec.portName: \"Http\" is not a name: only a-z, 0-9 and - are allowed",
        ),
    ] {
        assert_problems(&service(spec), &[expected]);
    }
}
