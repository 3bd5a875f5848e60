//! Manifests: any text gives resources or problems, and a resource goes to YAML and back unchanged.

use protocol::name::Label;
use protocol::resource;

/// A manifest.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let namespace: Label = "default".parse().expect("it is a label");
    let Ok(resources) = resource::parse(text, "fuzz.yaml", &namespace) else {
        return;
    };
    for found in resources {
        let yaml = found.to_yaml();
        let again =
            resource::parse(&yaml, "again.yaml", &namespace).expect("what was printed parses");
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].to_yaml(), yaml);
    }
}
