//! Generates the messages, the server and the client of the bank.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let bank = protox::compile(["proto/bank.proto"], ["proto"])?;
    tonic_prost_build::configure().build_transport(false).compile_fds(bank)?;
    Ok(())
}
