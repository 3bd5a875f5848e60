//! What verbs write, and that it is what manifests may hold.

use super::*;

fn payments() -> ServiceName {
    ServiceName::parse("shop/payments").expect("it is a name")
}

fn accepted(yaml: &str) {
    if let Err(problems) = protocol::resource::parse(
        yaml,
        "written.yaml",
        &Label::parse("default").expect("a label"),
    ) {
        panic!("{problems}\n{yaml}");
    }
}

#[test]
fn failover_set_writes_the_policy_of_the_manual() {
    let places: Vec<place::Place> = ["local", "peer:west"]
        .iter()
        .map(|text| text.parse().expect("it is a place"))
        .collect();
    let failback = "10,50,100/30s".parse().expect("it is a way back");
    let yaml = Failover {
        service: &payments(),
        places: &places,
        leave_healthy_below: Some(50),
        consecutive_errors: Some(5),
        spill_max: Some(40),
        failback: Some(&failback),
    }
    .yaml();
    insta::assert_snapshot!(yaml, @r#"
    apiVersion: weft.dev/v1alpha1
    kind: FailoverPolicy
    metadata:
      name: payments
      namespace: shop
    spec:
      targetRefs:
      - {group: "", kind: Service, name: payments}
      places:
      - {cluster: local}
      - {peer: west}
      leave: {healthyBelow: 50%, consecutiveErrors: 5}
      spill: {max: 40%}
      failback: {hold: 30s, steps: [10%, 50%, 100%], every: 30s}
    "#);
    accepted(&yaml);
}

#[test]
fn every_kind_of_place_is_accepted() {
    for text in [
        "local",
        "zone",
        "region",
        "peer:west",
        "cloud:gcp",
        "peer:west=80,cloud:gcp=20",
    ] {
        let places = [text.parse().expect("it is a place")];
        let policy = Failover {
            service: &payments(),
            places: &places,
            leave_healthy_below: None,
            consecutive_errors: None,
            spill_max: None,
            failback: None,
        };
        accepted(&policy.yaml());
    }
    for text in [
        "",
        "west",
        "peer:",
        "peer:West",
        "moon:x",
        "peer:a=0",
        "peer:a=x",
        "peer:a=1,local",
        "zone:a",
    ] {
        assert!(text.parse::<place::Place>().is_err(), "{text}");
    }
}

#[test]
fn ways_back_rise_to_everything() {
    for text in ["10,50,100/30s", "100/1s", "1%,100%/500ms"] {
        assert!(text.parse::<place::Failback>().is_ok(), "{text}");
    }
    for text in [
        "",
        "10,50,100",
        "10,50/30s",
        "50,10,100/30s",
        "0,100/1s",
        "10,10,100/1s",
        "10,101/1s",
        "100/0s",
        "100/x",
        "/1s",
    ] {
        assert!(text.parse::<place::Failback>().is_err(), "{text}");
    }
}

#[test]
fn export_and_allow_write_what_manifests_may_hold() {
    let yaml = export(&payments(), &"east,apac".parse().expect("they are peers"));
    insta::assert_snapshot!(yaml, @r#"
    apiVersion: multicluster.x-k8s.io/v1alpha1
    kind: ServiceExport
    metadata:
      name: payments
      namespace: shop
      annotations: {weft.dev/to: "apac,east"}
    "#);
    accepted(&yaml);
    let caller: Caller = "peer:east/shop/cart".parse().expect("it is a caller");
    let yaml = Allow {
        name: allow_name(&payments(), &caller),
        service: &payments(),
        callers: &[caller],
        methods: &["GET".to_owned()],
        paths: &["/charge/*".to_owned()],
    }
    .yaml();
    insta::assert_snapshot!(yaml, @r#"
    apiVersion: weft.dev/v1alpha1
    kind: AuthorizationPolicy
    metadata:
      name: payments-allow-east-shop-cart
      namespace: shop
    spec:
      targetRefs:
      - {group: "", kind: Service, name: payments}
      action: Allow
      rules:
      - from:
        - {peer: east, namespace: shop, serviceAccount: cart}
        to:
        - {methods: ["GET"], paths: ["/charge/*"]}
    "#);
    accepted(&yaml);
}

#[test]
fn callers_are_named_in_four_ways() {
    for text in [
        "shop/cart",
        "peer:east",
        "peer:east/shop/cart",
        "peer:east/shop/*",
        "spiffe://east.example/ns/shop/sa/cart",
    ] {
        let caller: Caller = text.parse().expect("it is a caller");
        let policy = Allow {
            name: allow_name(&payments(), &caller),
            service: &payments(),
            callers: &[caller],
            methods: &[],
            paths: &[],
        };
        accepted(&policy.yaml());
    }
    for text in [
        "",
        "cart",
        "shop/",
        "peer:",
        "peer:east/",
        "peer:East/shop/cart",
        "shop/cart/x",
        "*/*",
        "spiffe://",
        "Shop/cart",
    ] {
        assert!(text.parse::<Caller>().is_err(), "{text}");
    }
}

#[test]
fn a_workload_and_its_service_are_written() {
    let (name, account) = (
        Label::parse("cart-n1-8080").expect("a label"),
        Label::parse("cart").expect("a label"),
    );
    let cart = ServiceName::parse("shop/cart").expect("a name");
    let workload = Workload {
        name: &name,
        service: &cart,
        service_account: &account,
        node: "n1",
        port: Some(8080),
        proxy_port: 15001,
    };
    insta::assert_snapshot!(workload.yaml(), @r"
    apiVersion: weft.dev/v1alpha1
    kind: Workload
    metadata:
      name: cart-n1-8080
      namespace: shop
    spec:
      node: n1
      serviceAccount: cart
      proxyPort: 15001
      serves:
      - {service: cart, port: 8080}
    ");
    accepted(&(service(&cart, "grpc") + "---\n" + &workload.yaml()));
    accepted(
        &Workload {
            port: None,
            ..workload
        }
        .yaml(),
    );
}

#[test]
fn everybody_sees_what_is_exported_to_all() {
    accepted(&export(&payments(), &ExportTo::All));
}

#[test]
fn long_names_are_cut_to_a_label_and_stay_apart() {
    let long = "a".repeat(70);
    let (one, other) = (fitted(&format!("{long}-x")), fitted(&format!("{long}-y")));
    assert_ne!(one, other);
    assert!(Label::parse(&one).is_ok() && one.len() <= 63, "{one}");
    assert_eq!(fitted("short"), "short");
}
