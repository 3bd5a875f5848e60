//! Generates the wire messages without `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = ["types", "enrolment", "control", "federation", "api"]
        .map(|f| format!("weft/v1/{f}.proto"));
    let set = protox::compile(files, ["proto"])?;
    prost_build::Config::new().compile_fds(set)?;
    Ok(())
}
