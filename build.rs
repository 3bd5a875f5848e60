//! Generates the gRPC service of `weft demo`'s till without `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=src/commands/demo/till.proto");
    let set = protox::compile(["till.proto"], ["src/commands/demo"])?;
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        .compile_fds(set)?;
    Ok(())
}
