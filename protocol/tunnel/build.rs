//! Generates the gRPC services over the messages of `protocol`, without `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=../proto");
    let files = ["types", "enrolment", "control", "federation", "api"]
        .map(|f| format!("weft/v1/{f}.proto"));
    let set = protox::compile(files, ["../proto"])?;
    tonic_prost_build::configure()
        .extern_path(".weft.v1", "::protocol::wire::v1")
        .compile_fds(set)?;
    Ok(())
}
