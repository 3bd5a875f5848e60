//! Manifests: any text gives resources or problems, and a resource goes to YAML and back unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::name::Label;
use protocol::resource;

fuzz_target!(|text: &str| {
    let namespace: Label = "default".parse().expect("it is a label");
    let Ok(resources) = resource::parse(text, "fuzz.yaml", &namespace) else { return };
    for found in resources {
        let yaml = found.to_yaml();
        let again = resource::parse(&yaml, "again.yaml", &namespace).expect("what was printed parses");
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].to_yaml(), yaml);
    }
});
